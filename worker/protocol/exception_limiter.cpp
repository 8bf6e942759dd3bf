#include "protocol/exception_limiter.h"

#include <algorithm>
#include <utility>

namespace locust::protocol {

std::uint64_t ExceptionLimiter::allow(const std::string& traceback, std::uint64_t raised,
                                      SteadyTime now) {
  Count& count = counts_[traceback];
  if (now - count.window >= seconds(1)) {
    count.window = now;
    count.in_window = 0;
  }
  const std::uint64_t allowed = std::min(raised, per_second_ - count.in_window);
  count.raised += raised;
  count.in_window += allowed;
  count.sent += allowed;
  return allowed;
}

void ExceptionLimiter::withdraw(const std::string& traceback, std::uint64_t times) {
  Count& count = counts_[traceback];
  count.sent -= std::min(times, count.sent);
}

std::vector<ExceptionLimiter::Suppressed> ExceptionLimiter::take_suppressed() {
  std::vector<Suppressed> result;
  for (const auto& [traceback, count] : counts_) {
    if (count.raised > count.sent) result.push_back({traceback, count.raised, count.sent});
  }
  counts_.clear();
  return result;
}

}  // namespace locust::protocol
