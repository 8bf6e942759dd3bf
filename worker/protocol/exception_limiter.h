// Which exceptions go to the master: it takes one message for each and groups them by traceback, so
// a task that fails in a loop would flood it. So many a second for each traceback; the rest is
// counted.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/clock.h"

namespace locust::protocol {

class ExceptionLimiter {
 public:
  explicit ExceptionLimiter(std::uint64_t per_second = 10) : per_second_(per_second) {}

  // How many of `raised` more exceptions with this traceback may be sent now.
  std::uint64_t allow(const std::string& traceback, std::uint64_t raised, SteadyTime now);

  // So many of those allowed could not be sent after all.
  void withdraw(const std::string& traceback, std::uint64_t times);

  struct Suppressed {
    std::string traceback;
    std::uint64_t raised = 0;
    std::uint64_t sent = 0;
  };
  // Those of which not all were sent, since the last call: for one warning each. Starts anew.
  std::vector<Suppressed> take_suppressed();

 private:
  struct Count {
    SteadyTime window{};
    std::uint64_t in_window = 0;
    std::uint64_t raised = 0;
    std::uint64_t sent = 0;
  };
  std::uint64_t per_second_;
  std::map<std::string, Count> counts_;
};

}  // namespace locust::protocol
