#include "runner/worker.h"

#include <fmt/core.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <numeric>
#include <system_error>
#include <thread>
#include <utility>

#include "base/log.h"
#include "protocol/codec.h"

namespace locust::runner {

namespace {

constexpr SteadyDuration kUsageInterval = seconds(5);
constexpr SteadyDuration kWatchInterval = milliseconds(100);
constexpr SteadyDuration kBlockedIsLong = milliseconds(100);
constexpr SteadyDuration kBlockedWarningInterval = seconds(10);
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

protocol::SessionSettings complete(protocol::SessionSettings session, const UserClasses& classes,
                                   const WorkerSettings& settings) {
  for (const UserClass& user_class : classes.list()) {
    session.user_classes.push_back(user_class.name());
  }
  session.master = fmt::format("{}:{}", settings.master_host, settings.master_port);
  return session;
}

}  // namespace

// Does one action of the session.
struct Worker::Performer {
  Worker& worker;

  void operator()(const protocol::Send& action) const {
    worker.link_->send(protocol::encode(action.message, worker.id_));
  }
  void operator()(const protocol::CollectReport&) const {
    const std::uint64_t ticket = worker.reporter_.begin(steady_now());
    for (const auto& shard : worker.shards_) {
      shard->take([&target = worker, ticket](stats::Report report) {
        target.mailbox_.post([&target, ticket, report = std::move(report)] {
          target.reporter_.answer(ticket, report);
        });
      });
    }
  }
  void operator()(const protocol::ClearStats&) const {
    worker.reporter_.clear();
    for (const auto& shard : worker.shards_) shard->clear_stats();
    worker.cpu_warning_given_ = false;
  }
  void operator()(const protocol::ConfigureTest& action) const {
    for (const auto& shard : worker.shards_) shard->configure(action.host, action.parsed_options);
  }
  void operator()(const protocol::ChangeUsers& action) const {
    ClassCounts wanted;
    for (const UserClass& user_class : worker.classes_.list()) {
      const auto found = action.counts.find(user_class.name());
      wanted.push_back(found == action.counts.end() ? -1 : found->second);
    }
    worker.job_ = action.job;
    const std::vector<ClassCounts>& targets = worker.spawner_.deal(wanted);
    for (std::size_t i = 0; i < targets.size(); ++i) {
      worker.shards_[i]->set_users(action.job, targets[i], action.stop_timeout);
    }
  }
  void operator()(const protocol::RebuildLink& action) const {
    worker.link_->close();
    worker.reopen_at_ = steady_now() + action.pause;
  }
  void operator()(const protocol::Deliver& action) const {
    if (worker.classes_.listeners().contains(action.type)) {
      worker.shards_.front()->deliver(action.type, action.data);
    } else {
      log::warning("locust.runners", "Unknown message type received: {}", action.type);
    }
  }
  void operator()(const protocol::UpdateUserClass& action) const {
    for (const auto& shard : worker.shards_) {
      shard->update_user_class(action.user_class_name, action.attributes);
    }
  }
  void operator()(const protocol::SetWorkerIndex& action) const {
    for (const auto& shard : worker.shards_) shard->set_worker_index(action.index);
  }
  void operator()(const protocol::CollectLogs&) const {
    worker.perform(worker.session_.on_logs(log::recent(), steady_now()));
  }
  void operator()(const protocol::WriteLog& action) const {
    log::write(action.level, "locust.runners", action.text);
  }
  void operator()(const protocol::Exit& action) const { worker.exit_code_ = action.code; }
};

Worker::Worker(const UserClasses& classes, WorkerSettings settings)
    : classes_(classes),
      settings_(std::move(settings)),
      id_(make_worker_id()),
      signals_(open_signals()),
      session_(complete(settings_.session, classes_, settings_)),
      link_(std::in_place, settings_.master_host, settings_.master_port, id_),
      spawner_(static_cast<std::size_t>(settings_.threads), classes_.list().size()),
      reporter_(static_cast<std::size_t>(settings_.threads)),
      news_(static_cast<std::size_t>(settings_.threads)),
      warned_(static_cast<std::size_t>(settings_.threads)) {
  link_->open();
  const auto tls = std::make_shared<http::TlsContexts>();
  for (int number = 0; number < settings_.threads; ++number) {
    const auto shard = static_cast<std::size_t>(number);
    ShardHooks hooks;
    hooks.on_news = [this, shard](ShardNews news) {
      mailbox_.post([this, shard, news = std::move(news)] { on_news(shard, news); });
    };
    hooks.on_user_errors = [this](std::vector<std::pair<UserError, std::uint64_t>> errors) {
      mailbox_.post([this, errors = std::move(errors)] {
        for (const auto& [error, times] : errors) {
          perform(session_.on_user_error({error.msg, error.traceback}, times, steady_now()));
        }
      });
    };
    hooks.send_message = [this](std::string type, Value data) {
      mailbox_.post([this, type = std::move(type), data = std::move(data)] {
        perform(session_.on_custom_message({type, data}, steady_now()));
      });
    };
    shards_.push_back(std::make_unique<Shard>(number, classes_, std::move(hooks), tls));
  }
}

Worker::~Worker() {
  shards_.clear();
  ::close(signals_);
}

bool Worker::stop_shards(SteadyDuration patience) {
  for (const auto& shard : shards_) shard->stop();
  const SteadyTime until = steady_now() + patience;
  const auto all_stopped = [this] {
    return std::all_of(shards_.begin(), shards_.end(),
                       [](const auto& shard) { return shard->stopped(); });
  };
  while (!all_stopped() && steady_now() < until) std::this_thread::sleep_for(milliseconds(1));
  return all_stopped();
}

int Worker::run() {
  perform(session_.start(steady_now()));
  while (!exit_code_) step();
  return *exit_code_;
}

void Worker::step() {
  const SteadyTime before = steady_now();
  link_->wait({mailbox_.fd(), signals_}, next_wake(before), before);
  SteadyTime now = steady_now();
  // The link first: what users have done must not go to a master that has been restarted since.
  handle_link(now);
  handle_signals();
  mailbox_.run();
  while (auto report = reporter_.next(now)) {
    perform(session_.on_report(std::move(*report), now));
  }
  now = steady_now();
  if (reopen_at_ && now >= *reopen_at_) {
    reopen_at_.reset();
    link_->open();
  }
  if (now >= next_usage_) sample_usage(now);
  watch_shards(now);
  if (now >= session_.next_deadline()) perform(session_.on_tick(now));
}

void Worker::handle_link(SteadyTime now) {
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
        perform(session_.on_message(std::get<protocol::FromMaster>(message), now));
      }
    }
  }
}

