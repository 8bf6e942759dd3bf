#include "protocol/session.h"

#include <fmt/core.h>

#include <algorithm>
#include <utility>

namespace locust::protocol {

namespace {

// Locust's names and values (runners.py).
constexpr SteadyDuration kHeartbeatInterval = seconds(1);
constexpr SteadyDuration kWorkerReportInterval = seconds(3);
constexpr SteadyDuration kWorkerLogReportInterval = seconds(10);
constexpr SteadyDuration kMasterHeartbeatTimeout = seconds(60);
constexpr SteadyDuration kConnectTimeout = seconds(5);
constexpr int kConnectRetryCount = 60;
constexpr std::uint64_t kMostLogLines = 70;  // in one interval

// Ours. Heartbeats unanswered on a new connection before its master counts as a new one.
constexpr int kUnansweredMeansNew = 2;
// A report waits where the last sign of the master is older: it could be lost.
constexpr SteadyDuration kFreshSign = milliseconds(2500);
// A connection under the same identity needs the old one to be gone at the master.
constexpr SteadyDuration kRebuildPause = milliseconds(500);
constexpr int kRebuilds = 3;
// An interval between ticks that only a suspended process explains.
constexpr SteadyDuration kSuspended = seconds(5);
// What users get beyond the stop timeout before the worker goes on without them.
constexpr SteadyDuration kEndingGrace = seconds(5);
constexpr std::size_t kMostQueuedCustom = 1000;

SteadyDuration seconds_of(double value) {
  // A year is for ever, and fits.
  return std::chrono::duration_cast<SteadyDuration>(
      std::chrono::duration<double>(std::clamp(value, 0.0, 365.0 * 86400)));
}

std::int64_t sum(const UserCounts& counts) {
  std::int64_t total = 0;
  for (const auto& [name, count] : counts) total += count;
  return total;
}

std::string join(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

}  // namespace

Session::Session(SessionSettings settings) : settings_(std::move(settings)) {
  for (const std::string& name : settings_.user_classes) user_counts_[name] = 0;
}

// ---- the link ----

Actions Session::start(SteadyTime now) {
  last_sign_ = last_tick_ = disconnected_at_ = now;
  next_registration_ = now + kConnectTimeout;
  next_heartbeat_ = now + kHeartbeatInterval;
  next_report_ = now;
  next_logs_ = now;
  attempts_ = 1;
  return take();
}

Actions Session::on_link_up(SteadyTime now) {
  connected_ = true;
  unanswered_ = 0;
  if (ending_ == Ending::quit) return take();
  if (link_ == Link::registered || link_ == Link::doubtful) {
    link_ = Link::doubtful;
    heartbeat(now);
  } else if (!ready_at_ && ending_ == Ending::none) {
    send_client_ready(now);
  }
  return take();
}

Actions Session::on_link_down(SteadyTime now) {
  if (connected_) disconnected_at_ = now;
  connected_ = false;
  return take();
}

void Session::send_client_ready(SteadyTime now) {
  link_ = link_ == Link::connecting ? Link::connecting : Link::registering;
  if (connected_) {
    send(ClientReady{settings_.version});
    ready_sent_ = true;
  }
  next_registration_ = now + kConnectTimeout;
}

// No ack within CONNECT_TIMEOUT (runners.py, connect_to_master).
void Session::retry_client_ready(SteadyTime now) {
  if (link_ == Link::connecting) {
    write_log(attempts_ < seconds(30) / kConnectTimeout ? log::Level::debug : log::Level::info,
              fmt::format("Failed to connect to master {}, retry {}/{}.", settings_.master,
                          attempts_, kConnectRetryCount));
    if (attempts_ > kConnectRetryCount) {
      write_log(log::Level::error,
                fmt::format("Failed to connect to the Locust master: no answer from {} in {} "
                            "attempts. Is it running, and is this its address?",
                            settings_.master, attempts_));
      next_registration_.reset();
      act(Exit{255});
      return;
    }
  }
  ++attempts_;
  // A master that has not let go of our old connection swallows what comes over a new one.
  if (connected_ && link_ == Link::registering && attempts_ % 2 == 0) {
    next_registration_ = now + kConnectTimeout;
    rebuild_link(now);
    return;
  }
  send_client_ready(now);
}

void Session::rebuild_link(SteadyTime now) {
  if (connected_) disconnected_at_ = now;
  connected_ = false;
  act(RebuildLink{kRebuildPause});
}

void Session::heartbeat(SteadyTime now) {
  next_heartbeat_ = now + kHeartbeatInterval;
  if (!connected_ || (link_ != Link::registered && link_ != Link::doubtful)) return;
  send(Heartbeat{state_, cpu_usage_, memory_usage_});
  ++unanswered_;
}

// A new connection: the same master answers heartbeats, a restarted one does not know us. (One
// before 2.19.0 never answers; to register twice only skews its shares, to stay away is worse.)
void Session::resolve_doubt(SteadyTime now) {
  if (link_ != Link::doubtful || !connected_ || unanswered_ < kUnansweredMeansNew) return;
  if (rebuilds_ > 0) {
    --rebuilds_;
    rebuild_link(now);
    return;
  }
  write_log(log::Level::warning,
            "The master does not know this worker any more: it has been restarted, or has given "
            "this worker up. Registering anew.");
  forget_master(now);
  send_client_ready(now);
}

void Session::check_silence(SteadyTime now) {
  if (link_ != Link::registered && link_ != Link::doubtful) return;
  const bool silent = echoes_ ? now - last_sign_ > kMasterHeartbeatTimeout
                              : !connected_ && now - disconnected_at_ > kMasterHeartbeatTimeout;
  if (!silent) return;
  write_log(log::Level::error, "Didn't get heartbeat from master in over 60s");
  if (settings_.exit_on_master_loss) {
    begin_ending(Ending::quit, now);
    return;
  }
  if (state_ != WorkerState::ready) {
    write_log(log::Level::warning, "Stopping the users, and trying to reach the master again.");
    stop_users({});
    state_ = WorkerState::ready;
    complete_due_ = false;
    last_spawn_timestamp_ = 0;
  }
  // Should the same master come back, it gets what was recorded until now; then we register anew.
  reregister_ = true;
  collect(Purpose::periodic);
  link_ = Link::doubtful;
  rebuild_link(now);
  last_sign_ = disconnected_at_ = now;
}

// A process that was suspended (SIGSTOP, a sleeping machine) has heard nothing for want of
// listening: the master gets a chance to answer first. True where it has been so long that the
// master may have dropped us: then nothing that was on its way before is worth anything (an old
// spawn, an old echo), and a new connection gets rid of it.
bool Session::notice_suspension(SteadyTime now) {
  const SteadyDuration gap = now - last_tick_;
  if (gap <= kSuspended) return false;
  last_tick_ = last_sign_ = now;
  if (!connected_) disconnected_at_ = now;
  unanswered_ = 0;
  const bool given_up = gap > kMasterHeartbeatTimeout;
  if (link_ == Link::registered && (echoes_ || given_up)) link_ = Link::doubtful;
  if (given_up && ending_ != Ending::quit) rebuild_link(now);
  return given_up;
}

// What only a master that has us on its list sends has come over this connection.
void Session::confirm_master(SteadyTime now) {
  if (link_ != Link::doubtful || !connected_) return;
  link_ = Link::registered;
  unanswered_ = 0;
  rebuilds_ = 0;
  flush_report(now);
  flush_custom();
}

// Whatever belongs to the old master's test is over.
void Session::forget_master(SteadyTime now) {
  link_ = Link::registering;
  attempts_ = 1;
  rebuilds_ = 0;
  reregister_ = ready_sent_ = false;
  last_sign_ = now;
  echoes_ = master_is_modern_ = false;
  stop_users({});
  state_ = WorkerState::ready;
  complete_due_ = false;
  last_spawn_timestamp_ = 0;
  // A new master waits for no client_stopped, and would end its run over one.
  ending_ = Ending::none;
  ending_deadline_.reset();
  ready_at_.reset();
  warn_of_suppressed_exceptions();
  custom_.clear();
  discard_reports();
}

void Session::discard_reports() {
  pending_.reset();
  for (Collection& collection : collecting_) collection.wanted = false;
  act(ClearStats{});
}

bool Session::is_heard(SteadyTime now) const {
  return connected_ && link_ == Link::registered && (!echoes_ || now - last_sign_ < kFreshSign);
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
    write_log(log::Level::debug, "Connected to locust master: " + settings_.master);
    next_report_ = now;
  }
  heartbeat(now);
  flush_custom();
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
  stop_timeout_ = seconds_of(spawn.stop_timeout);
  if (state_ == WorkerState::ready) begin_test(spawn);
  state_ = WorkerState::spawning;
  job_done_ = false;
  complete_due_ = false;
  act(ChangeUsers{++job_, known_counts(spawn, now), stop_timeout_});
}

void Session::begin_test(const Spawn& spawn) {
  unknown_classes_.clear();
  if (spawn.parsed_options.find("web_base_path") != nullptr) master_is_modern_ = true;  // 2.32.2
  discard_reports();
  act(ConfigureTest{spawn.host, spawn.parsed_options});
}

bool Session::is_known(const std::string& user_class) const {
  return std::find(settings_.user_classes.begin(), settings_.user_classes.end(), user_class) !=
         settings_.user_classes.end();
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
          name, join(settings_.user_classes));
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
  write_log(log::Level::info, "Got quit message from master, shutting down...");
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

void Session::handle(const Reconnect&, SteadyTime now) {
  write_log(log::Level::warning,
            "Received reconnect message from master. Resetting RPC connection.");
  if (link_ == Link::registered) link_ = Link::doubtful;
  rebuilds_ = kRebuilds;
  rebuild_link(now);
}

void Session::handle(const UpdateUserClass& message, SteadyTime) {
  if (is_known(message.user_class_name)) {
    act(message);
  } else {
    write_log(log::Level::warning,
              fmt::format(
                  "The master changes user class {}, which this worker does not have. It has: {}.",
                  message.user_class_name, join(settings_.user_classes)));
  }
}

void Session::handle(const LocustfileAnswer&, SteadyTime) {
  write_log(log::Level::warning, "Unknown message type received: locustfile");
}

void Session::handle(const CustomFromMaster& message, SteadyTime) {
  act(Deliver{message.type, message.data});
}

// ---- users ----

void Session::stop_users(SteadyDuration stop_timeout) {
  UserCounts none;
  for (const std::string& name : settings_.user_classes) none[name] = 0;
  job_done_ = false;
  act(ChangeUsers{++job_, std::move(none), stop_timeout});
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
  const std::int64_t total = sum(counts);
  send(SpawningComplete{std::move(counts), total});
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
  stop_users(stop_timeout_);
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
  write_log(
      log::Level::error,
      fmt::format("Some users did not end in time; going on without them: {}.", join(classes)));
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

Actions Session::quit(SteadyTime now) {
  if (link_ == Link::connecting) {
    act(Exit{1});
  } else if (ending_ != Ending::quit) {
    begin_ending(Ending::quit, now);
  }
  return take();
}

// ---- reports, logs, exceptions ----

void Session::collect(Purpose purpose) {
  collecting_.push_back({purpose});
  act(CollectReport{});
}

Actions Session::on_report(stats::Report report, SteadyTime now) {
  if (collecting_.empty()) return take();
  const Collection collection = collecting_.front();
  collecting_.pop_front();
  if (collection.wanted) {
    if (pending_) {
      pending_->merge(report);
    } else {
      pending_ = std::move(report);
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
  if (!pending_) return;
  send(Stats{*std::exchange(pending_, std::nullopt), user_counts_, sum(user_counts_)});
}

bool Session::may_send_logs() const {
  return connected_ && link_ == Link::registered && master_is_modern_;
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

Actions Session::on_user_error(const Exception& error, std::uint64_t times, SteadyTime now) {
  const std::uint64_t allowed = exceptions_.allow(error.traceback, times, now);
  const bool sendable = connected_ && link_ == Link::registered;
  if (!sendable) exceptions_.withdraw(error.traceback, allowed);
  for (std::uint64_t left = allowed; left > 0; --left) {
    write_log(log::Level::error, error.msg + "\n" + error.traceback);
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

// ---- time ----

Actions Session::on_tick(SteadyTime now) {
  notice_suspension(now);
  last_tick_ = now;
  if (ending_deadline_ && now >= *ending_deadline_) overdue_ending(now);
  if (ready_at_ && ending_ == Ending::none && now >= *ready_at_) {
    ready_at_.reset();
    attempts_ = 1;
    send_client_ready(now);
  }
  if (next_registration_ && now >= *next_registration_ && !ready_at_) {
    retry_client_ready(now);
  }
  if (now >= next_heartbeat_) {
    if (ending_ != Ending::quit) resolve_doubt(now);
    heartbeat(now);
    if (ending_ != Ending::quit) check_silence(now);
  }
  if (now >= next_report_) {
    next_report_ = now + kWorkerReportInterval;
    if (ending_ != Ending::quit) collect(Purpose::periodic);
  }
  if (now >= next_logs_) {
    next_logs_ = now + kWorkerLogReportInterval;
    if (!logs_off_) act(CollectLogs{});  // also where they cannot be sent: lines count by interval
  }
  return take();
}

SteadyTime Session::next_deadline() const {
  SteadyTime next = std::min({next_heartbeat_, next_report_, next_logs_});
  if (next_registration_ && !ready_at_) next = std::min(next, *next_registration_);
  if (ready_at_ && ending_ == Ending::none) next = std::min(next, *ready_at_);
  if (ending_deadline_) next = std::min(next, *ending_deadline_);
  return next;
}

}  // namespace locust::protocol
