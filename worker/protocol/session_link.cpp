// How a session keeps in touch with its master: registering, heartbeats, and what to do when there
// is doubt whether it is still there, or still the same one.
#include <fmt/core.h>

#include <algorithm>
#include <utility>

#include "protocol/session.h"

namespace locust::protocol {

namespace {

// Locust's names and values (runners.py); those that locustfiles change are in Intervals.
constexpr SteadyDuration kWorkerLogReportInterval = seconds(10);
constexpr int kConnectRetryCount = 60;

// Ours. Heartbeats unanswered on a new connection before its master counts as a new one.
constexpr int kUnansweredMeansNew = 2;
// A report waits where the last sign of the master is older than so many halves of the time between
// heartbeats: it could be lost.
constexpr int kFreshSign = 5;
// A connection under the same identity needs the old one to be gone at the master.
constexpr SteadyDuration kRebuildPause = milliseconds(500);
constexpr int kRebuilds = 3;
// An interval between ticks that only a suspended process explains.
constexpr SteadyDuration kSuspended = seconds(5);

}  // namespace

Actions Session::start(SteadyTime now) {
  last_sign_ = last_tick_ = disconnected_at_ = now;
  next_registration_ = now + intervals_.connect_timeout;
  next_heartbeat_ = now + intervals_.heartbeat;
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
  next_registration_ = now + intervals_.connect_timeout;
}

// No ack within CONNECT_TIMEOUT (runners.py, connect_to_master).
void Session::retry_client_ready(SteadyTime now) {
  if (link_ == Link::connecting && !settings_.stock_runner) {
    write_log(
        attempts_ < seconds(30) / intervals_.connect_timeout ? log::Level::debug : log::Level::info,
        fmt::format("Failed to connect to master {}, retry {}/{}.", settings_.master, attempts_,
                    kConnectRetryCount));
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
    next_registration_ = now + intervals_.connect_timeout;
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
  next_heartbeat_ = now + intervals_.heartbeat;
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
  const bool is_known = link_ == Link::registered || link_ == Link::doubtful;
  // Who comes back after a master, instead of ending, goes on registering.
  const bool registers = link_ == Link::registering && !ready_at_ && settings_.exit_on_master_loss;
  if (!is_known && !registers) return;
  const SteadyDuration limit = intervals_.master_timeout;
  const bool silent =
      echoes_ ? now - last_sign_ > limit : !connected_ && now - disconnected_at_ > limit;
  if (!silent) return;
  write_log(log::Level::error, fmt::format("Didn't get heartbeat from master in over {:g}s",
                                           std::chrono::duration<double>(limit).count()));
  if (settings_.exit_on_master_loss) {
    begin_ending(Ending::quit, now);
    return;
  }
  if (state_ != WorkerState::ready) {
    write_log(log::Level::warning, "Stopping the users, and trying to reach the master again.");
    stop_users({}, ChangeUsers::Cause::loss);
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
  if (gap <= suspended_after()) return false;
  last_tick_ = last_sign_ = now;
  if (!connected_) disconnected_at_ = now;
  unanswered_ = 0;
  const bool given_up = gap > intervals_.master_timeout;
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
  flush_logs();
}

// Whatever belongs to the old master's test is over.
void Session::forget_master(SteadyTime now) {
  link_ = Link::registering;
  attempts_ = 1;
  rebuilds_ = 0;
  reregister_ = ready_sent_ = false;
  last_sign_ = now;
  echoes_ = master_is_modern_ = false;
  stop_users({}, ChangeUsers::Cause::loss);
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
  logs_seen_ = 0;
  logs_due_ = !logs_.lines.empty();
}

void Session::discard_reports() {
  pending_.clear();
  for (Collection& collection : collecting_) collection.wanted = false;
  act(ClearStats{});
}

bool Session::is_heard(SteadyTime now) const {
  return connected_ && link_ == Link::registered &&
         (!echoes_ || now - last_sign_ < intervals_.heartbeat * kFreshSign / 2);
}

// Whoever wants to hear from us less often is not taken for asleep in between.
SteadyDuration Session::suspended_after() const {
  return std::max(kSuspended, 2 * std::min(intervals_.heartbeat, intervals_.report));
}

void Session::set_intervals(const Intervals& intervals, SteadyTime now) {
  if (intervals == intervals_) return;
  constexpr SteadyDuration kShortest = milliseconds(50);
  intervals_ = {std::max(intervals.heartbeat, kShortest), std::max(intervals.report, kShortest),
                intervals.master_timeout, std::max(intervals.connect_timeout, kShortest)};
  next_heartbeat_ = std::min(next_heartbeat_, now + intervals_.heartbeat);
  next_report_ = std::min(next_report_, now + intervals_.report);
}

void Session::handle(const Reconnect&, SteadyTime now) {
  write_log(log::Level::warning,
            "Received reconnect message from master. Resetting RPC connection.");
  if (link_ == Link::registered) link_ = Link::doubtful;
  rebuilds_ = kRebuilds;
  rebuild_link(now);
}

// ---- time ----

Actions Session::on_tick(SteadyTime now) {
  notice_suspension(now);
  last_tick_ = now;
  if (ending_deadline_ && now >= *ending_deadline_) overdue_ending(now);
  if (ready_at_ && ending_ == Ending::none && now >= *ready_at_) {
    ready_at_.reset();
    attempts_ = 1;
    last_sign_ = now;
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
    next_report_ = now + intervals_.report;
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
