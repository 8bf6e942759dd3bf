// A task that keeps its thread for seconds, as a slow computation would.
#include <thread>

#include "locust.h"

using namespace locust;

namespace {

class BlockingUser final : public User {
 public:
  // NOLINTNEXTLINE(readability-convert-member-functions-to-static): a task is a method
  Task<> compute() {
    std::this_thread::sleep_for(4s);
    co_return;
  }
};

}  // namespace

UserClasses locustfile() {
  return {user_class<BlockingUser>("BlockingUser").task<&BlockingUser::compute>()};
}
