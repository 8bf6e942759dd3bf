#include "http/response.h"

#include <algorithm>

#include "http/header_value.h"

namespace locust::http {

bool Response::next_header(std::string_view& rest, std::string_view name, std::string_view& value) {
  rest.remove_prefix(std::min(rest.find("\r\n"), rest.size()));
  while (rest.size() > 2) {
    rest.remove_prefix(2);
    const std::string_view line = rest.substr(0, rest.find("\r\n"));
    rest.remove_prefix(line.size());
    const auto colon = line.find(':');
    if (colon != name.size() || !equals_ignoring_case(line.substr(0, colon), name)) continue;
    value = line.substr(colon + 1);
    value.remove_prefix(std::min(value.find_first_not_of(" \t"), value.size()));
    value.remove_suffix(value.size() - std::min(value.find_last_not_of(" \t") + 1, value.size()));
    return true;
  }
  return false;
}

std::optional<std::string_view> Response::header(std::string_view name) const {
  std::string_view rest = head();
  std::string_view value;
  if (!next_header(rest, name, value)) return std::nullopt;
  return value;
}

std::optional<std::string_view> Response::trailer(std::string_view name) const {
  for (const auto& [known, value] : trailers) {
    if (equals_ignoring_case(known, name)) return value;
  }
  return std::nullopt;
}

}  // namespace locust::http
