#include "runner/reporter.h"

#include <algorithm>
#include <utility>

namespace locust::runner {

namespace {

void add(Reporter::Gathered& to, const stats::Report& report, Map extra) {
  to.report.merge(report);
  for (auto& entry : extra) to.extra.push_back(std::move(entry));
}

}  // namespace

std::uint64_t Reporter::begin(SteadyTime now) {
  collections_.push_back({++last_ticket_, now + patience_, 0, {}});
  return last_ticket_;
}

void Reporter::answer(std::uint64_t ticket, const stats::Report& report, Map extra) {
  const auto found = std::find_if(collections_.begin(), collections_.end(),
                                  [&](const Collection& one) { return one.ticket == ticket; });
  if (found != collections_.end()) ++found->answers;
  if (ticket <= cleared_up_to_) return;
  add(found != collections_.end() ? found->gathered : late_, report, std::move(extra));
}

void Reporter::clear() {
  cleared_up_to_ = last_ticket_;
  late_ = {};
  for (Collection& one : collections_) one.gathered = {};
}

std::optional<Reporter::Gathered> Reporter::next(SteadyTime now) {
  if (collections_.empty()) return std::nullopt;
  Collection& oldest = collections_.front();
  if (oldest.answers < shards_ && now < oldest.deadline) return std::nullopt;
  Gathered gathered = std::move(oldest.gathered);
  add(gathered, late_.report, std::move(late_.extra));
  late_ = {};
  collections_.pop_front();
  return gathered;
}

std::optional<SteadyTime> Reporter::deadline() const {
  if (collections_.empty()) return std::nullopt;
  return collections_.front().deadline;
}

}  // namespace locust::runner
