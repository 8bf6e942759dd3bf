// One row of the statistics while it is being recorded: the deltas since the last report. Private
// to stats/. About 1.5 KB, most of it the histogram.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "stats/report.h"

namespace locust::stats {

// A request as rows take it: what both its own row and the total need is worked out once.
struct Sample {
  WallTime now;
  std::int64_t second;                  // of the epoch, as int(time.time())
  std::optional<double> response_time;  // ms
  std::int64_t bucket;                  // of the response time
  std::uint64_t content_length;
};

// Locust's response_times. Counts are of one interval: 32 bits last for 4e9 samples between two
// reports.
class Histogram {
 public:
  void add(std::int64_t bucket);
  void clear();
  std::map<std::int64_t, std::uint64_t> to_map() const;

 private:
  // 0, 1 … 100, 110 … 1000, 1100 … 10000.
  static constexpr std::size_t dense_size = 101 + 90 + 90;
  static std::int64_t bucket_at(std::size_t index);

  void add_sparse(std::int64_t bucket);

  std::array<std::uint32_t, dense_size> dense_{};
  // What is slower (or negative, from a clock that was set back), sorted by bucket.
  std::vector<std::pair<std::int64_t, std::uint32_t>> sparse_;
};

// Locust's num_reqs_per_sec and num_fail_per_sec.
class SecondCounts {
 public:
  SecondCounts() { seconds_.reserve(8); }  // a report every 3 s touches four seconds

  void add(std::int64_t second) {
    if (seconds_.empty() || seconds_.back().first != second) make_last(second);
    ++seconds_.back().second;
  }
  void clear() { seconds_.clear(); }
  std::map<std::int64_t, std::uint64_t> to_map() const;

 private:
  void make_last(std::int64_t second);

  std::vector<std::pair<std::int64_t, std::uint64_t>> seconds_;  // the last one is the current
};

class Entry {
 public:
  Entry(std::string method, std::string name)
      : method_(std::move(method)), name_(std::move(name)) {}
  Entry(const Entry&) = delete;
  Entry& operator=(const Entry&) = delete;

  const std::string& method() const { return method_; }
  const std::string& name() const { return name_; }

  // Locust makes a row at its first sample; here it may be made long before, and is begun then.
  bool begun() const { return begun_; }
  // Empty from now on.
  void begin(WallTime now);
  // As if there were no such row yet.
  void end();

  void add(const Sample& sample);
  void add_failure(std::int64_t second);

  // Whether Locust would report it.
  bool used() const { return num_requests_ != 0 || num_failures_ != 0; }
  EntryReport report() const;

 private:
  void reset();

  const std::string method_;
  const std::string name_;
  bool begun_ = false;
  WallTime start_time_{};
  WallTime last_request_{};  // meaningful where num_requests_ > 0
  std::uint64_t num_requests_ = 0;
  std::uint64_t num_none_requests_ = 0;
  std::uint64_t num_failures_ = 0;
  double total_response_time_ = 0;
  double max_response_time_ = 0;
  double min_response_time_ = 0;  // meaningful where there was a response time
  std::uint64_t total_content_length_ = 0;
  SecondCounts requests_per_second_;
  SecondCounts failures_per_second_;
  Histogram response_times_;
};

static_assert(sizeof(Entry) < 3 * 1024);

}  // namespace locust::stats
