// A task that does nothing but throw, without a pause.
#include <stdexcept>

#include "locust.h"

using namespace locust;

namespace {

class FloodUser final : public User {
 public:
  Task<> broken() {
    throw std::runtime_error("broken without a pause");
    co_return;
  }
};

}  // namespace

UserClasses locustfile() { return {user_class<FloodUser>("FloodUser").task<&FloodUser::broken>()}; }
