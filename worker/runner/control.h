// The control loop of a worker: link, codec, session, heartbeats and reports. It does what the
// session says, passes on what arrives, and never waits for user code. Who the users are and where
// they live is its crew's affair: C++ users on shards (runner/worker), greenlets beneath Python.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/log.h"
#include "base/value.h"
#include "protocol/session.h"
#include "runner/mailbox.h"
#include "runner/master_link.h"
#include "runner/process_usage.h"
#include "runner/reporter.h"
#include "runner/status_line.h"

namespace locust::runner {

// What a control loop has beneath it. All of it is called on the control thread, and none of it may
// wait: what takes its time is answered by posting to the Control.
class Crew {
 public:
  virtual ~Crew() = default;

  // To be answered with Control::answer(ticket, …), by as many as ControlSettings says.
  virtual void collect(std::uint64_t ticket, bool urgent) = 0;
  virtual void clear_stats() = 0;
  virtual void configure(const protocol::ConfigureTest& test) = 0;
  // To be answered with Session::on_users_in_place(), after set_user_counts().
  virtual void change_users(const protocol::ChangeUsers& change) = 0;
  virtual void deliver(const protocol::Deliver& message) = 0;
  virtual void update_user_class(const protocol::UpdateUserClass& message) = 0;
  virtual void set_worker_index(std::int64_t index) = 0;
  // To be answered with Session::on_logs(), or never.
  virtual void collect_logs() = 0;
  virtual void write_log(log::Level level, std::string_view logger, std::string text) = 0;
  // CPU time of the busiest thread has been more than 90 % of a core.
  virtual void warn_of_cpu() = 0;
  // A message that the session has just dealt with.
  virtual void heard(const protocol::FromMaster&) {}
  // In every turn of the loop: when it wants to be called again; nothing if that need not be soon.
  virtual std::optional<SteadyTime> watch(SteadyTime now) = 0;
};

struct ControlSettings {
  std::string id;  // of this worker, unique
  std::string master_host = "127.0.0.1";
  int master_port = 5557;
  bool take_signals = false;                           // SIGTERM and SIGINT, which must be blocked
  std::size_t reporters = 1;                           // answers that make a report
  SteadyDuration report_patience = milliseconds(200);  // for them
  bool status_line = false;                            // where stderr is a terminal
  protocol::SessionSettings session;                   // master is filled in
};

class Control {
 public:
  // Begins to connect. Throws std::invalid_argument where the master's address is none.
  Control(ControlSettings settings, Crew& crew);
  ~Control();
  Control(const Control&) = delete;
  Control& operator=(const Control&) = delete;

  // Any thread: `function` is run by the loop.
  void post(std::function<void()> function) { mailbox_.post(std::move(function)); }

  // ---- the control thread ----

  // Until the worker leaves: its exit code.
  int run();
  // After that: runs what is posted until `done` says so.
  void serve_until(const std::function<bool()>& done);
  // Closes the connection when what has been sent is gone, for at most 2 s.
  void close_link() { link_.reset(); }

  protocol::Session& session() { return session_; }
  void perform(protocol::Actions actions);
  void answer(std::uint64_t ticket, const stats::Report& report, Map extra = {});
  // To the listeners of the master; also when the session has left already.
  void send_custom(protocol::CustomToMaster message);

  // Any thread.
  double cpu_percent() const { return cpu_percent_.load(std::memory_order_relaxed); }

 private:
  struct Performer;

  void step();
  void handle_link(SteadyTime now);
  void handle_signals();
  void pass_reports();
  void sample_usage(SteadyTime now);
  void show_status(SteadyTime now);
  SteadyTime next_wake(SteadyTime now) const;

  Crew& crew_;
  const std::string id_;
  int signals_;  // a descriptor, or -1
  Mailbox mailbox_;
  protocol::Session session_;
  std::optional<MasterLink> link_;
  Reporter reporter_;
  ProcessUsage usage_;
  std::atomic<double> cpu_percent_{0};
  const std::string master_;
  std::unique_ptr<StatusRow> status_row_;  // may be null
  StatusFigures figures_;
  SteadyTime next_status_{};

  std::optional<SteadyTime> reopen_at_;
  std::optional<SteadyTime> watch_at_;
  SteadyTime next_usage_{};
  bool cpu_warning_given_ = false;
  std::optional<int> exit_code_;
  int signals_seen_ = 0;
};

}  // namespace locust::runner
