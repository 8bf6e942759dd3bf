// The two clocks. Nothing in protocol/, stats/ or user/ reads them: time is handed in, so that a
// unit test runs a minute of it in a microsecond.
#pragma once

#include <chrono>
#include <cmath>

namespace locust {

using std::chrono::milliseconds;
using std::chrono::seconds;

// Measures and schedules; never jumps.
using SteadyTime = std::chrono::steady_clock::time_point;
using SteadyDuration = std::chrono::steady_clock::duration;
// What the statistics carry (num_reqs_per_sec, last_request_timestamp): may jump.
using WallTime = std::chrono::system_clock::time_point;

// So many seconds, as somebody has asked for them. Ten years stand for ever, and for what is no
// number: nanoseconds of more than 292 do not fit.
inline SteadyDuration duration_of(double asked_seconds) {
  constexpr double kForEver = 3650.0 * 86400;
  const bool fits = std::abs(asked_seconds) < kForEver;
  return std::chrono::duration_cast<SteadyDuration>(
      std::chrono::duration<double>(fits ? asked_seconds : std::copysign(kForEver, asked_seconds)));
}

// Seconds since the epoch, as Python's time.time().
inline double epoch_seconds(WallTime time) {
  return std::chrono::duration<double>(time.time_since_epoch()).count();
}

template <class Rep, class Period>
double to_milliseconds(std::chrono::duration<Rep, Period> duration) {
  return std::chrono::duration<double, std::milli>(duration).count();
}

}  // namespace locust
