// A worker of one's own: what it does. shop.py tells the master of the same user classes.
#include <string>

#include "locust.h"

using namespace locust;

namespace {

class Visitor final : public HttpUser {
 public:
  Task<> hello() { co_await client.send(hello_); }
  Task<> item() { co_await client.send(item_); }

 private:
  const Request hello_ = get("/hello/");
  const Request item_ = get("/metadata/").named("/item");
};

class Passer final : public HttpUser {
 public:
  Task<> glance() { co_await client.send(front_); }

 private:
  const Request front_ = get("/");
};

}  // namespace

UserClasses locustfile() {
  return {user_class<Visitor>("Visitor")
              .weight(3)
              .wait(between(10ms, 30ms))
              .task<&Visitor::hello>(3)
              .task<&Visitor::item>(1),
          user_class<Passer>("Passer").wait(constant(20ms)).task<&Passer::glance>()};
}
