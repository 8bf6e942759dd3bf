#include "user/request.h"

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "http/auth.h"
#include "http/file_source.h"
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

RequestBuilder::RequestBuilder(std::string method, std::string_view url, std::string_view base,
                               const http::UserAgentSettings* settings)
    : settings_(settings), written_url_(url) {
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
  if (named_as("Authorization")({name, {}})) digest_.reset();
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

RequestBuilder RequestBuilder::body(std::shared_ptr<const http::BodySource> source,
                                    std::string content_type) && {
  parts_.source = std::move(source);
  return std::move(*this).body(std::string(), std::move(content_type));
}

RequestBuilder RequestBuilder::body_file(std::string path, std::string content_type) && {
  return std::move(*this).body(std::make_shared<http::FileSource>(std::move(path)),
                               std::move(content_type));
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

RequestBuilder RequestBuilder::digest_auth(std::string user, std::string password) && {
  std::erase_if(parts_.headers, named_as("Authorization"));
  digest_ = http::Credentials{std::move(user), std::move(password)};
  return std::move(*this);
}

RequestBuilder RequestBuilder::follow_redirects() && {
  parts_.follow_redirects = true;
  return std::move(*this);
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

RequestBuilder RequestBuilder::stream() && {
  parts_.stream_response = true;
  return std::move(*this);
}

RequestBuilder RequestBuilder::keep_trailers() && {
  parts_.keep_trailers = true;
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
  // As FastHttpSession and geventhttpclient order them: only these bodies say better than the
  // class's default headers what they are.
  const bool knows_its_type = json_ || content_type_.starts_with("multipart/");
  if (parts.has_body && knows_its_type) add("Content-Type", content_type_);
  if (json_) add("Accept", "application/json");
  if (settings_ != nullptr) {
    http::UserAgentSettings defaults;
    defaults.default_headers = settings_->default_headers;
    if (!digest_ && !settings_->digest_auth) defaults.basic_auth = settings_->basic_auth;
    http::add_defaults(defaults, parts);
  }
  add("Accept-Encoding", kAcceptEncoding);
  if (parts.has_body) add("Content-Type", content_type_);
  const http::ClientRules rules =
      settings_ != nullptr ? settings_->rules : http::ClientRules::fast_http_user;
  std::string method = parts.method;
  std::string name = name_.empty() ? http::default_name(rules, written_url_, parts.url) : name_;
  return Request(std::make_shared<const Request::Data>(Request::Data{
      http::Request(std::move(parts)), std::move(method), std::move(name), checks_, digest_}));
}

}  // namespace locust
