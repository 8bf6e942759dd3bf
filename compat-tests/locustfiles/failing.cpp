// What fills the exceptions tab and the failures tab: a task that throws, a page that is not there.
#include <stdexcept>

#include "locust.h"

using namespace locust;

namespace {

class RaisingUser final : public HttpUser {
 public:
  Task<> broken() {
    throw std::runtime_error("broken on purpose");
    co_return;
  }
};

class MissingUser final : public HttpUser {
 public:
  Task<> missing() { co_await client.send(missing_); }

 private:
  const Request missing_ = get("/missing/");
};

}  // namespace

UserClasses locustfile() {
  return {
      user_class<RaisingUser>("RaisingUser").wait(constant(200ms)).task<&RaisingUser::broken>(),
      user_class<MissingUser>("MissingUser").wait(constant(50ms)).task<&MissingUser::missing>()};
}
