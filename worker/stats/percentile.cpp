#include "stats/percentile.h"

namespace locust::stats {

std::int64_t percentile(const EntryReport& entry, double fraction) {
  const std::uint64_t requests = entry.num_requests - entry.num_none_requests;
  const auto within = static_cast<std::uint64_t>(static_cast<double>(requests) * fraction);
  std::uint64_t slower = 0;
  for (auto it = entry.response_times.rbegin(); it != entry.response_times.rend(); ++it) {
    slower += it->second;
    if (requests <= within + slower) return it->first;
  }
  return 0;
}

}  // namespace locust::stats
