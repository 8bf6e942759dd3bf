// The simplest user there can be; hello.py is the same for the master.
#include "locust.h"

using namespace locust;

namespace {

class HelloUser final : public HttpUser {
 public:
  Task<> hello() { co_await client.send(hello_); }

 private:
  const Request hello_ = get("/hello/");
};

}  // namespace

UserClasses locustfile() { return {user_class<HelloUser>("HelloUser").task<&HelloUser::hello>()}; }
