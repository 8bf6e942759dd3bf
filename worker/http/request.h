// A request as the bytes that go out: built once, sent often, never changed. May be shared between
// threads.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "http/url.h"

namespace locust::http {

using Header = std::pair<std::string, std::string>;
using Headers = std::vector<Header>;

// What a request is made of.
struct RequestParts {
  std::string method = "GET";
  Url url;
  Headers headers;
  std::string body;
  bool has_body = false;   // an empty body still gets a Content-Length
  bool keep_body = false;  // whether the response's body is kept or only counted
  bool follow_redirects = true;
  SteadyDuration timeout{};  // for the whole exchange; zero: the client's
};

class Request {
 public:
  // Host, User-Agent, Accept and Content-Length are added where the headers do not name them; with
  // "Transfer-Encoding: chunked" the body goes as one chunk instead. Throws std::invalid_argument
  // for a method, target, host or header that would break the message apart (RFC 9110, 5.5
  // and 9.1).
  explicit Request(RequestParts parts);

  // What it was made of.
  const RequestParts& parts() const { return parts_; }
  const Origin& origin() const { return parts_.url.origin; }
  std::string_view bytes() const { return bytes_; }
  bool is_head() const { return is_head_; }
  bool keep_body() const { return parts_.keep_body; }
  // Whether it may be sent again when a reused connection turns out to be dead (RFC 9110, 9.2.2).
  bool idempotent() const { return idempotent_; }
  SteadyDuration timeout() const { return parts_.timeout; }

 private:
  RequestParts parts_;
  std::string bytes_;
  bool is_head_;
  bool idempotent_;
};

}  // namespace locust::http
