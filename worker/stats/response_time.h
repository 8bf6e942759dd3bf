// Locust's rounding of response times to about two significant digits (stats.py,
// bucket_response_time and its forerunner in _log_response_time).
#pragma once

#include <cstdint>

namespace locust::stats {

// The histogram key, in ms, of a response time in ms: to 1 below 100, to 10 below 1000, to 100
// below 10000, else to 1000; the limit is compared with the unrounded time, and halves go to the
// even neighbour of the exact decimal, as Python's round() does (145.0 → 140, 155.0 → 160).
std::int64_t bucket_response_time(double milliseconds);

}  // namespace locust::stats
