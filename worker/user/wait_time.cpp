#include "user/wait_time.h"

#include <algorithm>
#include <stdexcept>

namespace locust {

SteadyDuration WaitTime::next(WaitState& state, SteadyTime now, Random& random) const {
  switch (kind_) {
    case Kind::constant:
      return low_;
    case Kind::between:
      return low_ + std::chrono::duration_cast<SteadyDuration>((high_ - low_) * random.unit());
    case Kind::pacing: {
      const SteadyDuration run_time = now - state.last_run - state.last_wait;
      state.last_wait = std::max(SteadyDuration::zero(), low_ - run_time);
      state.last_run = now;
      return state.last_wait;
    }
    case Kind::poisson:
      return duration_of(random.exponential(rate_));
  }
  return {};
}

WaitTime constant(SteadyDuration wait) {
  wait = std::max(wait, SteadyDuration::zero());
  return {WaitTime::Kind::constant, wait, wait};
}

WaitTime between(SteadyDuration low, SteadyDuration high) {
  if (low > high || low < SteadyDuration::zero()) {
    throw std::invalid_argument("between() requires 0 <= low <= high");
  }
  return {WaitTime::Kind::between, low, high};
}

WaitTime constant_pacing(SteadyDuration wait) { return {WaitTime::Kind::pacing, wait, wait}; }

WaitTime constant_throughput(double task_runs_per_second) {
  if (!(task_runs_per_second > 0)) {
    throw std::invalid_argument("constant_throughput() requires a positive rate");
  }
  return constant_pacing(duration_of(1 / task_runs_per_second));
}

WaitTime poisson(double rate) {
  if (!(rate > 0)) throw std::invalid_argument("poisson() requires a positive rate");
  return {WaitTime::Kind::poisson, {}, {}, rate};
}

}  // namespace locust
