// One `stats` message as a value: what happened since the last one (deltas, never totals), in
// Locust's terms (stats.py, StatsEntry.serialize and StatsError.serialize).
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace locust::stats {

// One row of the statistics table; all times of responses in milliseconds.
struct EntryReport {
  std::string name;
  std::string method;
  std::optional<double> last_request_timestamp;  // seconds since the epoch
  double start_time = 0;                         // seconds since the epoch
  std::uint64_t num_requests = 0;
  std::uint64_t num_none_requests = 0;  // requests without a response time
  std::uint64_t num_failures = 0;
  double total_response_time = 0;  // exact, not rounded
  double max_response_time = 0;
  std::optional<double> min_response_time;
  std::uint64_t total_content_length = 0;                  // bytes
  std::map<std::int64_t, std::uint64_t> response_times;    // Locust's bucket in ms → requests
  std::map<std::int64_t, std::uint64_t> num_reqs_per_sec;  // epoch second → requests
  std::map<std::int64_t, std::uint64_t> num_fail_per_sec;  // epoch second → failures

  // Adds what another report says of the same row (StatsEntry.extend).
  void merge(const EntryReport& other);
};

struct ErrorReport {
  std::string name;
  std::string method;
  std::string error;  // as the failures tab shows it
  std::uint64_t occurrences = 0;
  double first_seen = 0;  // seconds since the epoch; read by masters >= 2.44.0
  double last_seen = 0;

  // Adds what another report says of the same error.
  void merge(const ErrorReport& other);
};

struct Report {
  std::vector<EntryReport> stats;             // only rows with a request or a failure
  EntryReport total;                          // name "Aggregated", method ""
  std::map<std::string, ErrorReport> errors;  // by Locust's key: error_key()

  // Whether nothing happened: no request, no failure.
  bool empty() const;
  // The errors as Locust's dictionary has them: the one that was first seen comes first. The
  // pointers hold as long as nobody changes the report.
  std::vector<const std::pair<const std::string, ErrorReport>*> errors_as_first_seen() const;
  // Whether no recorder has made it: such a one has no start time, and leaves what it is merged
  // with as it is. Never to be sent: its start time of 0 would become the master's.
  bool is_default() const { return total.name.empty() && empty(); }
  // Adds a later report: rows by (method, name), errors by key. Used where shards are gathered and
  // where a report could not leave.
  // Exact but for total_response_time, whose last bits depend on the order of the additions.
  void merge(const Report& other);
};

}  // namespace locust::stats
