// The statistics of a Python process: recorded on the Python thread, taken by the control thread
// every 3 s, whatever the Python thread is doing meanwhile.
#pragma once

#include <mutex>
#include <optional>
#include <string_view>
#include <utility>

#include "base/clock.h"
#include "stats/recorder.h"

namespace locust::python {

// Any thread. The lock is held for the time of one sample, or of one take().
class ProcessRecorder {
 public:
  explicit ProcessRecorder(WallTime now) : recorder_(now) {}

  // One request that ended at `now`; `error` is the text of the failures tab, null where it was a
  // success. response_time in ms, nothing for Locust's None.
  void record(std::string_view method, std::string_view name, WallTime now,
              std::optional<double> response_time, std::uint64_t content_length,
              const std::string_view* error = nullptr) {
    const std::lock_guard lock(mutex_);
    stats::Entry& entry = recorder_.entry(method, name);
    recorder_.record(entry, now, response_time, content_length);
    dirty_ = true;
    if (error != nullptr) recorder_.record_error(entry, now, *error);
  }
  // A failure without its request (RequestStats.log_error).
  void record_error(std::string_view method, std::string_view name, WallTime now,
                    std::string_view error) {
    const std::lock_guard lock(mutex_);
    recorder_.record_error(recorder_.entry(method, name), now, error);
    dirty_ = true;
  }
  stats::Report take(WallTime now) {
    const std::lock_guard lock(mutex_);
    look(now);
    return std::exchange(seen_, {});
  }
  // What take() would give, which it still will.
  stats::Report peek(WallTime now) {
    const std::lock_guard lock(mutex_);
    look(now);
    return seen_;
  }
  void clear(WallTime now) {
    const std::lock_guard lock(mutex_);
    recorder_.clear(now);
    seen_ = {};
    dirty_ = false;
  }
  // Whether anything has been recorded since the last take(), peek() or clear().
  bool dirty() {
    const std::lock_guard lock(mutex_);
    return dirty_;
  }

 private:
  void look(WallTime now) {
    stats::Report report = recorder_.take(now);
    if (seen_.is_default()) {
      seen_ = std::move(report);
    } else {
      seen_.merge(report);
    }
    dirty_ = false;
  }

  std::mutex mutex_;
  stats::Recorder recorder_;
  stats::Report seen_;  // by peek(), and not taken yet
  bool dirty_ = false;
};

}  // namespace locust::python
