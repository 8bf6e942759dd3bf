// A message of the locustfile's own, from the master to each worker and back unchanged.
#include "locust.h"

using namespace locust;

namespace {

class MessageUser final : public HttpUser {
 public:
  Task<> hello() { co_await client.send(hello_); }

 private:
  const Request hello_ = get("/hello/");
};

}  // namespace

UserClasses locustfile() {
  return UserClasses{
      user_class<MessageUser>("MessageUser").wait(constant(100ms)).task<&MessageUser::hello>()}
      .on_message("compat_question", [](Environment& environment, const Value& data) {
        environment.send_message("compat_answer", data);
      });
}
