// Time spans as Locust writes them on its command line: 20, 20s, 3m, 2h, 1h20m, 3h30m10s.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <variant>

namespace locust::cli {

// The span, or Locust's sentence about what is wrong with the text. Hours, minutes and seconds
// come in this order, each at most once; digits alone are seconds.
std::variant<std::chrono::seconds, std::string> parse_time_span(std::string_view text);

}  // namespace locust::cli
