// The brain of a worker: what to do when a message comes, the link changes, users have been started
// or stopped, or time passes. No socket, no thread, no clock: every call takes the time and returns
// what the shell (runner/control) shall do, in order. One thread.
//
// The rules are Locust's WorkerRunner's (runners.py, 2.47.0) except where a master is lost or
// restarted: there a stock worker gives up, and this one comes back by itself.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "base/clock.h"
#include "base/log.h"
#include "base/value.h"
#include "protocol/exception_limiter.h"
#include "protocol/message.h"

namespace locust::protocol {

// ---- what the shell shall do ----

struct Send {
  ToMaster message;
};
// Gather what has been recorded and answer with on_report(), once for each of these and in their
// order.
struct CollectReport {
  bool urgent = false;  // the master is about to leave: wait for nobody
};
// Forget what has been recorded so far.
struct ClearStats {};
// A test begins: for the environments of the shards, before its users are made.
struct ConfigureTest {
  std::optional<std::string> host;
  Value parsed_options;
};
// Have so many users of each class, no more and no fewer; classes that are not named stay as they
// are. Replaces a job that is not done. Answer with on_users_in_place(job).
struct ChangeUsers {
  enum class Cause {
    order,  // of the master: so many users
    stop,   // the test is over
    loss,   // so is the master, and its test with it
    quit,   // the worker leaves
  };
  std::uint64_t job = 0;
  UserCounts counts;
  SteadyDuration stop_timeout{};  // for those that are stopped
  Cause cause = Cause::order;
  std::shared_ptr<const Spawn> order;  // as the master gave it; nothing but for Cause::order
};
// Close the connection, wait, resolve the master's name anew and connect with the same identity.
struct RebuildLink {
  SteadyDuration pause{};
};
// A message for the locustfile's listeners.
struct Deliver {
  std::string type;
  Value data;
};
// The index that the master has given this worker.
struct SetWorkerIndex {
  std::int64_t index = 0;
};
// Answer with on_logs().
struct CollectLogs {};
struct WriteLog {
  log::Level level;
  std::string text;  // of the logger locust.runners
};
// Leave: what has been sent goes out first.
struct Exit {
  int code = 0;
};

using Action =
    std::variant<Send, CollectReport, ClearStats, ConfigureTest, ChangeUsers, RebuildLink, Deliver,
                 UpdateUserClass, SetWorkerIndex, CollectLogs, WriteLog, Exit>;
using Actions = std::vector<Action>;

struct SessionSettings {
  std::vector<std::string> user_classes;  // that this worker can run
  std::string master = "127.0.0.1:5557";  // for log lines
  std::optional<std::string> version;     // sent in client_ready; nothing: -1
  bool exit_on_master_loss = false;       // as a stock worker does
  bool reset_stats = false;               // --reset-stats
  // Locust's own WorkerRunner is above this session. What it does itself is left to it: counting
  // attempts to connect, and giving up; the log lines of that, of quitting, and of exceptions.
  bool stock_runner = false;
  SteadyDuration additional_wait{};  // LOCUST_WORKER_ADDITIONAL_WAIT_BEFORE_READY_AFTER_STOP
};

// What locustfiles may change in locust.runners.
struct Intervals {
  SteadyDuration heartbeat = seconds(1);        // HEARTBEAT_INTERVAL
  SteadyDuration report = seconds(3);           // WORKER_REPORT_INTERVAL
  SteadyDuration master_timeout = seconds(60);  // MASTER_HEARTBEAT_TIMEOUT
  SteadyDuration connect_timeout = seconds(5);  // CONNECT_TIMEOUT
  bool operator==(const Intervals&) const = default;
};

class Session {
 public:
  explicit Session(SessionSettings settings);

  // The shell has started, and is connecting.
  Actions start(SteadyTime now);
  // The ZMTP handshake with a master is done; the connection is lost.
  Actions on_link_up(SteadyTime now);
  Actions on_link_down(SteadyTime now);
  Actions on_message(const FromMaster& message, SteadyTime now);
  // A frame that is no message.
  Actions on_bad_frame(const std::string& reason, SteadyTime now);
  // Call it at next_deadline() or before.
  Actions on_tick(SteadyTime now);
  SteadyTime next_deadline() const;

  // How many users run: with every change, and always before on_users_in_place.
  void set_user_counts(UserCounts counts) { user_counts_ = std::move(counts); }
  Actions on_users_in_place(std::uint64_t job, SteadyTime now);
  // `extra`: what a locustfile adds to it.
  Actions on_report(stats::Report report, SteadyTime now, Map extra = {});
  Actions on_logs(const log::Recent& recent, SteadyTime now);
  // Log lines for the master that somebody else has chosen: all that it is to show.
  Actions send_logs(std::vector<std::string> lines, SteadyTime now);
  // `times` exceptions with this text and traceback in users' code.
  Actions on_user_error(const Exception& error, std::uint64_t times, SteadyTime now);
  Actions on_custom_message(CustomToMaster message, SteadyTime now);
  // SIGTERM, SIGINT: end the users, report, say goodbye. A worker that no master knew yet has
  // another exit code than 0.
  Actions quit(SteadyTime now, int code_without_master = 1);

  void set_intervals(const Intervals& intervals, SteadyTime now);
  void set_user_classes(std::vector<std::string> user_classes) {
    settings_.user_classes = std::move(user_classes);
  }
  const UserCounts& user_counts() const { return user_counts_; }
  // Where the worker stands with its master, in a word for people.
  std::string_view link_name() const {
    if (!connected_) return link_ == Link::connecting ? "not reached yet" : "lost";
    return link_ == Link::registered ? "connected" : "registering";
  }
  // Whose task keeps all users from ending, where that is known; for a log line.
  void set_blocker(std::string blocker) { blocker_ = std::move(blocker); }

