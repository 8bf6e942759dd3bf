// The status line of a worker in a terminal: users, requests/s, failures, response times and the
// link to the master, in the terminal's last row. What is logged or printed scrolls above it,
// whoever writes it: the terminal is told to leave that row alone.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "stats/report.h"

namespace locust::runner {

// What the line says of the statistics: the newest reports, and the failures of the whole test.
class StatusFigures {
 public:
  // What happened since the last report.
  void add(const stats::Report& report, SteadyTime now);
  // A test begins; also to be called at the start.
  void clear(SteadyTime now);
  // "10 users | 1234.5 req/s | 3 failures (0.01%) | p50 4 ms, p95 12 ms | master …: connected".
  std::string text(std::int64_t users, std::string_view master) const;

 private:
  struct Part {
    stats::EntryReport total;
    SteadyDuration duration;
  };
  std::deque<Part> parts_;  // of the last seconds
  SteadyTime last_{};       // report
  std::uint64_t requests_ = 0, failures_ = 0;
};

// A row at the bottom of the terminal. Nothing of it ever waits for the terminal.
class StatusRow {
 public:
  virtual ~StatusRow() = default;
  // In place of what it showed; cut to the terminal's width.
  virtual void show(std::string_view text) = 0;
};

// The row of the terminal that stderr is; it is given back when this object goes. Null where stderr
// is no terminal, or one that knows no such thing (TERM=dumb). Only one process draws on a terminal
// at a time, and only while it is in the foreground.
std::unique_ptr<StatusRow> open_status_row();

}  // namespace locust::runner
