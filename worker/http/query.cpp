#include "http/query.h"

#include <algorithm>

#include "http/url.h"

namespace locust::http {

namespace {

bool is_unreserved(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '.' || c == '-' || c == '~';
}

void append_quoted(std::string_view text, std::string& out) {
  for (const char c : text) {
    if (is_unreserved(c)) {
      out += c;
    } else if (c == ' ') {
      out += '+';
    } else {
      append_percent(c, out);
    }
  }
}

}  // namespace

std::string quote_plus(std::string_view text) {
  std::string result;
  append_quoted(text, result);
  return result;
}

std::string urlencode(const Parameters& parameters) {
  std::string result;
  for (const auto& [name, value] : parameters) {
    if (!result.empty()) result += '&';
    append_quoted(name, result);
    result += '=';
    append_quoted(value, result);
  }
  return result;
}

std::string append_query(std::string_view url, std::string_view query) {
  if (query.empty()) return std::string(url);
  const auto fragment = std::min(url.find('#'), url.size());
  std::string result(url.substr(0, fragment));
  const auto mark = result.find('?');
  if (mark == std::string::npos) {
    result += '?';
  } else if (mark + 1 < result.size()) {
    result += '&';
  }
  return result.append(query).append(url.substr(fragment));
}

}  // namespace locust::http
