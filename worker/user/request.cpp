#include "user/request.h"

#include <cctype>
#include <stdexcept>

namespace locust {

namespace {

void append_form_encoded(std::string& out, std::string_view text) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if ((byte < 0x80 && std::isalnum(byte) != 0) ||
        std::string_view("*-._").find(c) != std::string_view::npos) {
      out += c;
    } else if (c == ' ') {
      out += '+';
    } else {
      out += '%';
      out += kHex[byte >> 4U];
      out += kHex[byte & 0xfU];
    }
  }
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
}

RequestBuilder RequestBuilder::named(std::string name) && {
  name_ = std::move(name);
  return std::move(*this);
}

RequestBuilder RequestBuilder::header(std::string name, std::string value) && {
  parts_.headers.emplace_back(std::move(name), std::move(value));
  return std::move(*this);
}

RequestBuilder RequestBuilder::body(std::string bytes, std::string content_type) && {
  parts_.body = std::move(bytes);
  parts_.has_body = true;
  return std::move(*this).header("Content-Type", std::move(content_type));
}

RequestBuilder RequestBuilder::json(std::string text) && {
  return std::move(*this).body(std::move(text), "application/json");
}

RequestBuilder RequestBuilder::form(
    std::initializer_list<std::pair<std::string_view, std::string_view>> fields) && {
  std::string encoded;
  for (const auto& [name, value] : fields) {
    if (!encoded.empty()) encoded += '&';
    append_form_encoded(encoded, name);
    encoded += '=';
    append_form_encoded(encoded, value);
  }
  return std::move(*this).body(std::move(encoded), "application/x-www-form-urlencoded");
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
  return Request(std::make_shared<const Request::Data>(
      Request::Data{http::Request(parts_), parts_.method, name_}));
}

}  // namespace locust
