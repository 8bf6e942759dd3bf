#include "harness/browser.h"

#include <utility>

namespace compat {

using locust::http::Headers;
using locust::http::Request;
using locust::http::RequestParts;
using locust::http::Response;
using locust::http::TestCertificate;
using locust::http::TestCertificates;

// Lives on the loop's thread, and ends itself.
struct Browser::One final : locust::http::Fetch {
  explicit One(Request asked) : request(std::move(asked)) {}
  using Fetch::begin;
  void on_fetched() override {
    // Its buffer belongs to the loop's thread.
    std::string head(response.head());
    response.buffer = {};
    response.large_head = std::move(head);
    std::promise<Response> waiting = std::move(promise);
    Response done = std::move(response);
    delete this;
    waiting.set_value(std::move(done));
  }
  Request request;
  std::promise<Response> promise;
};

Browser::Browser(const locust::http::ClientSettings& client, const locust::http::DnsSettings& dns)
    : context_(loop_, nullptr, dns),
      agent_(context_, {.client = client}),
      thread_([this] { loop_.run(); }) {}

Browser::Browser(const locust::http::TlsSettings& tls)
    : Browser(locust::http::ClientSettings{.tls = tls}) {}

Browser::~Browser() {
  loop_.stop();
  thread_.join();
}

Response Browser::get(int port, const std::string& path) {
  return get("http://127.0.0.1:" + std::to_string(port) + path);
}

Response Browser::get_tls(int port, const std::string& path, const std::string& host) {
  return get("https://" + host + ":" + std::to_string(port) + path);
}

Response Browser::get(const std::string& url) { return start(parts_for(url)).get(); }

Response Browser::send(const std::string& method, const std::string& url, Headers headers,
                       const std::string& body) {
  RequestParts parts = parts_for(url);
  parts.method = method;
  parts.headers = std::move(headers);
  parts.body = body;
  parts.has_body = !body.empty();
  return start(std::move(parts)).get();
}

std::future<Response> Browser::start(RequestParts parts) {
  parts.keep_body = true;
  auto* one = new One(Request(std::move(parts)));
  std::future<Response> response = one->promise.get_future();
  loop_.post([this, one] { one->begin(agent_, one->request); });
  return response;
}

RequestParts parts_for(const std::string& url) {
  RequestParts parts;
  parts.url = locust::http::parse_url(url).value();
  parts.timeout = std::chrono::seconds(20);
  return parts;
}

std::string header(const Response& response, const char* name) {
  return std::string(response.header(name).value_or("none"));
}

std::map<std::string, int> tally(Browser& browser, const std::string& url, const char* name,
                                 int count) {
  std::map<std::string, int> values;
  for (int i = 0; i < count; ++i) {
    const Response response = browser.get(url);
    ++values[response.ok() ? header(response, name) : response.error];
  }
  return values;
}

TestCertificates& certificates() {
  static TestCertificates all;
  return all;
}

const TestCertificate& good() {
  static const TestCertificate one = certificates().make("good", "DNS:localhost,IP:127.0.0.1");
  return one;
}

}  // namespace compat
