#include "runner/worker.h"

#include <algorithm>
#include <numeric>
#include <thread>
#include <utility>

#include "base/log.h"

namespace locust::runner {

namespace {

constexpr SteadyDuration kWatchInterval = milliseconds(100);
constexpr SteadyDuration kBlockedIsLong = milliseconds(100);
constexpr SteadyDuration kBlockedWarningInterval = seconds(10);

SteadyTime steady_now() { return std::chrono::steady_clock::now(); }

ControlSettings complete(WorkerSettings settings, const UserClasses& classes) {
  ControlSettings control;
  control.id = make_worker_id();
  control.master_host = std::move(settings.master_host);
  control.master_port = settings.master_port;
  control.take_signals = true;
  control.status_line = settings.status_line;
  control.reporters = static_cast<std::size_t>(settings.threads);
  control.session = std::move(settings.session);
  for (const UserClass& user_class : classes.list()) {
    control.session.user_classes.push_back(user_class.name());
  }
  return control;
}

}  // namespace

Worker::Worker(const UserClasses& classes, WorkerSettings settings)
    : classes_(classes),
      control_(complete(settings, classes), *this),
      spawner_(static_cast<std::size_t>(settings.threads), classes_.list().size()),
      news_(static_cast<std::size_t>(settings.threads)),
      warned_(static_cast<std::size_t>(settings.threads)) {
  const auto tls = std::make_shared<http::TlsContexts>();
  for (int number = 0; number < settings.threads; ++number) {
    shards_.push_back(
        std::make_unique<Shard>(number, classes_, hooks(static_cast<std::size_t>(number)), tls));
  }
}

Worker::~Worker() { shards_.clear(); }

ShardHooks Worker::hooks(std::size_t shard) {
  ShardHooks hooks;
  hooks.on_news = [this, shard](ShardNews news) {
    control_.post([this, shard, news = std::move(news)] { on_news(shard, news); });
  };
  hooks.on_user_errors = [this](std::vector<std::pair<UserError, std::uint64_t>> errors) {
    control_.post([this, errors = std::move(errors)] {
      for (const auto& [error, times] : errors) {
        control_.perform(
            control_.session().on_user_error({error.msg, error.traceback}, times, steady_now()));
      }
    });
  };
  hooks.send_message = [this](std::string type, Value data) {
    control_.post([this, type = std::move(type), data = std::move(data)] {
      control_.send_custom({type, data});
    });
  };
  return hooks;
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

// ---- what the control loop wants done ----

void Worker::collect(std::uint64_t ticket, bool) {
  for (const auto& shard : shards_) {
    shard->take([this, ticket](stats::Report report) {
      control_.post(
          [this, ticket, report = std::move(report)] { control_.answer(ticket, report); });
    });
  }
}

void Worker::clear_stats() {
  for (const auto& shard : shards_) shard->clear_stats();
}

void Worker::configure(const protocol::ConfigureTest& test) {
  for (const auto& shard : shards_) shard->configure(test.host, test.parsed_options);
}

void Worker::change_users(const protocol::ChangeUsers& change) {
  ClassCounts wanted;
  for (const UserClass& user_class : classes_.list()) {
    const auto found = change.counts.find(user_class.name());
    wanted.push_back(found == change.counts.end() ? -1 : found->second);
  }
  job_ = change.job;
  const std::vector<ClassCounts>& targets = spawner_.deal(wanted);
  for (std::size_t i = 0; i < targets.size(); ++i) {
    shards_[i]->set_users(change.job, targets[i], change.stop_timeout);
  }
}

void Worker::deliver(const protocol::Deliver& message) {
  if (classes_.listeners().contains(message.type)) {
    shards_.front()->deliver(message.type, message.data);
  } else {
    log::warning("locust.runners", "Unknown message type received: {}", message.type);
  }
}

void Worker::update_user_class(const protocol::UpdateUserClass& message) {
  for (const auto& shard : shards_) {
    shard->update_user_class(message.user_class_name, message.attributes);
  }
}

void Worker::set_worker_index(std::int64_t index) {
  for (const auto& shard : shards_) shard->set_worker_index(index);
}

void Worker::collect_logs() {
  control_.perform(control_.session().on_logs(log::recent(), steady_now()));
}

void Worker::write_log(log::Level level, std::string_view logger, std::string text) {
  log::write(level, logger, text);
}

void Worker::warn_of_cpu() {
  log::warning("locust.runners",
               "CPU usage of a thread above 90%! This may constrain your throughput and may even "
               "give inconsistent response time measurements!");
}

std::optional<SteadyTime> Worker::watch(SteadyTime now) {
  for (std::size_t i = 0; i < shards_.size(); ++i) {
    const Shard::Blocked blocked = shards_[i]->blocked(now);
    if (blocked.duration < kBlockedIsLong || now - warned_[i] < kBlockedWarningInterval) continue;
    if (blocked.user_class.empty()) continue;  // no user has run: the machine is slow to start it
    warned_[i] = now;
    log::warning("locust.runners",
                 "A task of {} has blocked its thread for {:.0f} ms by now: all other users there "
                 "wait for it, and response times are wrong. Use co_await instead of waiting.",
                 blocked.user_class, to_milliseconds(blocked.duration));
  }
  const bool users = std::any_of(news_.begin(), news_.end(), [](const ShardNews& news) {
    return std::accumulate(news.running.begin(), news.running.end(), std::int64_t{0}) > 0;
  });
  return users ? std::optional(now + kWatchInterval) : std::nullopt;
}

// ---- what the shards tell ----

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
  control_.session().set_user_counts(std::move(counts));
  const bool in_place = std::all_of(news_.begin(), news_.end(), [&](const ShardNews& one) {
    return one.job == job_ && one.in_place;
  });
  if (in_place) {
    control_.perform(control_.session().on_users_in_place(job_, steady_now()));
  }
}

}  // namespace locust::runner
