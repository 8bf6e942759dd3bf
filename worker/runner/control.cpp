#include "runner/control.h"

#include <fmt/core.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <system_error>
#include <utility>
#include <variant>

#include "protocol/codec.h"

namespace locust::runner {

namespace {

constexpr SteadyDuration kUsageInterval = seconds(5);
constexpr SteadyDuration kStatusInterval = seconds(1);
constexpr double kCpuWarningPercent = 90;  // runners.py, CPU_WARNING_THRESHOLD

SteadyTime steady_now() { return std::chrono::steady_clock::now(); }

int open_signals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  const int descriptor = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
  if (descriptor < 0) throw std::system_error(errno, std::generic_category(), "signalfd");
  return descriptor;
}

protocol::SessionSettings complete(ControlSettings settings) {
  settings.session.master = fmt::format("{}:{}", settings.master_host, settings.master_port);
  return std::move(settings.session);
}

}  // namespace

// Does one action of the session.
struct Control::Performer {
  Control& control;

  void operator()(const protocol::Send& action) const {
    control.link_->send(protocol::encode(action.message, control.id_));
  }
  void operator()(const protocol::CollectReport& action) const {
    control.crew_.collect(control.reporter_.begin(steady_now()), action.urgent);
  }
  void operator()(const protocol::ClearStats&) const {
    control.reporter_.clear();
    control.figures_.clear(steady_now());
    control.crew_.clear_stats();
    control.cpu_warning_given_ = false;
  }
  void operator()(const protocol::ConfigureTest& action) const { control.crew_.configure(action); }
  void operator()(const protocol::ChangeUsers& action) const { control.crew_.change_users(action); }
  void operator()(const protocol::RebuildLink& action) const {
    control.link_->close();
    control.reopen_at_ = steady_now() + action.pause;
  }
  void operator()(const protocol::Deliver& action) const { control.crew_.deliver(action); }
  void operator()(const protocol::UpdateUserClass& action) const {
    control.crew_.update_user_class(action);
  }
  void operator()(const protocol::SetWorkerIndex& action) const {
    control.crew_.set_worker_index(action.index);
  }
  void operator()(const protocol::CollectLogs&) const { control.crew_.collect_logs(); }
  void operator()(const protocol::WriteLog& action) const {
    control.crew_.write_log(action.level, "locust.runners", action.text);
  }
  void operator()(const protocol::Exit& action) const { control.exit_code_ = action.code; }
};

Control::Control(ControlSettings settings, Crew& crew)
    : crew_(crew),
      id_(settings.id),
      signals_(settings.take_signals ? open_signals() : -1),
      session_(complete(settings)),
      link_(std::in_place, settings.master_host, settings.master_port, id_),
      reporter_(settings.reporters, settings.report_patience),
      master_(fmt::format("{}:{}", settings.master_host, settings.master_port)),
      status_row_(settings.status_line ? open_status_row() : nullptr) {
  figures_.clear(steady_now());
  link_->open();
}

Control::~Control() {
  if (signals_ >= 0) ::close(signals_);
}

int Control::run() {
  perform(session_.start(steady_now()));
  while (!exit_code_) step();
  status_row_.reset();
  return *exit_code_;
}

void Control::serve_until(const std::function<bool()>& done) {
  while (!done()) {
    const SteadyTime now = steady_now();
    link_->wait({mailbox_.fd()}, now + seconds(1), now);
    link_->take_events(steady_now());
    mailbox_.run();
  }
}

void Control::step() {
  const SteadyTime before = steady_now();
  std::vector<int> descriptors{mailbox_.fd()};
  if (signals_ >= 0) descriptors.push_back(signals_);
  link_->wait(descriptors, next_wake(before), before);
  SteadyTime now = steady_now();
  // The link first: what users have done must not go to a master that has been restarted since.
  handle_link(now);
  handle_signals();
  mailbox_.run();
  pass_reports();
  now = steady_now();
  if (reopen_at_ && now >= *reopen_at_) {
    reopen_at_.reset();
    link_->open();
  }
  if (now >= next_usage_) sample_usage(now);
  if (status_row_ && now >= next_status_) show_status(now);
  watch_at_ = crew_.watch(now);
  if (now >= session_.next_deadline()) perform(session_.on_tick(now));
  pass_reports();
}

