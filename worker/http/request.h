// A request as the bytes that go out: built once, sent often, never changed. May be shared between
// threads.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "http/body_source.h"
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
  // User-Agent and Accept where the headers do not name them; Content-Length: 0 where a method
  // wants a body and there is none (RFC 9110, 8.6).
  bool default_headers = true;
  SteadyDuration timeout{};  // for the whole exchange; zero: the client's
  // Where has_body: the body is read from here while it is sent, instead of `body`.
  std::shared_ptr<const BodySource> source = nullptr;
  bool stream_response = false;  // Exchange::on_head() says who takes the response's body
  bool keep_trailers = false;    // for Response::trailers
};

class Request {
 public:
  // Host, Content-Length and the default headers are added where the headers do not name them; with
  // "Transfer-Encoding: chunked" the body goes as one chunk instead. Throws std::invalid_argument
  // for a method, target, host or header that would break the message apart (RFC 9110, 5.5
  // and 9.1).
  explicit Request(RequestParts parts);

  // What it was made of.
  const RequestParts& parts() const { return parts_; }
  const Origin& origin() const { return parts_.url.origin; }
  // All that is sent, but for what comes from a source.
  std::string_view bytes() const { return bytes_; }
  // Null where bytes() is all.
  const BodySource* source() const { return parts_.has_body ? parts_.source.get() : nullptr; }
  // Of the source's body, where that does not go in chunks.
  std::optional<std::uint64_t> source_size() const { return source_size_; }
  bool is_head() const { return is_head_; }
  bool keep_body() const { return parts_.keep_body; }
  bool stream_response() const { return parts_.stream_response; }
  bool keep_trailers() const { return parts_.keep_trailers; }
  // Whether it may, and can, be sent again when a reused connection turns out to be dead (RFC 9110,
  // 9.2.2).
  bool idempotent() const { return idempotent_; }
  SteadyDuration timeout() const { return parts_.timeout; }

 private:
  RequestParts parts_;
  std::optional<std::uint64_t> source_size_;
  std::string bytes_;
  bool is_head_;
  bool idempotent_;
};

}  // namespace locust::http
