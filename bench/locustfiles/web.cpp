// One request of BENCH_PATH after another, with the checks that BENCH_CHECK names; web.py is the
// same for the master.
#include <cstdlib>
#include <string>

#include "locust.h"

using namespace locust;

namespace {

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr ? value : "";
}

class WebUser final : public HttpUser {
 public:
  Task<> page() { co_await client.send(page_); }

 private:
  Request checked(const std::string& kind) const {
    RequestBuilder page = get(variable("BENCH_PATH"));
    if (kind == "status") return std::move(page).expect(status(200));
    if (kind == "header") return std::move(page).expect(header_equals("Content-Length", "6"));
    if (kind == "contains") return std::move(page).expect(body_contains("hello"));
    if (kind == "matches") return std::move(page).expect(body_matches("^hel+o"));
    return page;
  }

  const Request page_ = checked(variable("BENCH_CHECK"));
};

}  // namespace

UserClasses locustfile() { return {user_class<WebUser>("WebUser").task<&WebUser::page>()}; }
