// Two user classes of unequal weight, told apart by the names of their requests.
#include "locust.h"

using namespace locust;

namespace {

class Alpha final : public HttpUser {
 public:
  Task<> hello() { co_await client.send(hello_); }

 private:
  const Request hello_ = get("/hello/").named("alpha");
};

class Beta final : public HttpUser {
 public:
  Task<> hello() { co_await client.send(hello_); }

 private:
  const Request hello_ = get("/hello/").named("beta");
};

}  // namespace

UserClasses locustfile() {
  return {user_class<Alpha>("Alpha").task<&Alpha::hello>(),
          user_class<Beta>("Beta").task<&Beta::hello>()};
}
