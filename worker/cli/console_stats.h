// The statistics as Locust prints them on its console (stats.py, print_stats and what follows it).
#pragma once

#include <cstddef>
#include <string>

#include "stats/report.h"

namespace locust::cli {

// Columns of the Name column: 80 less than the terminal's, at most 80; 80 where stdout is none.
std::size_t stats_name_width();

// One row for each method and name, and the total. `current`: rates of the last ten seconds, else
// of the whole run.
std::string stats_table(const stats::Report& report, bool current, std::size_t name_width);
std::string percentile_table(const stats::Report& report, std::size_t name_width);
// Empty where there is no error.
std::string error_table(const stats::Report& report, std::size_t name_width);

}  // namespace locust::cli
