// How many threads can run at the same time here: what --threads defaults to.
#pragma once

namespace locust {

// The processors that this process may use, by its affinity and by the CPU limits of its control
// groups (cgroup v2 cpu.max, v1 cpu.cfs_quota_us), rounded up; at least 1.
int usable_cpus();

}  // namespace locust
