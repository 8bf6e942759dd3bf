// What a user does in its life, told to the master as samples: on_start, tasks by weight, on_stop,
// and a user that ends by itself.
#include <stdexcept>

#include "locust.h"

using namespace locust;

namespace {

class LifeUser final : public User {
 public:
  Task<> on_start() override {
    report({.method = "LIFE", .name = "on_start", .elapsed = 1ms});
    co_return;
  }
  Task<> on_stop() override {
    report({.method = "LIFE", .name = "on_stop", .elapsed = 1ms});
    co_return;
  }
  Task<> often() {
    co_await sleep(5ms);
    report({.method = "LIFE", .name = "often", .elapsed = 5ms, .bytes = 64});
  }
  Task<> seldom() {
    co_await sleep(5ms);
    report({.method = "LIFE", .name = "seldom", .elapsed = 5ms, .error = "seldom fails"});
  }
};

class ShortUser final : public User {
 public:
  Task<> once() {
    report({.method = "LIFE", .name = "once", .elapsed = std::nullopt});
    throw StopUser();
    co_return;
  }
};

class UnbornUser final : public User {
 public:
  Task<> on_start() override {
    throw std::runtime_error("no start");
    co_return;
  }
};

}  // namespace

UserClasses locustfile() {
  return {user_class<LifeUser>("LifeUser")
              .wait(between(1ms, 3ms))
              .task<&LifeUser::often>(9)
              .task<&LifeUser::seldom>(1),
          user_class<ShortUser>("ShortUser").task<&ShortUser::once>(),
          user_class<UnbornUser>("UnbornUser")};
}
