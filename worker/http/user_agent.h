// A user's client with a memory: cookies, and redirects that are followed. A Fetch is one request
// as its user means it: a chain of exchanges, one response at the end, one sample.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "http/client.h"
#include "http/cookie_jar.h"
#include "http/request.h"
#include "http/response.h"

namespace locust::http {

// FastHttpUser's defaults (contrib/fasthttp.py).
struct UserAgentSettings {
  ClientSettings client = {};
  unsigned max_redirects = 30;
  bool cookies = true;
};

class UserAgent {
 public:
  UserAgent(ClientContext& context, const UserAgentSettings& settings)
      : context_(context), settings_(settings), client_(context, settings.client) {}

  CookieJar& cookies() { return cookies_; }

 private:
  friend class Fetch;
  ClientContext& context_;
  const UserAgentSettings settings_;
  CookieJar cookies_;
  Client client_;
};

// Owned by the caller, who derives from it; destroyed in flight, it cancels. Its response has the
// times of the whole chain, the redirects in history, and the status of the last answer.
class Fetch : private Exchange {
 public:
  using Exchange::response;

 protected:
  Fetch() = default;
  // `request` must live until the fetch is done or destroyed.
  void begin(UserAgent& agent, const Request& request);
  // Never called from within begin(). May destroy the fetch and its user agent.
  virtual void on_fetched() = 0;

 private:
  void on_done() final;
  bool follow();
  bool fail(std::string error);
  void store_cookies();
  void send(const Request& request);

  UserAgent* agent_ = nullptr;
  const Request* current_ = nullptr;  // what the response at hand answers
  std::optional<Request> made_;       // where that is not the one given: a redirect, or cookies
};

}  // namespace locust::http
