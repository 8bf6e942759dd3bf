// What makes two failures the same row of Locust's failures tab (stats.py, StatsError).
#pragma once

#include <string>
#include <string_view>

namespace locust::stats {

// Whether mask_address() would change the text.
bool has_address(std::string_view error);

// The text as Locust reports it: in "<Foo object at 0x7f12ab>" the address, wherever it occurs,
// becomes 0x.... (StatsError.parse_error of a string).
std::string mask_address(std::string_view error);

// The key of an error in a report: SHA-256 over method, name and the Python literal of the masked
// text (StatsError.create_key). Workers of either kind must agree on it, since the master adds up
// what has the same key.
std::string error_key(std::string_view method, std::string_view name, std::string_view error);

}  // namespace locust::stats
