// Gathers what the shards have recorded into one report. A shard that does not answer in time (a
// task blocks it) is not waited for: what it says later goes into the next report. Pure
// bookkeeping, without threads.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>

#include "base/clock.h"
#include "base/value.h"
#include "stats/report.h"

namespace locust::runner {

class Reporter {
 public:
  // `patience`: how long a collection waits for all answers. A master that quits waits 0.5 s for a
  // last report (runners.py, MasterRunner.quit).
  explicit Reporter(std::size_t shards, SteadyDuration patience = milliseconds(200))
      : shards_(shards), patience_(patience) {}

  // A collection begins: every shard is to be asked for what it has, and to answer with this
  // ticket.
  std::uint64_t begin(SteadyTime now);
  // `extra`: what a locustfile adds to the report, by key.
  void answer(std::uint64_t ticket, const stats::Report& report, Map extra = {});
  // What is on its way was recorded before statistics were cleared, and counts no more.
  void clear();

  struct Gathered {
    stats::Report report;
    Map extra;
  };
  // The oldest collection that is complete, or whose time is up; then it is over.
  std::optional<Gathered> next(SteadyTime now);
  // When next() may have something without a further answer.
  std::optional<SteadyTime> deadline() const;

 private:
  struct Collection {
    std::uint64_t ticket;
    SteadyTime deadline;
    std::size_t answers = 0;
    Gathered gathered;
  };

  const std::size_t shards_;
  const SteadyDuration patience_;
  std::uint64_t last_ticket_ = 0;
  std::uint64_t cleared_up_to_ = 0;
  std::deque<Collection> collections_;
  Gathered late_;
};

}  // namespace locust::runner
