#include "http/request.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <stdexcept>

#include "http/header_value.h"

namespace locust::http {

namespace {

// RFC 9110, 5.6.2.
bool is_token(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 ||
           std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
  });
}

// RFC 9110, 5.5: of the control characters only the tab.
bool is_field_value(std::string_view text) {
  return std::none_of(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7f;
  });
}

// RFC 9112, 3.2: nothing in it that ends it.
bool is_target(std::string_view text) {
  return !text.empty() && std::none_of(text.begin(), text.end(), [](char c) {
    return static_cast<unsigned char>(c) <= 0x20 || c == 0x7f;
  });
}

bool has(const Headers& headers, std::string_view name) {
  return std::any_of(headers.begin(), headers.end(), [&](const Header& header) {
    return equals_ignoring_case(header.first, name);
  });
}

void append(std::string& out, std::string_view name, std::string_view value) {
  out.append(name).append(": ").append(value).append("\r\n");
}

// Whether the caller's headers ask for the chunked coding.
bool asks_for_chunks(const Headers& headers) {
  return std::any_of(headers.begin(), headers.end(), [](const Header& header) {
    return equals_ignoring_case(header.first, "Transfer-Encoding") &&
           equals_ignoring_case(header.second, "chunked");
  });
}

void append_as_chunk(std::string& out, const std::string& body) {
  if (!body.empty()) out += fmt::format("{:x}\r\n{}\r\n", body.size(), body);
  out += "0\r\n\r\n";
}

std::string to_bytes(const RequestParts& parts, std::optional<std::uint64_t> source_size) {
  if (!is_token(parts.method)) throw std::invalid_argument("bad method '" + parts.method + "'");
  if (!is_target(parts.url.target)) {
    throw std::invalid_argument("bad path '" + parts.url.target + "'");
  }
  const std::string host = parts.url.origin.host_header();
  if (!is_field_value(host)) throw std::invalid_argument("bad host '" + host + "'");
  const bool from_source = parts.has_body && parts.source != nullptr;
  const bool asks = asks_for_chunks(parts.headers);
  const bool chunked = from_source ? !source_size : asks;
  std::string out = parts.method + " " + parts.url.target + " HTTP/1.1\r\n";
  if (!has(parts.headers, "Host")) append(out, "Host", host);
  const auto lacks = [&](std::string_view name) {
    return parts.default_headers && !has(parts.headers, name);
  };
  if (lacks("User-Agent")) append(out, "User-Agent", "locustpp/" LOCUSTPP_VERSION);
  if (lacks("Accept")) append(out, "Accept", "*/*");
  for (const auto& [name, value] : parts.headers) {
    if (!is_token(name)) throw std::invalid_argument("bad header name '" + name + "'");
    if (!is_field_value(value)) {
      throw std::invalid_argument("control character in the header '" + name + "'");
    }
    // Never both (RFC 9112, 6.2).
    const bool own_length = chunked || from_source;
    if (!own_length || !equals_ignoring_case(name, "Content-Length")) append(out, name, value);
  }
  const bool body_expected =
      parts.default_headers &&
      (parts.method == "POST" || parts.method == "PUT" || parts.method == "PATCH");
  if (from_source) {
    if (!chunked) append(out, "Content-Length", std::to_string(*source_size));
    if (chunked && !asks) append(out, "Transfer-Encoding", "chunked");
    return out + "\r\n";
  }
  if (chunked) {
    append_as_chunk(out.append("\r\n"), parts.body);
    return out;
  }
  if ((parts.has_body || body_expected) && !has(parts.headers, "Content-Length")) {
    append(out, "Content-Length", std::to_string(parts.body.size()));
  }
  return out + "\r\n" + parts.body;
}

std::optional<std::uint64_t> size_of_source(const RequestParts& parts) {
  if (!parts.has_body || !parts.source || asks_for_chunks(parts.headers)) return std::nullopt;
  return parts.source->size();
}

bool is_idempotent(std::string_view method) {
  constexpr std::array<std::string_view, 6> kIdempotent = {"GET",    "HEAD",    "PUT",
                                                           "DELETE", "OPTIONS", "TRACE"};
  return std::find(kIdempotent.begin(), kIdempotent.end(), method) != kIdempotent.end();
}

}  // namespace

Request::Request(RequestParts parts)
    : parts_(std::move(parts)),
      source_size_(size_of_source(parts_)),
      bytes_(to_bytes(parts_, source_size_)),
      is_head_(parts_.method == "HEAD"),
      idempotent_(is_idempotent(parts_.method) && (source() == nullptr || source()->rewindable())) {
}

}  // namespace locust::http
