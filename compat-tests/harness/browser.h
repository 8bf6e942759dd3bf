// One user's HTTP client in the test's own process, on a loop and a thread of its own. What it asks
// is answered before a call returns, unless it is started.
#pragma once

#include <future>
#include <map>
#include <string>
#include <thread>

#include "base/event_loop.h"
#include "http/test_certificates.h"
#include "http/user_agent.h"

namespace compat {

class Browser {
 public:
  explicit Browser(const locust::http::ClientSettings& client = {},
                   const locust::http::DnsSettings& dns = {});
  explicit Browser(const locust::http::TlsSettings& tls);
  ~Browser();
  Browser(const Browser&) = delete;
  Browser& operator=(const Browser&) = delete;

  // GET of a path of 127.0.0.1 …
  locust::http::Response get(int port, const std::string& path);
  // … and over TLS.
  locust::http::Response get_tls(int port, const std::string& path,
                                 const std::string& host = "localhost");
  locust::http::Response get(const std::string& url);
  locust::http::Response send(const std::string& method, const std::string& url,
                              locust::http::Headers headers = {}, const std::string& body = {});
  // The body is kept.
  std::future<locust::http::Response> start(locust::http::RequestParts parts);

 private:
  struct One;

  locust::EventLoop loop_;
  locust::http::ClientContext context_;
  locust::http::UserAgent agent_;
  std::thread thread_;
};

// A request for this URL, with 20 s to be answered.
locust::http::RequestParts parts_for(const std::string& url);

// "none" where there is none.
std::string header(const locust::http::Response& response, const char* name);
// How often each value of a header comes with `count` answers to a GET.
std::map<std::string, int> tally(Browser& browser, const std::string& url, const char* name,
                                 int count);

// The certificates of this program's servers.
locust::http::TestCertificates& certificates();
// One that is fine for localhost and 127.0.0.1.
const locust::http::TestCertificate& good();

}  // namespace compat