void Control::pass_reports() {
  const SteadyTime now = steady_now();
  while (auto gathered = reporter_.next(now)) {
    figures_.add(gathered->report, now);
    perform(session_.on_report(std::move(gathered->report), now, std::move(gathered->extra)));
  }
}

void Control::handle_link(SteadyTime now) {
  for (const LinkEvent& event : link_->take_events(now)) {
    if (std::holds_alternative<LinkUp>(event)) {
      perform(session_.on_link_up(now));
    } else if (std::holds_alternative<LinkDown>(event)) {
      perform(session_.on_link_down(now));
    } else {
      const auto message = protocol::decode(std::get<Frame>(event).bytes);
      if (const auto* error = std::get_if<protocol::DecodeError>(&message)) {
        perform(session_.on_bad_frame(error->reason, now));
      } else {
        const auto& known = std::get<protocol::FromMaster>(message);
        perform(session_.on_message(known, now));
        crew_.heard(known);
      }
    }
  }
}

SteadyTime Control::next_wake(SteadyTime now) const {
  SteadyTime next = std::min({session_.next_deadline(), next_usage_, now + seconds(1)});
  if (status_row_) next = std::min(next, next_status_);
  if (const auto deadline = reporter_.deadline()) next = std::min(next, *deadline);
  if (reopen_at_) next = std::min(next, *reopen_at_);
  if (watch_at_) next = std::min(next, *watch_at_);
  return next;
}

void Control::handle_signals() {
  if (signals_ < 0) return;
  signalfd_siginfo info{};
  while (::read(signals_, &info, sizeof(info)) == sizeof(info)) {
    if (++signals_seen_ > 1) {
      crew_.write_log(log::Level::warning, "locust.main", "Got a second signal, exiting at once");
      exit_code_ = 1;
      return;
    }
    if (info.ssi_signo == SIGTERM) {
      crew_.write_log(log::Level::info, "locust.main", "Got SIGTERM signal");
    }
    // A stock worker that waits for its master has no handler for SIGTERM yet: it dies of it.
    perform(session_.quit(steady_now(), info.ssi_signo == SIGTERM ? 128 + SIGTERM : 1));
  }
}

void Control::perform(protocol::Actions actions) {
  for (const protocol::Action& action : actions) std::visit(Performer{*this}, action);
}

void Control::answer(std::uint64_t ticket, const stats::Report& report, Map extra) {
  reporter_.answer(ticket, report, std::move(extra));
}

void Control::send_custom(protocol::CustomToMaster message) {
  if (exit_code_) {
    if (link_) link_->send(protocol::encode(std::move(message), id_));
  } else {
    perform(session_.on_custom_message(std::move(message), steady_now()));
  }
}

void Control::sample_usage(SteadyTime now) {
  next_usage_ = now + kUsageInterval;
  const double cpu = usage_.busiest_thread_percent(now);
  cpu_percent_.store(cpu, std::memory_order_relaxed);
  session_.set_usage(cpu, ProcessUsage::memory_bytes());
  if (cpu > kCpuWarningPercent && !cpu_warning_given_) {
    cpu_warning_given_ = true;
    crew_.warn_of_cpu();
  }
}

void Control::show_status(SteadyTime now) {
  next_status_ = now + kStatusInterval;
  std::int64_t users = 0;
  for (const auto& [name, count] : session_.user_counts()) users += count;
  status_row_->show(
      figures_.text(users, fmt::format("master {} {}", master_, session_.link_name())));
}

}  // namespace locust::runner
