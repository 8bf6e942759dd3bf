// A session's users: what a spawn order makes of them, and how a test or the worker ends.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "protocol/session.h"

namespace locust::protocol {

namespace {

// What users get beyond the stop timeout before the worker goes on without them.
constexpr SteadyDuration kEndingGrace = seconds(5);

}  // namespace

void Session::stop_users(SteadyDuration stop_timeout, ChangeUsers::Cause cause) {
  UserCounts none;
  for (const std::string& name : settings_.user_classes) none[name] = 0;
  job_done_ = false;
  act(ChangeUsers{++job_, std::move(none), stop_timeout, cause, nullptr});
}

Actions Session::on_users_in_place(std::uint64_t job, SteadyTime now) {
  notice_suspension(now);
  if (job != job_ || job_done_) return take();
  job_done_ = true;
  if (ending_ != Ending::none) {
    users_are_stopped(now);
  } else if (state_ != WorkerState::ready) {
    send_spawning_complete(now);
  }
  return take();
}

// Fatal to masters up to 2.46.3 where they do not know us: it waits until that is sure.
void Session::send_spawning_complete(SteadyTime now) {
  state_ = WorkerState::running;
  complete_due_ = !is_heard(now);
  if (complete_due_) return;
  UserCounts counts = user_counts_;
  for (const std::string& name : unknown_classes_) counts[name] = 0;
  const std::int64_t users = total(counts);
  send(SpawningComplete{std::move(counts), users});
}

void Session::begin_ending(Ending ending, SteadyTime now) {
  ending_ = ending;
  ready_at_.reset();
  complete_due_ = false;
  // A final report of an ending before this one is none of this one's.
  for (Collection& collection : collecting_) {
    if (collection.purpose == Purpose::final_report) collection.purpose = Purpose::periodic;
  }
  // A master that quits waits 0.5 s for reports: one goes before the users are stopped.
  if (ending == Ending::quit) {
    next_registration_.reset();
    collect(Purpose::before_quit);
  }
  stop_users(stop_timeout_,
             ending == Ending::quit ? ChangeUsers::Cause::quit : ChangeUsers::Cause::stop);
  ending_deadline_ = now + stop_timeout_ + kEndingGrace;
}

void Session::users_are_stopped(SteadyTime now) {
  ending_deadline_ = now + kEndingGrace;  // for the report
  collect(Purpose::final_report);
}

// The deadline for the users, or then for the report, has passed.
void Session::overdue_ending(SteadyTime now) {
  if (job_done_) {
    finish_ending(now);
    return;
  }
  std::vector<std::string> classes;
  for (const auto& [name, count] : user_counts_) {
    if (count > 0) classes.push_back(name);
  }
  write_log(log::Level::error,
            fmt::format("Some users did not end in time; going on without them: {}.{}",
                        classes.empty() ? "a thread does not answer"
                                        : fmt::format("{}", fmt::join(classes, ", ")),
                        blocker_.empty() ? "" : " They wait for " + blocker_ + "."));
  job_done_ = true;
  users_are_stopped(now);
}

void Session::finish_ending(SteadyTime now) {
  ending_deadline_.reset();
  flush_report(now);
  flush_custom();
  warn_of_suppressed_exceptions();
  if (ending_ == Ending::quit) {
    if (connected_ && link_ != Link::connecting) send(Quit{});
    act(Exit{exit_code_});
    return;
  }
  ending_ = Ending::none;
  state_ = WorkerState::ready;
  ready_sent_ = false;
  if (!connected_ || link_ != Link::registered) {
    // The master cannot be told, or may be another one. Once it is sure that it is the same, it
    // gets the last report; registering anew tells it the rest.
    link_ = Link::doubtful;
    reregister_ = true;
    return;
  }
  send(ClientStopped{});
  link_ = Link::registering;
  // Not counted from the order to stop: stock workers sleep after client_stopped.
  ready_at_ = now + stop_timeout_ + settings_.additional_wait;
}

Actions Session::quit(SteadyTime now, int code_without_master) {
  if (link_ == Link::connecting) {
    act(Exit{code_without_master});
  } else if (ending_ != Ending::quit) {
    begin_ending(Ending::quit, now);
  }
  return take();
}

}  // namespace locust::protocol
