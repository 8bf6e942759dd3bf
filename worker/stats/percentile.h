// Percentiles of a histogram of response times, as Locust reckons them
// (stats.py, calculate_response_time_percentile).
#pragma once

#include "stats/report.h"

namespace locust::stats {

// The response time, in Locust's bucket of ms, within which this fraction (0 to 1) of the requests
// ended; 0 where none had a response time.
std::int64_t percentile(const EntryReport& entry, double fraction);

}  // namespace locust::stats
