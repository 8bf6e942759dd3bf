// A task that asks for the same page ten times at once and waits for all of them; test_sample.py is
// the same for the master. The address is API_URL's, whatever host is typed into the web UI.
#include <cstdlib>
#include <string>

#include "locust.h"

using namespace locust;

namespace {

std::string api_url() {
  const char* url = std::getenv("API_URL");
  return url == nullptr ? "http://127.0.0.1:32003" : url;
}

class TestSample final : public HttpUser {
 public:
  Task<> hello() { co_await client.batch(10, hello_); }

 private:
  const Request hello_ = get(api_url() + "/hello/");
};

}  // namespace

UserClasses locustfile() {
  return {user_class<TestSample>("TestSample").task<&TestSample::hello>(3)};
}
