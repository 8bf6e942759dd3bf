#include "runner/process_usage.h"

#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace locust::runner {

std::uint64_t cpu_ticks(const std::string& stat_line) {
  // The second field is the thread's name in parentheses, which may hold spaces and parentheses.
  const auto name_end = stat_line.rfind(')');
  if (name_end == std::string::npos) return 0;
  std::istringstream fields(stat_line.substr(name_end + 1));
  std::string skipped;
  for (int field = 3; field < 14; ++field) fields >> skipped;
  std::uint64_t utime = 0;
  std::uint64_t stime = 0;
  fields >> utime >> stime;
  return fields ? utime + stime : 0;
}

double ProcessUsage::busiest_thread_percent(SteadyTime now) {
  const auto ticks_per_second = static_cast<double>(sysconf(_SC_CLK_TCK));
  double busiest = 0;
  std::map<int, double> current;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/task", error)) {
    std::ifstream file(entry.path() / "stat");
    std::string line;
    if (!std::getline(file, line)) continue;  // the thread has ended, or no descriptor is left
    const int thread = std::atoi(entry.path().filename().c_str());
    const double used = static_cast<double>(cpu_ticks(line)) / ticks_per_second;
    current[thread] = used;
    const auto before = seconds_by_thread_.find(thread);
    busiest = std::max(busiest, used - (before == seconds_by_thread_.end() ? 0 : before->second));
  }
  if (current.empty()) return 0;  // the next figure is over both intervals
  const double elapsed = std::chrono::duration<double>(now - last_).count();
  const bool first = last_ == SteadyTime();
  last_ = now;
  seconds_by_thread_ = std::move(current);
  if (first || elapsed <= 0) return 0;
  const double percent = std::min(100.0, 100.0 * busiest / elapsed);
  return std::round(percent * 10) / 10;
}

std::uint64_t ProcessUsage::memory_bytes() {
  std::ifstream file("/proc/self/statm");
  std::uint64_t size = 0;
  std::uint64_t resident = 0;
  file >> size >> resident;
  return resident * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
}

}  // namespace locust::runner
