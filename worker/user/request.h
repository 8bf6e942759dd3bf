// A request as a locustfile writes it: get("/items/7").named("/items/[id]").header("X-Token",
// token).
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "http/body_source.h"
#include "http/multipart.h"
#include "http/query.h"
#include "http/request.h"
#include "http/user_agent.h"
#include "user/expect.h"

namespace locust {

// A handle to an immutable request: cheap to copy, may be kept by a user and sent for ever.
class Request {
 public:
  struct Data {
    http::Request wire;
    std::string method;
    std::string name;                              // its row in the statistics
    std::vector<Check> checks;                     // in the order in which they are judged
    std::optional<http::Credentials> digest = {};  // for challenges to it
  };
  explicit Request(std::shared_ptr<const Data> data) : data_(std::move(data)) {}
  const Data& data() const { return *data_; }

 private:
  std::shared_ptr<const Data> data_;
};

// Collects what a request is made of; becomes a Request where one is wanted.
class RequestBuilder {
 public:
  // `url` is absolute, or appended to `base`. As it stands it is the name in the statistics, or,
  // with HttpUser's rules, its path and query. Name and password in it are used
  // (http://ana:secret@host). `settings`, whose rules and defaults count, must live as long as the
  // builder; null: FastHttpUser's. Throws std::invalid_argument where that makes no URL.
  RequestBuilder(std::string method, std::string_view url, std::string_view base,
                 const http::UserAgentSettings* settings = nullptr);

  // The row in the statistics: for URLs that differ from request to request. Empty: the usual one.
  RequestBuilder named(std::string name) &&;
  // Takes the place of an earlier one of this name, as in a Python dict.
  RequestBuilder header(std::string name, std::string value) &&;
  // A Content-Type among the headers comes before the one that a body brings along.
  RequestBuilder body(std::string bytes, std::string content_type = "application/octet-stream") &&;
  // A body too large for memory, read while it is sent; and the same from a file. That throws
  // std::invalid_argument where there is none that can be read.
  RequestBuilder body(std::shared_ptr<const http::BodySource> source,
                      std::string content_type = "application/octet-stream") &&;
  RequestBuilder body_file(std::string path,
                           std::string content_type = "application/octet-stream") &&;
  // Accepts application/json as well, as FastHttpUser does.
  RequestBuilder json(std::string text) &&;
  // application/x-www-form-urlencoded.
  RequestBuilder form(const http::Parameters& fields) &&;
  // multipart/form-data, with files.
  RequestBuilder multipart(const std::vector<http::Part>& parts) &&;
  // Appended to the URL; not part of the name.
  RequestBuilder query(const http::Parameters& parameters) &&;
  // Each of these three takes the place of the others and of the user class's.
  RequestBuilder basic_auth(std::string_view user, std::string_view password) &&;
  RequestBuilder bearer(std::string_view token) &&;
  // The server's challenge (401) is answered, in the same sample; further requests of this user
  // with these credentials to this server carry them at once (requests' HTTPDigestAuth).
  RequestBuilder digest_auth(std::string user, std::string password) &&;
  // What the response must be like; without a status() check, its status must be one that
  // the class's client (FastHttpUser's, or HttpUser's) takes for a success.
  template <class... Checks>
  RequestBuilder expect(Checks... checks) && {
    (add_check(std::move(checks)), ...);
    return std::move(*this);
  }
  // A redirect is the response, instead of being followed.
  RequestBuilder no_redirects() &&;
  // Followed, as they are by default; but not those of a HEAD with HttpUser's rules.
  RequestBuilder follow_redirects() &&;
  // The response's body is kept for Response::body; else it is only counted.
  RequestBuilder keep_body() &&;
  // The response's body goes to the sink of client.send(request, sink), piece by piece.
  RequestBuilder stream() &&;
  // What follows a chunked body is kept for Response::trailer().
  RequestBuilder keep_trailers() &&;
  // For the whole exchange, instead of the user's network_timeout.
  RequestBuilder timeout(SteadyDuration limit) &&;

  // Throws std::invalid_argument for a header that would break the message apart.
  operator Request() const;  // NOLINT(google-explicit-constructor): the point of a builder

 private:
  void add_check(Check check);

  const http::UserAgentSettings* settings_;  // may be null
  http::RequestParts parts_;
  std::optional<http::Credentials> digest_;
  std::string content_type_;  // of the body
  bool json_ = false;
  std::string written_url_;
  std::string name_;  // empty: the usual one
  std::vector<Check> checks_;
};

}  // namespace locust
