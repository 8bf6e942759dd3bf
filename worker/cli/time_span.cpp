#include "cli/time_span.h"

#include <charconv>
#include <cstdint>

namespace locust::cli {

std::variant<std::chrono::seconds, std::string> parse_time_span(std::string_view text) {
  const std::string invalid =
      "Invalid time span format. Valid formats: 20, 20s, 3m, 2h, 1h20m, 3h30m10s, etc.";
  if (text.empty()) return std::string("Invalid time span format");

  std::int64_t total = 0;
  std::string_view units = "hms";
  for (bool first = true; !text.empty(); first = false) {
    // Nine digits are 31 years of seconds: nothing can overflow, and nobody means more.
    std::uint32_t number = 0;
    const char* end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, number);
    const auto digits = static_cast<std::size_t>(stop - text.data());
    if (error != std::errc() || digits > 9) return invalid;
    text.remove_prefix(digits);

    if (text.empty() && first) return std::chrono::seconds(number);
    const std::size_t unit = text.empty() ? units.npos : units.find(text.front());
    if (unit == units.npos) return invalid;
    const std::int64_t factor = text.front() == 'h' ? 3600 : text.front() == 'm' ? 60 : 1;
    total += factor * number;
    units.remove_prefix(unit + 1);
    text.remove_prefix(1);
  }
  return std::chrono::seconds(total);
}

}  // namespace locust::cli
