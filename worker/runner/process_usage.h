// What this process uses, as heartbeats tell it. The master warns above 90 % of one core, so the
// CPU is that of the busiest thread: a process of eight threads at work is not 800 % overloaded.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "base/clock.h"

namespace locust::runner {

class ProcessUsage {
 public:
  // CPU time of the busiest thread since the last call, in percent of one core; 0 at the first.
  // To one decimal place, as psutil tells it: the workers tab shows it as it comes.
  double busiest_thread_percent(SteadyTime now);

  // Bytes resident.
  static std::uint64_t memory_bytes();

 private:
  std::map<int, double> seconds_by_thread_;
  SteadyTime last_{};
};

// utime + stime, in clock ticks, of a line of /proc/PID/task/TID/stat; 0 where it is none.
std::uint64_t cpu_ticks(const std::string& stat_line);

}  // namespace locust::runner
