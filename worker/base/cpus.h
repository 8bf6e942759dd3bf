// How many threads can run at the same time here: what --threads defaults to.
#pragma once

#include <string>

namespace locust {

// The processors that this process may use, by its affinity and by the CPU limits of its control
// groups (cgroup v2 cpu.max, v1 cpu.cfs_quota_us), rounded up; at least 1.
int usable_cpus();

// The tightest CPU limit of the control groups that `groups_file` (a /proc/PID/cgroup) names, in
// processors; infinite where there is none. `root` is where control groups are mounted.
double cgroup_limit(const std::string& groups_file, const std::string& root);

}  // namespace locust
