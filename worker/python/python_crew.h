// The users of a Python process, as the control loop sees them: greenlets that Locust's own
// WorkerRunner starts and stops. What the session wants becomes messages for it. Belongs to the
// control thread, and has neither thread nor socket.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "python/inbox.h"
#include "python/process_recorder.h"
#include "runner/control.h"

namespace locust::python {

class PythonCrew : public runner::Crew {
 public:
  // How it answers the control loop.
  struct Answers {
    std::function<void(std::uint64_t ticket, const stats::Report& report, Map extra)> report;
    std::function<void(std::uint64_t job)> in_place;
    std::function<SteadyTime()> now;
    std::function<WallTime()> wall_now;
  };

  PythonCrew(std::shared_ptr<ProcessRecorder> recorder, Inbox& inbox, Answers answers);

  // ---- what Python says ----

  // A spawn message has been carried out.
  void users_spawned(std::uint64_t job);
  // The users have been stopped. `extra`: what the listeners of report_to_master add to the report
  // that follows.
  void users_stopped(Map extra);
  // What they add to this one.
  void answer_report(std::uint64_t ticket, Map extra);
  // Whether anybody but Locust itself listens to report_to_master.
  void set_visits(bool visits) { visits_ = visits; }
  // Python ends, without being told to.
  void leaving() { leaving_ = true; }

  // ---- what the control loop wants ----

  void collect(std::uint64_t ticket, bool urgent) override;
  void clear_stats() override;
  void configure(const protocol::ConfigureTest&) override {}  // a spawn message has it all
  void change_users(const protocol::ChangeUsers& change) override;
  void deliver(const protocol::Deliver& message) override;
  void update_user_class(const protocol::UpdateUserClass& message) override;
  void set_worker_index(std::int64_t index) override;
  void collect_logs() override {}  // Locust's logs_reporter sends them
  void write_log(log::Level level, std::string_view logger, std::string text) override;
  void warn_of_cpu() override {}  // Locust's monitor_cpu_and_memory does
  void heard(const protocol::FromMaster& message) override;
  // Lets reports go that Python has not answered in time.
  std::optional<SteadyTime> watch(SteadyTime now) override;

 private:
  struct Visit {
    stats::Report report;
    SteadyTime deadline;
  };

  void tell(std::string type, Value data, std::uint64_t job = 0);
  void tell_spawn(const protocol::ChangeUsers& change);

  const std::shared_ptr<ProcessRecorder> recorder_;
  Inbox& inbox_;
  const Answers answers_;

  bool visits_ = false;
  std::map<std::uint64_t, Visit> visiting_;  // reports that are with Python, by ticket
  Map final_extra_;
  double last_timestamp_ = 0;  // of a spawn that Python was given

  std::uint64_t job_ = 0;
  protocol::ChangeUsers::Cause cause_ = protocol::ChangeUsers::Cause::stop;
  bool testing_ = false;   // a spawn has been passed on, and no stop since
  bool stopping_ = false;  // Python has been told to stop, and has not said that it has
  bool leaving_ = false;
};

}  // namespace locust::python
