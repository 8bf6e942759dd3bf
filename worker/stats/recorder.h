// The memory into which one shard records its samples, and from which a report is taken every 3 s.
// Belongs to one thread. No lock; no allocation for a sample of a name seen before.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "stats/report.h"

namespace locust::stats {

class Entry;

class Recorder {
 public:
  // At most so many distinct (method, name) pairs are kept apart; all further ones are recorded
  // under the name "(other names)", with one warning that names the first of them.
  explicit Recorder(WallTime now, std::size_t max_entries = 10'000);
  ~Recorder();
  Recorder(const Recorder&) = delete;
  Recorder& operator=(const Recorder&) = delete;

  // The row of this method and name, made where there is none. Stays valid as long as the recorder,
  // so that a caller may keep it instead of looking it up for every sample.
  Entry& entry(std::string_view method, std::string_view name);

  // One request that ended at `now`. response_time in ms, nothing where there is none (as Locust's
  // None); content_length in bytes.
  void record(Entry& entry, WallTime now, std::optional<double> response_time,
              std::uint64_t content_length);
  // The same request failed. `error` is the text of the failures tab.
  void record_error(Entry& entry, WallTime now, std::string_view error);

  // All that was recorded since the last take(), which starts anew at `now`.
  Report take(WallTime now);
  // Forgets what was recorded, as at the start of a test (RequestStats.clear_all).
  void clear(WallTime now);

 private:
  struct Data;
  std::unique_ptr<Data> data_;
};

}  // namespace locust::stats
