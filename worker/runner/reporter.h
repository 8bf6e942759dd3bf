// Gathers what the shards have recorded into one report. A shard that does not answer in time (a
// task blocks it) is not waited for: what it says later goes into the next report. Pure
// bookkeeping, without threads.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>

#include "base/clock.h"
#include "stats/report.h"

namespace locust::runner {

class Reporter {
 public:
  explicit Reporter(std::size_t shards) : shards_(shards) {}

  // A collection begins: every shard is to be asked for what it has, and to answer with this
  // ticket.
  std::uint64_t begin(SteadyTime now);
  void answer(std::uint64_t ticket, const stats::Report& report);
  // What is on its way was recorded before statistics were cleared, and counts no more.
  void clear();

  // The oldest collection that is complete, or whose time is up; then it is over.
  std::optional<stats::Report> next(SteadyTime now);
  // When next() may have something without a further answer.
  std::optional<SteadyTime> deadline() const;

 private:
  struct Collection {
    std::uint64_t ticket;
    SteadyTime deadline;
    std::size_t answers = 0;
    stats::Report report;
  };

  const std::size_t shards_;
  std::uint64_t last_ticket_ = 0;
  std::uint64_t cleared_up_to_ = 0;
  std::deque<Collection> collections_;
  stats::Report late_;
};

}  // namespace locust::runner
