// How long a user waits between two tasks: Locust's wait_time functions (user/wait_time.py), as
// values and without a clock.
#pragma once

#include "base/clock.h"
#include "user/random.h"

namespace locust {

// What one user remembers for constant_pacing and constant_throughput.
struct WaitState {
  SteadyTime last_run{};
  SteadyDuration last_wait{};
};

class WaitTime {
 public:
  // No wait at all, Locust's default.
  WaitTime() = default;

  // How long to wait from `now` on, when a task has just ended. Never negative.
  SteadyDuration next(WaitState& state, SteadyTime now, Random& random) const;

 private:
  enum class Kind { constant, between, pacing, poisson };
  WaitTime(Kind kind, SteadyDuration low, SteadyDuration high, double rate = 0)
      : kind_(kind), low_(low), high_(high), rate_(rate) {}
  friend WaitTime constant(SteadyDuration wait);
  friend WaitTime between(SteadyDuration low, SteadyDuration high);
  friend WaitTime constant_pacing(SteadyDuration wait);
  friend WaitTime poisson(double rate);

  Kind kind_ = Kind::constant;
  SteadyDuration low_{};
  SteadyDuration high_{};
  double rate_ = 0;
};

// Always the same.
WaitTime constant(SteadyDuration wait);
// Evenly distributed. Throws std::invalid_argument where low > high.
WaitTime between(SteadyDuration low, SteadyDuration high);
// So long that tasks start `wait` apart, or not at all where a task took longer.
WaitTime constant_pacing(SteadyDuration wait);
// The same, told as task runs a second for each user. Throws std::invalid_argument where <= 0.
WaitTime constant_throughput(double task_runs_per_second);
// Exponentially distributed with mean 1/rate seconds (locust 2.47.0). Throws where rate <= 0.
WaitTime poisson(double rate);

}  // namespace locust
