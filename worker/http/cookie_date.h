// The dates of cookies (RFC 6265, 5.1.1), which servers write in every way imaginable.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace locust::http {

// Seconds since the epoch; nothing where the text is no date.
std::optional<std::int64_t> parse_cookie_date(std::string_view text);

}  // namespace locust::http
