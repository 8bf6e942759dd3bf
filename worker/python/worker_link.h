// A Python worker's link to its master: the control loop on a thread of its own, so that heartbeats
// and reports leave on time whatever Python does. Everything Python says is posted to that thread;
// what it is told waits in an inbox.
#pragma once

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "python/inbox.h"
#include "python/process_recorder.h"
#include "python/python_crew.h"
#include "python/repeated_signal.h"
#include "runner/control.h"

namespace locust::python {

struct LinkSettings {
  std::string id;
  std::string master_host;
  int master_port = 5557;
  log::Level log_level = log::Level::info;  // for lines that Python is too busy to write
  std::optional<std::string> logfile;
  bool status_line = false;           // where stderr is a terminal
  protocol::SessionSettings session;  // stock_runner and master are filled in
};

class WorkerLink {
 public:
  // Starts the thread, which blocks all signals. Throws std::invalid_argument where the master's
  // address is none.
  WorkerLink(LinkSettings settings, std::shared_ptr<ProcessRecorder> recorder);
  // close(), and waits for the thread.
  ~WorkerLink();
  WorkerLink(const WorkerLink&) = delete;
  WorkerLink& operator=(const WorkerLink&) = delete;

  // ---- the Python thread; nothing of this waits ----

  int fd() const { return inbox_.fd(); }
  std::vector<PythonItem> take() { return inbox_.take(); }

  void users_spawned(std::uint64_t job, protocol::UserCounts counts);
  void users_stopped(protocol::UserCounts counts, Map extra);
  void set_user_counts(protocol::UserCounts counts);
  void user_error(protocol::Exception error);
  void send(protocol::CustomToMaster message);
  void send_logs(std::vector<std::string> lines);
  void answer_report(std::uint64_t ticket, Map extra);
  // Once a second: what locustfiles may have changed, and that Python is alive.
  struct Tuning {
    protocol::Intervals intervals;
    std::vector<std::string> user_classes;
    bool visits = false;  // see PythonCrew::set_visits()
  };
  void tune(Tuning tuning);
  // Python ends: users_stopped() follows when its users have been stopped.
  void leave();
  double cpu_percent() const { return control_.cpu_percent(); }

  // Ends the thread: what has been recorded and sent still leaves, for about 2 s at most. False
  // where that has not been done after `patience`.
  bool close(SteadyDuration patience);

  // ---- a thread that waits to look what keeps the Python thread busy ----

  // True where somebody wants to know; false at the end.
  bool wait_for_question();
  void set_blocker(std::string blocker);

 private:
  class Crew;

  void work();
  void look_after_python(SteadyTime now);
  SteadyTime alive() const { return SteadyTime(SteadyDuration(alive_.load())); }
  void write_natively(const PythonLog& line);

  const LinkSettings settings_;
  Inbox inbox_;
  std::unique_ptr<Crew> crew_;
  runner::Control control_;
  bool logs_natively_ = false;

  Impatience impatience_;
  bool forced_ = false;
  std::atomic<SteadyTime::rep> alive_;
  bool was_blocked_ = false;
  std::atomic<bool> closing_{false};

  std::mutex mutex_;
  std::condition_variable changed_;
  bool question_ = false;
  bool ended_ = false;   // no more questions
  bool worked_ = false;  // the thread has done everything

  std::thread thread_;
};

}  // namespace locust::python
