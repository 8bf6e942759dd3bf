#include "python/worker_link.h"

#include <pthread.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <utility>

namespace locust::python {

namespace {

// Python shows itself once a second; later than this it is blocked.
constexpr SteadyDuration kBlocked = seconds(2);
constexpr SteadyDuration kLinkPatience = seconds(3);
constexpr SteadyDuration kImpatientInterval = milliseconds(200);

SteadyTime steady_now() { return std::chrono::steady_clock::now(); }

runner::ControlSettings complete(const LinkSettings& settings) {
  runner::ControlSettings control;
  control.id = settings.id;
  control.master_host = settings.master_host;
  control.master_port = settings.master_port;
  // The crew keeps a deadline of its own for reports that visit Python.
  control.report_patience = seconds(5);
  control.status_line = settings.status_line;
  control.session = settings.session;
  control.session.stock_runner = true;
  return control;
}

}  // namespace

// Sees to Python itself in every turn of the loop.
class WorkerLink::Crew final : public PythonCrew {
 public:
  Crew(WorkerLink& link, std::shared_ptr<ProcessRecorder> recorder, Answers answers)
      : PythonCrew(std::move(recorder), link.inbox_, std::move(answers)), link_(link) {}

  std::optional<SteadyTime> watch(SteadyTime now) override {
    link_.look_after_python(now);
    const auto next = PythonCrew::watch(now);
    if (!link_.impatience_.pending()) return next;
    return std::min(next.value_or(SteadyTime::max()), now + kImpatientInterval);
  }

 private:
  WorkerLink& link_;
};

WorkerLink::WorkerLink(LinkSettings settings, std::shared_ptr<ProcessRecorder> recorder)
    : settings_(std::move(settings)),
      crew_(std::make_unique<Crew>(
          *this, std::move(recorder),
          PythonCrew::Answers{[this](std::uint64_t ticket, const stats::Report& report, Map extra) {
                                control_.answer(ticket, report, std::move(extra));
                              },
                              [this](std::uint64_t job) {
                                control_.perform(
                                    control_.session().on_users_in_place(job, steady_now()));
                              },
                              steady_now, std::chrono::system_clock::now})),
      control_(complete(settings_), *crew_),
      alive_(steady_now().time_since_epoch().count()) {
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  thread_ = std::thread([this] { work(); });
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  log::set_receiver([this, process = ::getpid()](log::Level level, std::string_view logger,
                                                 std::string_view text) {
    if (::getpid() != process) return;  // a forked child's lines are nobody's, as its numbers
    inbox_.put(PythonLog{level, std::string(logger), std::string(text)}, steady_now());
  });
}

WorkerLink::~WorkerLink() {
  log::set_receiver(nullptr);
  close(kLinkPatience);
  thread_.join();
}

// ---- the control thread ----

void WorkerLink::work() {
  control_.run();
  control_.serve_until([this] {
    look_after_python(steady_now());
    return forced_ || closing_.load();
  });
  control_.close_link();
  for (const PythonLog& line : inbox_.withdraw_logs(steady_now())) {
    if (forced_) write_natively(line);
  }
  if (logs_natively_) log::shutdown();
  if (forced_) std::_Exit(1);
  const std::lock_guard lock(mutex_);
  worked_ = true;
  changed_.notify_all();
}

void WorkerLink::look_after_python(SteadyTime now) {
  for (const PythonLog& line : inbox_.withdraw_logs(now - kBlocked)) write_natively(line);
  if (now - alive() > kBlocked) {
    guard_signals();  // Python sets no handlers now, and may have done so just before
    if (!std::exchange(was_blocked_, true)) {
      const std::lock_guard lock(mutex_);
      question_ = true;
      changed_.notify_all();
    }
  } else if (std::exchange(was_blocked_, false)) {
    control_.session().set_blocker({});
  }
  if (!forced_ && impatience_.must_end(guarded_signals(), alive(), now)) {
    forced_ = true;
    write_natively({log::Level::warning, "locust.main",
                    "Got a second signal while Python is stuck, exiting at once"});
    crew_->leaving();
    control_.perform(control_.session().quit(now));
    crew_->users_stopped({});
  }
}

// Python is too busy to.
void WorkerLink::write_natively(const PythonLog& line) {
  if (!std::exchange(logs_natively_, true)) {
    try {
      log::setup(settings_.log_level, settings_.logfile);
    } catch (const std::exception&) {
      log::setup(settings_.log_level, std::nullopt);
    }
  }
  log::write_here(line.level, line.logger, line.text);
}

// ---- the Python thread ----

void WorkerLink::users_spawned(std::uint64_t job, protocol::UserCounts counts) {
  control_.post([this, job, counts = std::move(counts)] {
    control_.session().set_user_counts(counts);
    crew_->users_spawned(job);
  });
}

void WorkerLink::users_stopped(protocol::UserCounts counts, Map extra) {
  control_.post([this, counts = std::move(counts), extra = std::move(extra)] {
    control_.session().set_user_counts(counts);
    crew_->users_stopped(extra);
  });
}

void WorkerLink::set_user_counts(protocol::UserCounts counts) {
  control_.post([this, counts = std::move(counts)] { control_.session().set_user_counts(counts); });
}

void WorkerLink::user_error(protocol::Exception error) {
  control_.post([this, error = std::move(error)] {
    control_.perform(control_.session().on_user_error(error, 1, steady_now()));
  });
}

void WorkerLink::send(protocol::CustomToMaster message) {
  control_.post([this, message = std::move(message)] { control_.send_custom(message); });
}

void WorkerLink::send_logs(std::vector<std::string> lines) {
  control_.post([this, lines = std::move(lines)] {
    control_.perform(control_.session().send_logs(lines, steady_now()));
  });
}

void WorkerLink::answer_report(std::uint64_t ticket, Map extra) {
  control_.post([this, ticket, extra = std::move(extra)] { crew_->answer_report(ticket, extra); });
}

void WorkerLink::tune(Tuning tuning) {
  alive_.store(steady_now().time_since_epoch().count());
  control_.post([this, tuning = std::move(tuning)] {
    control_.session().set_intervals(tuning.intervals, steady_now());
    control_.session().set_user_classes(tuning.user_classes);
    crew_->set_visits(tuning.visits);
  });
}

void WorkerLink::leave() {
  control_.post([this] {
    crew_->leaving();
    control_.perform(control_.session().quit(steady_now()));
  });
}

bool WorkerLink::close(SteadyDuration patience) {
  if (!closing_.exchange(true)) {
    control_.post([this] {
      crew_->leaving();
      control_.perform(control_.session().quit(steady_now()));
      crew_->users_stopped({});
    });
  }
  std::unique_lock lock(mutex_);
  ended_ = true;
  changed_.notify_all();
  return changed_.wait_for(lock, patience, [this] { return worked_; });
}

// ---- the thread that looks ----

bool WorkerLink::wait_for_question() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return question_ || ended_; });
  question_ = false;
  return !ended_;
}

void WorkerLink::set_blocker(std::string blocker) {
  control_.post([this, blocker = std::move(blocker)] {
    if (was_blocked_) control_.session().set_blocker(blocker);
  });
}

}  // namespace locust::python