SteadyTime Worker::next_wake(SteadyTime now) const {
  SteadyTime next = std::min({session_.next_deadline(), next_usage_, now + seconds(1)});
  if (const auto deadline = reporter_.deadline()) next = std::min(next, *deadline);
  if (reopen_at_) next = std::min(next, *reopen_at_);
  const bool users = std::any_of(news_.begin(), news_.end(), [](const ShardNews& news) {
    return std::accumulate(news.running.begin(), news.running.end(), std::int64_t{0}) > 0;
  });
  return users ? std::min(next, now + kWatchInterval) : next;
}

void Worker::handle_signals() {
  signalfd_siginfo info{};
  while (::read(signals_, &info, sizeof(info)) == sizeof(info)) {
    if (++signals_seen_ > 1) {
      log::warning("locust.main", "Got a second signal, exiting at once");
      exit_code_ = 1;
      return;
    }
    if (info.ssi_signo == SIGTERM) log::info("locust.main", "Got SIGTERM signal");
    perform(session_.quit(steady_now()));
  }
}

void Worker::perform(protocol::Actions actions) {
  for (const protocol::Action& action : actions) std::visit(Performer{*this}, action);
}

void Worker::on_news(std::size_t shard, const ShardNews& news) {
  news_[shard] = news;
  if (news.job == job_) spawner_.correct(shard, news.expected);
  protocol::UserCounts counts;
  for (std::size_t i = 0; i < classes_.list().size(); ++i) {
    std::int64_t& count = counts[classes_.list()[i].name()];
    for (const ShardNews& one : news_) {
      if (!one.running.empty()) count += one.running[i];
    }
  }
  session_.set_user_counts(std::move(counts));
  const bool in_place = std::all_of(news_.begin(), news_.end(), [&](const ShardNews& one) {
    return one.job == job_ && one.in_place;
  });
  if (in_place) perform(session_.on_users_in_place(job_, steady_now()));
}

void Worker::sample_usage(SteadyTime now) {
  next_usage_ = now + kUsageInterval;
  const double cpu = usage_.busiest_thread_percent(now);
  session_.set_usage(cpu, ProcessUsage::memory_bytes());
  if (cpu > kCpuWarningPercent && !cpu_warning_given_) {
    cpu_warning_given_ = true;
    log::warning("locust.runners",
                 "CPU usage of a thread above 90%! This may constrain your throughput and may even "
                 "give inconsistent response time measurements!");
  }
}

void Worker::watch_shards(SteadyTime now) {
  for (std::size_t i = 0; i < shards_.size(); ++i) {
    const Shard::Blocked blocked = shards_[i]->blocked(now);
    if (blocked.duration < kBlockedIsLong || now - warned_[i] < kBlockedWarningInterval) continue;
    warned_[i] = now;
    log::warning("locust.runners",
                 "A task of {} has blocked its thread for {:.0f} ms by now: all other users there "
                 "wait for it, and response times are wrong. Use co_await instead of waiting.",
                 blocked.user_class.empty() ? "a user class" : blocked.user_class,
                 to_milliseconds(blocked.duration));
  }
}

}  // namespace locust::runner