  void set_usage(double cpu_percent, std::uint64_t memory_bytes) {
    cpu_usage_ = cpu_percent;
    memory_usage_ = memory_bytes;
  }

 private:
  // Where the worker stands with its master.
  enum class Link {
    connecting,   // never known to a master yet
    registering,  // client_ready is on its way, or will be
    registered,   // the master has acknowledged
    doubtful,     // registered, but the connection is a new one: is it the same master?
  };
  // What is to be done when the users have been stopped.
  enum class Ending { none, stop, quit };
  enum class Purpose { periodic, before_quit, final_report };
  // A CollectReport that is not answered yet.
  struct Collection {
    Purpose purpose;
    bool wanted = true;  // unless what it brings belongs to a test that is over
  };
  struct Pending {
    stats::Report report;
    Map extra;
  };

  void handle(const Ack& ack, SteadyTime now);
  void handle(const Spawn& spawn, SteadyTime now);
  void handle(const AllSpawned& message, SteadyTime now);
  void handle(const Stop& message, SteadyTime now);
  void handle(const QuitOrder& message, SteadyTime now);
  void handle(const HeartbeatEcho& message, SteadyTime now);
  void handle(const Reconnect& message, SteadyTime now);
  void handle(const UpdateUserClass& message, SteadyTime now);
  void handle(const LocustfileAnswer& message, SteadyTime now);
  void handle(const CustomFromMaster& message, SteadyTime now);

  void send_client_ready(SteadyTime now);
  void retry_client_ready(SteadyTime now);
  void rebuild_link(SteadyTime now);
  bool notice_suspension(SteadyTime now);
  void confirm_master(SteadyTime now);
  void heartbeat(SteadyTime now);
  void resolve_doubt(SteadyTime now);
  void check_silence(SteadyTime now);
  void forget_master(SteadyTime now);
  void stop_users(SteadyDuration stop_timeout, ChangeUsers::Cause cause);
  void begin_ending(Ending ending, SteadyTime now);
  void users_are_stopped(SteadyTime now);
  void overdue_ending(SteadyTime now);
  void finish_ending(SteadyTime now);
  void collect(Purpose purpose);
  void flush_report(SteadyTime now);
  void discard_reports();
  void flush_custom();
  void send_spawning_complete(SteadyTime now);
  void begin_test(const Spawn& spawn);
  UserCounts known_counts(const Spawn& spawn, SteadyTime now);
  bool is_known(const std::string& user_class) const;
  void warn_of_suppressed_exceptions();
  // Whether the master hears us and knows us, as far as we can tell.
  bool is_heard(SteadyTime now) const;
  bool may_send_logs() const;
  void flush_logs();
  SteadyDuration suspended_after() const;

  // Nothing follows an Exit.
  template <class T>
  void act(T action) {
    if (gone_) return;
    if constexpr (std::is_same_v<T, Exit>) gone_ = true;
    actions_.emplace_back(std::move(action));
  }
  void send(ToMaster message) { act(Send{std::move(message)}); }
  void write_log(log::Level level, std::string text) { act(WriteLog{level, std::move(text)}); }
  Actions take() { return std::exchange(actions_, {}); }

  SessionSettings settings_;
  Intervals intervals_;
  Actions actions_;
  bool gone_ = false;  // told to exit

  Link link_ = Link::connecting;
  bool connected_ = false;         // the ZMTP connection stands
  bool echoes_ = false;            // this master answers heartbeats (2.19.0 on)
  bool master_is_modern_ = false;  // 2.29.0 on: takes logs
  int attempts_ = 0;               // to register, since we last were
  int unanswered_ = 0;             // heartbeats, since the connection was made
  int rebuilds_ = 0;               // of the link, to be heard again after `reconnect`
  bool ready_sent_ = false;        // client_ready, since client_stopped: an ack may come
  bool reregister_ = false;  // the users were stopped meanwhile: register even at the same master
  SteadyTime last_sign_{};   // of the master
  SteadyTime last_tick_{};
  SteadyTime disconnected_at_{};

  WorkerState state_ = WorkerState::ready;
  double last_spawn_timestamp_ = 0;
  SteadyDuration stop_timeout_{};
  std::uint64_t job_ = 0;
  bool job_done_ = true;
  bool complete_due_ = false;  // spawning_complete could not be sent yet
  UserCounts user_counts_;
  std::set<std::string> unknown_classes_;  // complained about in this test

  Ending ending_ = Ending::none;
  int exit_code_ = 0;
  std::optional<SteadyTime> ending_deadline_;
  std::optional<SteadyTime> ready_at_;  // when client_ready follows client_stopped

  std::deque<Collection> collecting_;
  std::deque<Pending> pending_;        // reports that are not sent yet; one if without extras
  std::deque<CustomToMaster> custom_;  // not sent yet
  bool custom_dropped_ = false;        // and said so
  ExceptionLimiter exceptions_;
  std::uint64_t logs_seen_ = 0;     // lines there were when they were last sent
  std::uint64_t logs_counted_ = 0;  // lines there were an interval ago
  bool last_logs_due_ = false;      // there were too many: one last time
  bool logs_off_ = false;
  Logs logs_;              // of send_logs()
  bool logs_due_ = false;  // this master has not got them
  std::string blocker_;

  std::optional<SteadyTime> next_registration_;
  SteadyTime next_heartbeat_{};
  SteadyTime next_report_{};
  SteadyTime next_logs_{};

  double cpu_usage_ = 0;
  std::uint64_t memory_usage_ = 0;
};

}  // namespace locust::protocol
