#include "runner/spawner.h"

#include <algorithm>
#include <numeric>

namespace locust::runner {

Spawner::Spawner(std::size_t shards, std::size_t classes)
    : dealt_(shards, ClassCounts(classes, 0)) {}

const std::vector<ClassCounts>& Spawner::deal(const ClassCounts& wanted) {
  for (std::size_t user_class = 0; user_class < wanted.size(); ++user_class) {
    if (wanted[user_class] < 0) continue;
    std::int64_t missing = wanted[user_class];
    for (const ClassCounts& counts : dealt_) missing -= counts[user_class];
    for (; missing > 0; --missing) ++dealt_[emptiest()][user_class];
    for (; missing < 0; ++missing) --dealt_[fullest(user_class)][user_class];
  }
  return dealt_;
}

std::size_t Spawner::emptiest() const {
  const auto users = [](const ClassCounts& counts) {
    return std::accumulate(counts.begin(), counts.end(), std::int64_t{0});
  };
  const auto least =
      std::min_element(dealt_.begin(), dealt_.end(),
                       [&](const auto& a, const auto& b) { return users(a) < users(b); });
  return static_cast<std::size_t>(least - dealt_.begin());
}

std::size_t Spawner::fullest(std::size_t user_class) const {
  const auto most =
      std::max_element(dealt_.begin(), dealt_.end(),
                       [&](const auto& a, const auto& b) { return a[user_class] < b[user_class]; });
  return static_cast<std::size_t>(most - dealt_.begin());
}

}  // namespace locust::runner
