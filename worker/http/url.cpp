#include "http/url.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>

namespace locust::http {

namespace {

bool starts_with_scheme(std::string_view text, std::string_view scheme) {
  return text.size() > scheme.size() &&
         std::equal(scheme.begin(), scheme.end(), text.begin(), [](char a, char b) {
           return a == std::tolower(static_cast<unsigned char>(b));
         });
}

std::string percent_encoded(std::string_view text) {
  // Printable, and yet in no URL (RFC 3986, 2): what Python's requote_uri encodes.
  constexpr std::string_view kNotInUrls = "\"<>\\^`{|}";
  std::string result;
  result.reserve(text.size());
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte > 0x20 && byte < 0x7f && kNotInUrls.find(c) == std::string_view::npos) {
      result += c;
    } else {
      append_percent(c, result);
    }
  }
  return result;
}

// host[:port] into an origin whose scheme and default port are set.
bool parse_authority(std::string_view authority, Origin& origin) {
  if (const auto at = authority.rfind('@'); at != std::string_view::npos) {
    authority.remove_prefix(at + 1);
  }
  std::string_view port;
  if (authority.starts_with('[')) {
    const auto end = authority.find(']');
    if (end == std::string_view::npos) return false;
    origin.host = authority.substr(1, end - 1);
    if (origin.host.find(':') == std::string::npos) return false;  // only IPv6 is in brackets
    authority.remove_prefix(end + 1);
    if (!authority.empty() && authority.front() != ':') return false;
    port = authority.empty() ? authority : authority.substr(1);
  } else {
    const auto colon = authority.find(':');
    origin.host = authority.substr(0, colon);
    if (colon != std::string_view::npos) port = authority.substr(colon + 1);
  }
  if (origin.host.empty() || std::any_of(origin.host.begin(), origin.host.end(), [](char c) {
        return static_cast<unsigned char>(c) <= 0x20 || c == 0x7f || c == '/' || c == '\\';
      })) {
    return false;
  }
  if (port.empty()) return true;
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), origin.port);
  return error == std::errc() && end == port.data() + port.size() && origin.port != 0;
}

bool is_absolute(std::string_view text) {
  return starts_with_scheme(text, "http://") || starts_with_scheme(text, "https://") ||
         starts_with_scheme(text, "http+unix://");
}

// A path with its slashes percent-encoded, into the origin of a Unix socket.
bool parse_socket_path(std::string_view text, Origin& origin) {
  while (!text.empty()) {
    char byte = text.front();
    std::size_t size = 1;
    if (byte == '%') {
      unsigned value = 0;
      const char* const digits = text.data() + 1;
      const char* const end = digits + std::min<std::size_t>(2, text.size() - 1);
      if (std::from_chars(digits, end, value, 16).ptr != digits + 2) return false;
      byte = static_cast<char>(value);
      size = 3;
    }
    if (byte == '\0') return false;  // where the system would see the path's end
    origin.host += byte;
    text.remove_prefix(size);
  }
  return origin.host.starts_with('/');
}

}  // namespace

void append_percent(char byte, std::string& out) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  const auto value = static_cast<unsigned char>(byte);
  out += '%';
  out += kHex[value >> 4U];
  out += kHex[value & 0xfU];
}

std::string_view without_zone(std::string_view host) {
  return host.find(':') == std::string_view::npos ? host : host.substr(0, host.find('%'));
}

bool is_address(std::string_view host) {
  const std::string text(without_zone(host));
  std::array<unsigned char, sizeof(in6_addr)> bytes{};
  return inet_pton(AF_INET, text.c_str(), bytes.data()) == 1 ||
         inet_pton(AF_INET6, text.c_str(), bytes.data()) == 1;
}

std::string Origin::host_header() const {
  if (is_unix()) return "localhost";
  std::string result = host.find(':') == std::string::npos ? host : "[" + host + "]";
  if (port != (scheme == "https" ? 443 : 80)) result += ":" + std::to_string(port);
  return result;
}

std::string Origin::to_string() const {
  if (!is_unix()) return scheme + "://" + host_header();
  std::string result = scheme + "://";
  for (const char c : host) {
    if (std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '.' || c == '-' || c == '_') {
      result += c;
    } else {
      append_percent(c, result);
    }
  }
  return result;
}

