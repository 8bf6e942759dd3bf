// "Did you mean …?": the known name that resembles a mistyped one most, as Python's difflib
// would choose it, so that the hint is the one a Locust user gets from Locust.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace locust::cli {

// 0 (nothing in common) to 1 (equal): twice the characters in common blocks over all characters.
double similarity(std::string_view a, std::string_view b);

// Nothing where no candidate reaches a similarity of 0.6.
std::optional<std::string> close_match(std::string_view word,
                                       const std::vector<std::string>& candidates);

}  // namespace locust::cli
