#include "protocol/session.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace locust::protocol {

namespace {

// What a worker sends for itself (message.h, ToMaster).
const std::set<std::string, std::less<>> kOwnTypes = {
    "client_ready", "locustfile", "spawning", "spawning_complete", "heartbeat",
    "stats",        "exception",  "logs",     "client_stopped",    "quit"};
constexpr std::uint64_t kMostLogLines = 70;  // in one interval
constexpr std::size_t kMostQueuedCustom = 1000;
constexpr std::size_t kMostPending = 20;

}  // namespace

Session::Session(SessionSettings settings) : settings_(std::move(settings)) {
  for (const std::string& name : settings_.user_classes) user_counts_[name] = 0;
}

bool Session::is_known(const std::string& user_class) const {
  return std::find(settings_.user_classes.begin(), settings_.user_classes.end(), user_class) !=
         settings_.user_classes.end();
}

// ---- messages ----

Actions Session::on_message(const FromMaster& message, SteadyTime now) {
  if (notice_suspension(now) && !std::holds_alternative<QuitOrder>(message)) return take();
  last_sign_ = now;
  std::visit([&](const auto& one) { handle(one, now); }, message);
  return take();
}

Actions Session::on_bad_frame(const std::string& reason, SteadyTime now) {
  last_sign_ = now;
  write_log(log::Level::error, "Ignored a message from the master: " + reason + ".");
  return take();
}

void Session::handle(const Ack& ack, SteadyTime now) {
  const bool first = link_ == Link::connecting;
  if (ack.index) act(SetWorkerIndex{*ack.index});
  if (!ready_sent_) return;  // it answers what was before client_stopped
  link_ = Link::registered;
  attempts_ = 0;
  unanswered_ = 0;
  rebuilds_ = 0;
  reregister_ = false;
  next_registration_.reset();
  last_spawn_timestamp_ = 0;
  if (first) {
    if (!settings_.stock_runner) {
      write_log(log::Level::debug, "Connected to locust master: " + settings_.master);
    }
    next_report_ = now;
  }
  heartbeat(now);
  flush_custom();
  flush_logs();
}

void Session::handle(const Spawn& spawn, SteadyTime now) {
  // While a test is being stopped, the master takes us off its list and back on again: what it
  // wanted before that is nothing to begin.
  if (ending_ != Ending::none || ready_at_ || link_ == Link::connecting ||
      link_ == Link::registering) {
    return;
  }
  confirm_master(now);
  reregister_ = false;
  if (connected_) send(Spawning{});
  if (spawn.timestamp <= last_spawn_timestamp_) {
    write_log(
        log::Level::info,
        "Discard spawn message with older or equal timestamp than timestamp of previous spawn "
        "message");
    return;
  }
  last_spawn_timestamp_ = spawn.timestamp;
  stop_timeout_ = duration_of(std::max(spawn.stop_timeout, 0.0));
  if (state_ == WorkerState::ready) begin_test(spawn);
  act(ConfigureTest{spawn.host, spawn.parsed_options});
  state_ = WorkerState::spawning;
  job_done_ = false;
  complete_due_ = false;
  act(ChangeUsers{++job_, known_counts(spawn, now), stop_timeout_, ChangeUsers::Cause::order,
                  std::make_shared<const Spawn>(spawn)});
}

void Session::begin_test(const Spawn& spawn) {
  unknown_classes_.clear();
  if (spawn.parsed_options.find("web_base_path") != nullptr) master_is_modern_ = true;  // 2.32.2
  discard_reports();
}

// What of an order this worker can do. The rest is told to the person at the web UI, once a test.
UserCounts Session::known_counts(const Spawn& spawn, SteadyTime now) {
  UserCounts counts;
  for (const auto& [name, count] : spawn.user_classes_count) {
    if (is_known(name)) {
      counts[name] = std::max<std::int64_t>(count, 0);
    } else if (count > 0 && unknown_classes_.insert(name).second) {
      const std::string text = fmt::format(
          "The master asks for users of class {}, which this worker does not have. It has: {}.",
          name, fmt::join(settings_.user_classes, ", "));
      write_log(log::Level::error, text);
      if (connected_ && exceptions_.allow(text, 1, now) > 0) send(Exception{text, text + "\n"});
    }
  }
  return counts;
}

void Session::handle(const AllSpawned&, SteadyTime now) {
  master_is_modern_ = true;
  confirm_master(now);
  if (settings_.reset_stats) discard_reports();
}

void Session::handle(const Stop&, SteadyTime now) {
  if (ending_ != Ending::none || ready_at_ || link_ == Link::connecting ||
      link_ == Link::registering) {
    return;
  }
  confirm_master(now);
  reregister_ = false;
  begin_ending(Ending::stop, now);
}

void Session::handle(const QuitOrder&, SteadyTime now) {
  if (ending_ == Ending::quit) return;
  if (!settings_.stock_runner) {
    write_log(log::Level::info, "Got quit message from master, shutting down...");
  }
  begin_ending(Ending::quit, now);
}

void Session::handle(const HeartbeatEcho&, SteadyTime now) {
  echoes_ = true;
  unanswered_ = 0;
  confirm_master(now);
  if (reregister_ && link_ == Link::registered && ending_ == Ending::none) {
    forget_master(now);
    send_client_ready(now);
    return;
  }
  if (complete_due_) send_spawning_complete(now);
}

