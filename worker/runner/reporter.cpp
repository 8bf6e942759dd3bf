#include "runner/reporter.h"

#include <algorithm>
#include <utility>

namespace locust::runner {

namespace {
// A master that quits waits 0.5 s for a last report (runners.py, MasterRunner.quit).
constexpr SteadyDuration kPatience = milliseconds(200);
}  // namespace

std::uint64_t Reporter::begin(SteadyTime now) {
  collections_.push_back({++last_ticket_, now + kPatience, 0, {}});
  return last_ticket_;
}

void Reporter::answer(std::uint64_t ticket, const stats::Report& report) {
  const auto found = std::find_if(collections_.begin(), collections_.end(),
                                  [&](const Collection& one) { return one.ticket == ticket; });
  if (found != collections_.end()) {
    ++found->answers;
    if (ticket > cleared_up_to_) found->report.merge(report);
  } else if (ticket > cleared_up_to_) {
    late_.merge(report);
  }
}

void Reporter::clear() {
  cleared_up_to_ = last_ticket_;
  late_ = {};
  for (Collection& one : collections_) one.report = {};
}

std::optional<stats::Report> Reporter::next(SteadyTime now) {
  if (collections_.empty()) return std::nullopt;
  Collection& oldest = collections_.front();
  if (oldest.answers < shards_ && now < oldest.deadline) return std::nullopt;
  stats::Report report = std::move(oldest.report);
  report.merge(std::exchange(late_, {}));
  collections_.pop_front();
  return report;
}

std::optional<SteadyTime> Reporter::deadline() const {
  if (collections_.empty()) return std::nullopt;
  return collections_.front().deadline;
}

}  // namespace locust::runner
