// A user that asks once and then waits, with its connection open: what an idle user costs.
#include "locust.h"

using namespace locust;

namespace {

class IdleUser final : public HttpUser {
 public:
  Task<> hello() { co_await client.send(hello_); }

 private:
  const Request hello_ = get("/hello/");
};

}  // namespace

UserClasses locustfile() {
  return {user_class<IdleUser>("IdleUser").wait(constant(1h)).task<&IdleUser::hello>()};
}