void Session::handle(const UpdateUserClass& message, SteadyTime) {
  if (is_known(message.user_class_name)) {
    act(message);
  } else {
    write_log(log::Level::warning,
              fmt::format(
                  "The master changes user class {}, which this worker does not have. It has: {}.",
                  message.user_class_name, fmt::join(settings_.user_classes, ", ")));
  }
}

void Session::handle(const LocustfileAnswer&, SteadyTime) {
  write_log(log::Level::warning, "Unknown message type received: locustfile");
}

void Session::handle(const CustomFromMaster& message, SteadyTime) {
  act(Deliver{message.type, message.data});
}

// ---- reports, logs, exceptions ----

void Session::collect(Purpose purpose) {
  collecting_.push_back({purpose});
  act(CollectReport{ending_ == Ending::quit});
}

Actions Session::on_report(stats::Report report, SteadyTime now, Map extra) {
  if (collecting_.empty()) return take();
  const Collection collection = collecting_.front();
  collecting_.pop_front();
  if (collection.wanted) {
    // What a locustfile adds cannot be merged, nor kept without end.
    const bool apart = !extra.empty() && !pending_.empty() && !pending_.back().extra.empty();
    if (pending_.empty() || (apart && pending_.size() < kMostPending)) {
      pending_.push_back({std::move(report), std::move(extra)});
    } else {
      pending_.back().report.merge(report);
      if (!extra.empty()) pending_.back().extra = std::move(extra);
    }
  }
  if (collection.purpose == Purpose::final_report && ending_ != Ending::none) {
    finish_ending(now);
  } else if (collection.purpose == Purpose::before_quit || is_heard(now)) {
    flush_report(now);
  }
  return take();
}

void Session::flush_report(SteadyTime) {
  if (!connected_ || link_ != Link::registered) return;
  // Nothing at all is not an empty report: its start_time of 0 would become the master's.
  for (Pending& one : std::exchange(pending_, {})) {
    send(Stats{std::move(one.report), user_counts_, total(user_counts_), std::move(one.extra)});
  }
}

// Locust's own runner sends them without asking for the master's version.
bool Session::may_send_logs() const {
  return connected_ && link_ == Link::registered && (master_is_modern_ || settings_.stock_runner);
}

Actions Session::on_logs(const log::Recent& recent, SteadyTime) {
  const std::uint64_t in_this_interval = recent.total - std::min(logs_counted_, recent.total);
  logs_counted_ = recent.total;
  if (logs_off_ || !may_send_logs()) return take();
  if (last_logs_due_) {
    logs_off_ = true;
  } else if (in_this_interval > kMostLogLines) {
    write_log(log::Level::warning,
              "The worker attempted to send more than 70 log lines in one interval. Further log "
              "sending was disabled for this worker.");
    // Once more, so that the person who reads them sees why they end.
    last_logs_due_ = true;
    act(CollectLogs{});
    return take();
  } else if (recent.total <= logs_seen_) {
    return take();
  }
  logs_seen_ = recent.total;
  send(Logs{recent.lines});
  return take();
}

Actions Session::send_logs(std::vector<std::string> lines, SteadyTime) {
  logs_ = Logs{std::move(lines)};
  logs_due_ = true;
  flush_logs();
  return take();
}

void Session::flush_logs() {
  if (!logs_due_ || !may_send_logs()) return;
  logs_due_ = false;
  send(logs_);
}

Actions Session::on_user_error(const Exception& error, std::uint64_t times, SteadyTime now) {
  const std::uint64_t allowed = exceptions_.allow(error.traceback, times, now);
  const bool sendable = connected_ && link_ == Link::registered;
  if (!sendable) exceptions_.withdraw(error.traceback, allowed);
  for (std::uint64_t left = allowed; left > 0; --left) {
    if (!settings_.stock_runner) {
      write_log(log::Level::error, error.msg + "\n" + error.traceback);
    }
    if (sendable) send(error);
  }
  return take();
}

void Session::warn_of_suppressed_exceptions() {
  for (const auto& [traceback, raised, sent] : exceptions_.take_suppressed()) {
    write_log(log::Level::warning,
              fmt::format("An exception was raised {} times, of which the master was told {}:\n{}",
                          raised, sent, traceback));
  }
}

Actions Session::on_custom_message(CustomToMaster message, SteadyTime) {
  if (kOwnTypes.contains(message.type)) {
    write_log(log::Level::error,
              fmt::format("Did not send a {} message: the type is one of Locust's own, and wrong "
                          "data in it would deafen the master.",
                          message.type));
    return take();
  }
  custom_.push_back(std::move(message));
  if (custom_.size() > kMostQueuedCustom) {
    if (!std::exchange(custom_dropped_, true)) {
      write_log(log::Level::warning,
                fmt::format("Dropped a {} message: the master cannot be reached. Further ones are "
                            "dropped, oldest first.",
                            custom_.front().type));
    }
    custom_.pop_front();
  }
  flush_custom();
  return take();
}

void Session::flush_custom() {
  if (!connected_ || link_ != Link::registered) return;
  custom_dropped_ = false;
  for (CustomToMaster& message : std::exchange(custom_, {})) send(std::move(message));
}

}  // namespace locust::protocol
