#include "cli/close_match.h"

#include <cstddef>
#include <utility>

namespace locust::cli {
namespace {

// Characters in the longest common block plus, recursively, those left and right of it.
std::size_t matching(std::string_view a, std::string_view b) {
  std::size_t best = 0, best_a = 0, best_b = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    for (std::size_t j = 0; j < b.size(); ++j) {
      std::size_t length = 0;
      while (i + length < a.size() && j + length < b.size() && a[i + length] == b[j + length]) {
        ++length;
      }
      if (length > best) best = length, best_a = i, best_b = j;
    }
  }
  if (best == 0) return 0;
  return best + matching(a.substr(0, best_a), b.substr(0, best_b)) +
         matching(a.substr(best_a + best), b.substr(best_b + best));
}

}  // namespace

double similarity(std::string_view a, std::string_view b) {
  const std::size_t total = a.size() + b.size();
  if (total == 0) return 1;
  return 2.0 * static_cast<double>(matching(a, b)) / static_cast<double>(total);
}

std::optional<std::string> close_match(std::string_view word,
                                       const std::vector<std::string>& candidates) {
  constexpr std::size_t kLongestWord = 64;  // the comparison is cubic, and no option is as long
  if (word.size() > kLongestWord) return std::nullopt;
  std::optional<std::pair<double, std::string>> best;
  for (const std::string& candidate : candidates) {
    std::pair<double, std::string> rated(similarity(candidate, word), candidate);
    if (rated.first >= 0.6 && (!best || rated > *best)) best = std::move(rated);
  }
  if (!best) return std::nullopt;
  return std::move(best->second);
}

}  // namespace locust::cli
