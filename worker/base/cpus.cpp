#include "base/cpus.h"

#include <sched.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <limits>
#include <string>

namespace locust {

namespace {

constexpr double kNoLimit = std::numeric_limits<double>::infinity();

double v2_limit(const std::string& directory) {
  std::ifstream file(directory + "/cpu.max");  // "max 100000" or "150000 100000"
  double quota = 0;
  double period = 0;
  return file >> quota >> period && quota > 0 && period > 0 ? quota / period : kNoLimit;
}

double v1_limit(const std::string& directory) {
  double quota = -1;
  double period = 0;
  std::ifstream(directory + "/cpu.cfs_quota_us") >> quota;
  std::ifstream(directory + "/cpu.cfs_period_us") >> period;
  return quota > 0 && period > 0 ? quota / period : kNoLimit;
}

// The tightest limit from this process's group up to the root; a container sees its own group
// there.
template <class Limit>
double tightest(const std::string& root, std::string path, Limit limit) {
  double result = limit(root);
  while (path.size() > 1) {
    result = std::min(result, limit(root + path));
    path.resize(path.rfind('/'));
  }
  return result;
}

}  // namespace

double cgroup_limit(const std::string& groups_file, const std::string& root) {
  double limit = kNoLimit;
  std::ifstream file(groups_file);  // "0::/path" or "4:cpu,cpuacct:/path"
  for (std::string line; std::getline(file, line);) {
    const auto first = line.find(':');
    const auto second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    const std::string controllers = "," + line.substr(first + 1, second - first - 1) + ",";
    const std::string path = line.substr(second + 1);
    if (controllers == ",,") {
      limit = std::min(limit, tightest(root, path, v2_limit));
    } else if (controllers.find(",cpu,") != std::string::npos) {
      limit = std::min(limit, tightest(root + "/cpu", path, v1_limit));
    }
  }
  return limit;
}

int usable_cpus() {
  cpu_set_t set;
  CPU_ZERO(&set);
  const int allowed = sched_getaffinity(0, sizeof(set), &set) == 0 ? CPU_COUNT(&set) : 1;
  const double limited = std::min(static_cast<double>(allowed),
                                  std::ceil(cgroup_limit("/proc/self/cgroup", "/sys/fs/cgroup")));
  return std::max(1, static_cast<int>(limited));
}

}  // namespace locust
