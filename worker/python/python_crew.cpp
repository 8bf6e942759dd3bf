#include "python/python_crew.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>
#include <variant>

namespace locust::python {

using Cause = protocol::ChangeUsers::Cause;

namespace {

constexpr SteadyDuration kVisit = seconds(1);
// A master that quits waits 0.5 s for reports.
constexpr SteadyDuration kUrgentVisit = milliseconds(250);

}  // namespace

PythonCrew::PythonCrew(std::shared_ptr<ProcessRecorder> recorder, Inbox& inbox, Answers answers)
    : recorder_(std::move(recorder)), inbox_(inbox), answers_(std::move(answers)) {}

// ---- users ----

void PythonCrew::change_users(const protocol::ChangeUsers& change) {
  job_ = change.job;
  cause_ = change.cause;
  if (cause_ == Cause::order) {
    testing_ = true;
    tell_spawn(change);
    return;
  }
  const bool had_test = std::exchange(testing_, false);
  if (cause_ == Cause::loss && !had_test) {
    if (!stopping_) answers_.in_place(job_);
    return;
  }
  stopping_ = true;
  if (cause_ != Cause::quit) {
    // A lost master's users are not given the time that it had granted them.
    tell("stop", Map{{"at_once", cause_ == Cause::loss}});
  } else if (!leaving_) {
    tell("quit", nullptr);
  }
}

void PythonCrew::tell_spawn(const protocol::ChangeUsers& change) {
  const protocol::Spawn& order = *change.order;
  // Locust's runner discards what is not newer than the last. What is stale has been decided: after
  // the master's return its clock may be an older one.
  last_timestamp_ = std::max(
      order.timestamp, std::nextafter(last_timestamp_, std::numeric_limits<double>::infinity()));
  Map counts;
  for (const auto& [name, count] : change.counts) counts.emplace_back(name, count);
  tell("spawn",
       Map{{"timestamp", last_timestamp_},
           {"user_classes_count", std::move(counts)},
           {"host", order.host ? Value(*order.host) : Value()},
           {"stop_timeout", order.stop_timeout},
           {"parsed_options", order.parsed_options.is_nil() ? Value(Map{}) : order.parsed_options}},
       change.job);
}

void PythonCrew::users_spawned(std::uint64_t job) {
  if (cause_ == Cause::order) answers_.in_place(job);
}

void PythonCrew::users_stopped(Map extra) {
  for (auto& entry : extra) final_extra_.push_back(std::move(entry));
  stopping_ = false;
  if (cause_ == Cause::order) return;
  // What they recorded after the statistics were cleared is nobody's.
  if (cause_ == Cause::loss) recorder_->clear(answers_.wall_now());
  answers_.in_place(job_);
}

// ---- reports ----

void PythonCrew::collect(std::uint64_t ticket, bool urgent) {
  stats::Report report = recorder_->take(answers_.wall_now());
  // A Python that still has one is not given a second.
  if (visits_ && visiting_.empty() && final_extra_.empty()) {
    const SteadyTime now = answers_.now();
    inbox_.put(PythonReport{ticket, report}, now);
    visiting_.emplace(ticket, Visit{std::move(report), now + (urgent ? kUrgentVisit : kVisit)});
    return;
  }
  answers_.report(ticket, report, std::exchange(final_extra_, {}));
}

void PythonCrew::answer_report(std::uint64_t ticket, Map extra) {
  const auto found = visiting_.find(ticket);
  const stats::Report report =
      found == visiting_.end() ? stats::Report() : std::move(found->second.report);
  if (found != visiting_.end()) visiting_.erase(found);
  answers_.report(ticket, report, std::move(extra));
}

std::optional<SteadyTime> PythonCrew::watch(SteadyTime now) {
  while (!visiting_.empty() && now >= visiting_.begin()->second.deadline) {
    const auto node = visiting_.extract(visiting_.begin());
    answers_.report(node.key(), node.mapped().report, {});
  }
  if (visiting_.empty()) return std::nullopt;
  return visiting_.begin()->second.deadline;
}

void PythonCrew::clear_stats() {
  recorder_->clear(answers_.wall_now());
  final_extra_.clear();
}

// ---- messages ----

void PythonCrew::tell(std::string type, Value data, std::uint64_t job) {
  inbox_.put(PythonMessage{std::move(type), std::move(data), job}, answers_.now());
}

void PythonCrew::deliver(const protocol::Deliver& message) { tell(message.type, message.data); }

void PythonCrew::update_user_class(const protocol::UpdateUserClass& message) {
  tell("update_user_class", message.attributes);
}

void PythonCrew::set_worker_index(std::int64_t index) { tell("ack", Map{{"index", index}}); }

void PythonCrew::heard(const protocol::FromMaster& message) {
  if (std::holds_alternative<protocol::HeartbeatEcho>(message)) tell("heartbeat", nullptr);
  if (const auto* spawned = std::get_if<protocol::AllSpawned>(&message)) {
    tell("spawning_complete", Map{{"user_count", spawned->user_count}});
  }
}

void PythonCrew::write_log(log::Level level, std::string_view logger, std::string text) {
  inbox_.put(PythonLog{level, std::string(logger), std::move(text)}, answers_.now());
}

}  // namespace locust::python
