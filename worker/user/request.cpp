#include "user/request.h"

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "http/auth.h"
#include "http/header_value.h"

namespace locust {

namespace {

// What FastHttpSession asks for (contrib/fasthttp.py), and zstd.
constexpr const char* kAcceptEncoding = "gzip, deflate, br, zstd";

auto named_as(std::string name) {
  return [name = std::move(name)](const http::Header& header) {
    return http::equals_ignoring_case(header.first, name);
  };
}

}  // namespace

RequestBuilder::RequestBuilder(std::string method, std::string_view url, std::string_view base)
    : name_(url) {
  auto parsed = http::parse_url(url, base);
  if (!parsed) {
    throw std::invalid_argument(
        base.empty() ? "You must specify the base host. Either in the host attribute in the User "
                       "class, or on the command line using the --host option."
                     : "Not an http or https URL: '" + std::string(base) + std::string(url) + "'");
  }
  parts_.method = std::move(method);
  parts_.url = std::move(*parsed);
  const bool absolute = !http::scheme_of(url).empty();
  if (const auto credentials = http::credentials_in(absolute ? url : base)) {
    parts_.headers.emplace_back(
        "Authorization", http::basic_authorization(credentials->user, credentials->password));
  }
}

RequestBuilder RequestBuilder::named(std::string name) && {
  name_ = std::move(name);
  return std::move(*this);
}

RequestBuilder RequestBuilder::header(std::string name, std::string value) && {
  std::erase_if(parts_.headers, named_as(name));
  parts_.headers.emplace_back(std::move(name), std::move(value));
  return std::move(*this);
}

RequestBuilder RequestBuilder::body(std::string bytes, std::string content_type) && {
  parts_.body = std::move(bytes);
  parts_.has_body = true;
  content_type_ = std::move(content_type);
  json_ = false;
  return std::move(*this);
}

RequestBuilder RequestBuilder::json(std::string text) && {
  RequestBuilder made = std::move(*this).body(std::move(text), "application/json");
  made.json_ = true;
  return made;
}

RequestBuilder RequestBuilder::form(const http::Parameters& fields) && {
  return std::move(*this).body(http::urlencode(fields), "application/x-www-form-urlencoded");
}

RequestBuilder RequestBuilder::multipart(const std::vector<http::Part>& parts) && {
  http::MultipartBody encoded = http::encode_multipart(parts);
  std::erase_if(parts_.headers, named_as("Content-Type"));  // it could not name the boundary
  return std::move(*this).body(std::move(encoded.body), std::move(encoded.content_type));
}

RequestBuilder RequestBuilder::query(const http::Parameters& parameters) && {
  parts_.url.target = http::append_query(parts_.url.target, http::urlencode(parameters));
  return std::move(*this);
}

RequestBuilder RequestBuilder::basic_auth(std::string_view user, std::string_view password) && {
  return std::move(*this).header("Authorization", http::basic_authorization(user, password));
}

RequestBuilder RequestBuilder::bearer(std::string_view token) && {
  return std::move(*this).header("Authorization", http::bearer_authorization(token));
}

RequestBuilder RequestBuilder::no_redirects() && {
  parts_.follow_redirects = false;
  return std::move(*this);
}

void RequestBuilder::add_check(Check check) {
  parts_.keep_body = parts_.keep_body || check.rule().needs_body();
  checks_.push_back(std::move(check));
}

RequestBuilder RequestBuilder::keep_body() && {
  parts_.keep_body = true;
  return std::move(*this);
}

RequestBuilder RequestBuilder::timeout(SteadyDuration limit) && {
  parts_.timeout = limit;
  return std::move(*this);
}

RequestBuilder::operator Request() const {
  http::RequestParts parts = parts_;
  const auto add = [&parts](const char* header, const std::string& value) {
    if (std::none_of(parts.headers.begin(), parts.headers.end(), named_as(header))) {
      parts.headers.emplace_back(header, value);
    }
  };
  add("Accept-Encoding", kAcceptEncoding);
  if (parts.has_body) add("Content-Type", content_type_);
  if (json_) add("Accept", "application/json");
  std::string method = parts.method;
  return Request(std::make_shared<const Request::Data>(
      Request::Data{http::Request(std::move(parts)), std::move(method), name_, checks_}));
}

}  // namespace locust