std::optional<Url> parse_url(std::string_view text) {
  Url url;
  if (starts_with_scheme(text, "http://")) {
    url.origin.scheme = "http";
    text.remove_prefix(7);
  } else if (starts_with_scheme(text, "https://")) {
    url.origin.scheme = "https";
    url.origin.port = 443;
    text.remove_prefix(8);
  } else if (starts_with_scheme(text, "http+unix://")) {
    url.origin.scheme = "http+unix";
    text.remove_prefix(12);
  } else {
    return std::nullopt;
  }
  const auto path = std::min(text.find_first_of("/?#"), text.size());
  const std::string_view authority = text.substr(0, path);
  if (!(url.origin.is_unix() ? parse_socket_path(authority, url.origin)
                             : parse_authority(authority, url.origin))) {
    return std::nullopt;
  }
  std::string_view target = text.substr(path);
  target = target.substr(0, target.find('#'));
  url.target = percent_encoded(target);
  if (!url.target.starts_with('/')) url.target.insert(0, "/");
  return url;
}

std::optional<Url> parse_url(std::string_view text, std::string_view base) {
  if (is_absolute(text)) return parse_url(text);
  return parse_url(std::string(base) + std::string(text));
}

std::string Url::to_string() const { return origin.to_string() + target; }

namespace {

// RFC 3986, 5.2.4.
std::string without_dot_segments(std::string_view path) {
  std::string result;
  while (!path.empty()) {
    const std::size_t end = std::min(path.find('/', 1), path.size());
    const std::string_view segment = path.substr(0, end);
    path.remove_prefix(end);
    if (segment == "/." || segment == "/..") {
      if (segment == "/..")
        result.resize(result.rfind('/') == std::string::npos ? 0 : result.rfind('/'));
      if (path.empty()) result += '/';
    } else {
      result += segment;
    }
  }
  return result;
}

}  // namespace

namespace {

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

std::string percent_decoded(std::string_view text) {
  std::string result;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const int high = text[i] == '%' && text.size() - i > 2 ? hex_value(text[i + 1]) : -1;
    const int low = high >= 0 ? hex_value(text[i + 2]) : -1;
    if (low >= 0) {
      result += static_cast<char>(high * 16 + low);
      i += 2;
    } else {
      result += text[i];
    }
  }
  return result;
}

}  // namespace

std::optional<Credentials> credentials_in(std::string_view url) {
  const auto start = url.find("://");
  if (start == std::string_view::npos) return std::nullopt;
  url.remove_prefix(start + 3);
  url = url.substr(0, url.find_first_of("/?#"));
  const auto at = url.rfind('@');
  if (at == std::string_view::npos) return std::nullopt;
  url = url.substr(0, at);
  const auto colon = url.find(':');
  if (colon == std::string_view::npos || colon == 0 || colon + 1 == url.size()) return std::nullopt;
  return Credentials{percent_decoded(url.substr(0, colon)), percent_decoded(url.substr(colon + 1))};
}

std::string_view scheme_of(std::string_view text) {  // RFC 3986, 3.1
  const auto is_scheme_character = [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '+' || c == '-' || c == '.';
  };
  const auto end = std::find_if_not(text.begin(), text.end(), is_scheme_character);
  const bool is_one = end != text.end() && *end == ':' &&
                      std::isalpha(static_cast<unsigned char>(text.front())) != 0;
  return is_one ? text.substr(0, static_cast<std::size_t>(end - text.begin())) : std::string_view();
}

std::optional<Url> resolve_reference(const Url& base, std::string_view reference) {
  if (!scheme_of(reference).empty()) return parse_url(reference);
  const std::string start = base.origin.to_string();
  if (reference.starts_with("//"))
    return parse_url(base.origin.scheme + ":" + std::string(reference));
  const std::size_t end = std::min(reference.find_first_of("?#"), reference.size());
  const std::string_view path = reference.substr(0, end);
  const std::string_view rest = reference.substr(end);
  const std::string_view base_path = std::string_view(base.target).substr(0, base.target.find('?'));
  std::string merged;
  if (path.empty()) {
    return parse_url(
        start + (rest.starts_with('?') ? std::string(base_path) + std::string(rest) : base.target));
  }
  if (path.front() != '/') merged = base_path.substr(0, base_path.rfind('/') + 1);
  return parse_url(start + without_dot_segments(merged + std::string(path)) + std::string(rest));
}

}  // namespace locust::http
