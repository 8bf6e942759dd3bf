#include "cli/local_run.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cmath>
#include <csignal>
#include <cstdio>
#include <memory>
#include <system_error>
#include <utility>
#include <vector>

#include "base/cpus.h"
#include "base/log.h"
#include "cli/console_stats.h"
#include "http/url.h"
#include "runner/mailbox.h"
#include "runner/reporter.h"
#include "runner/shard.h"
#include "runner/spawner.h"
#include "user/user.h"

namespace locust::cli {

namespace {

constexpr SteadyDuration kPrintInterval = seconds(2);  // stats.py, CONSOLE_STATS_INTERVAL_SEC
constexpr SteadyDuration kRampInterval = milliseconds(100);
constexpr SteadyDuration kEndPatience = seconds(2);  // beyond --stop-timeout
constexpr const char* kLogger = "locust.main";

SteadyTime steady_now() { return std::chrono::steady_clock::now(); }

// Its class's host is the whole URL; its path is the name in the statistics.
class UrlUser final : public HttpUser {
 public:
  Task<> get_url() { co_await client.send(request_); }

 private:
  const Request request_ = get("").named(http::parse_url(user_class_.host()).value().target);
};

class LocalRun {
 public:
  explicit LocalRun(const Options& options)
      : options_(options),
        classes_{user_class<UrlUser>("UrlUser").host(options.url).task<&UrlUser::get_url>()},
        threads_(static_cast<std::size_t>(
            std::min(options.threads > 0 ? options.threads : usable_cpus(), options.users))),
        spawner_(threads_, 1),
        reporter_(threads_),
        news_(threads_) {
    sigset_t set;
    sigemptyset(&set);
    for (const int number : {SIGTERM, SIGINT}) sigaddset(&set, number);
    signals_ = ::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (signals_ < 0) throw std::system_error(errno, std::generic_category(), "signalfd");
    for (std::size_t i = 0; i < threads_; ++i) {
      shards_.push_back(
          std::make_unique<runner::Shard>(static_cast<int>(i), classes_, hooks(i), tls_));
    }
  }
  ~LocalRun() {
    shards_.clear();
    ::close(signals_);
  }
  LocalRun(const LocalRun&) = delete;
  LocalRun& operator=(const LocalRun&) = delete;

  int run() {
    start_ = steady_now();
    for (const auto& shard : shards_) shard->clear_stats();
    const SteadyTime end =
        options_.run_time > 0 ? start_ + duration_of(options_.run_time) : SteadyTime::max();
    SteadyTime next_print = start_ + kPrintInterval;
    while (signals_seen_ == 0 && steady_now() < end) {
      ramp();
      turn(std::min({end, next_print, steady_now() + kRampInterval}));
      if (steady_now() < next_print) continue;
      next_print += kPrintInterval;
      collect();
      if (!options_.only_summary) print(stats_table(report_, true, stats_name_width()));
    }
    log::info(kLogger, "{}, shutting down",
              signals_seen_ > 0 ? "Interrupted" : "--run-time limit reached");
    stop_users();
    collect();
    return finish();
  }

 private:
  runner::ShardHooks hooks(std::size_t shard) {
    runner::ShardHooks hooks;
    hooks.on_news = [this, shard](runner::ShardNews news) {
      mailbox_.post([this, shard, news = std::move(news)] { news_[shard] = news; });
    };
    hooks.on_user_errors = [this](std::vector<std::pair<UserError, std::uint64_t>> errors) {
      mailbox_.post([this, errors = std::move(errors)] {
        exceptions_ = true;
        for (const auto& [error, times] : errors) {
          log::error(kLogger, "{} ({} times)", error.traceback, times);
        }
      });
    };
    hooks.send_message = [](const std::string&, const Value&) {};
    return hooks;
  }

  // One wait for news, at most until then.
  void turn(SteadyTime until) {
    std::array<pollfd, 2> descriptors{{{mailbox_.fd(), POLLIN, 0}, {signals_, POLLIN, 0}}};
    const auto left = std::chrono::ceil<milliseconds>(until - steady_now()).count();
    ::poll(descriptors.data(), descriptors.size(), static_cast<int>(std::max<long>(left, 0)));
    mailbox_.run();
    signalfd_siginfo info{};
    while (::read(signals_, &info, sizeof(info)) == sizeof(info)) ++signals_seen_;
  }

  void set_users(std::int64_t count) {
    wanted_ = count;
    const auto& targets = spawner_.deal({count});
    ++job_;
    for (std::size_t i = 0; i < threads_; ++i) {
      shards_[i]->set_users(job_, targets[i], duration_of(options_.stop_timeout));
    }
  }

  // As many users as --spawn-rate has by now.
  void ramp() {
    std::int64_t due = options_.users;
    if (options_.spawn_rate > 0) {
      const double elapsed = std::chrono::duration<double>(steady_now() - start_).count();
      // The first at once.
      due = static_cast<std::int64_t>(
          std::min(std::floor(elapsed * options_.spawn_rate) + 1, double(options_.users)));
    }
    if (due == wanted_) return;
    set_users(due);
    if (due == options_.users) log::info(kLogger, "All users spawned: {}", due);
  }

  void stop_users() {
    set_users(0);
    const SteadyTime limit = steady_now() + duration_of(options_.stop_timeout) + kEndPatience;
    const auto stopped = [this] {
      return std::all_of(news_.begin(), news_.end(), [this](const runner::ShardNews& news) {
        return news.job == job_ && news.in_place;
      });
    };
    const int signals = signals_seen_;  // a further one is impatience
    while (!stopped() && steady_now() < limit && signals_seen_ == signals) turn(limit);
  }

  void collect() {
    const std::uint64_t ticket = reporter_.begin(steady_now());
    for (const auto& shard : shards_) {
      shard->take([this, ticket](stats::Report report) {
        mailbox_.post(
            [this, ticket, report = std::move(report)] { reporter_.answer(ticket, report); });
      });
    }
    std::optional<runner::Reporter::Gathered> gathered;
    while (!(gathered = reporter_.next(steady_now()))) turn(*reporter_.deadline());
    report_.merge(gathered->report);
  }

  int finish() {
    const bool failed = !report_.errors.empty() || exceptions_;
    const int code = failed || report_.total.num_requests == 0 ? options_.exit_code_on_error : 0;
    log::info(kLogger, "Shutting down (exit code {})", code);
    const std::size_t width = stats_name_width();
    print(stats_table(report_, false, width) + percentile_table(report_, width) +
          error_table(report_, width));
    if (report_.total.num_requests == 0) {
      log::error(kLogger,
                 "No request has been answered. Does the address answer at all (curl -v {})? A "
                 "longer --run-time lets a slow one answer.",
                 options_.url);
    }
    return code;
  }

  static void print(const std::string& text) {
    std::fputs(text.c_str(), stdout);
    std::fflush(stdout);
  }

  const Options& options_;
  UserClasses classes_;
  const std::size_t threads_;
  int signals_ = -1;
  int signals_seen_ = 0;
  bool exceptions_ = false;
  SteadyTime start_;
  std::int64_t wanted_ = 0;
  std::uint64_t job_ = 0;
  runner::Mailbox mailbox_;
  runner::Spawner spawner_;
  runner::Reporter reporter_;
  stats::Report report_;
  std::vector<runner::ShardNews> news_;
  std::shared_ptr<http::TlsContexts> tls_ = std::make_shared<http::TlsContexts>();
  std::vector<std::unique_ptr<runner::Shard>> shards_;  // last: their threads post to all of this
};

}  // namespace

int run_locally(const Options& options) {
  const std::string ramp =
      options.spawn_rate > 0 ? fmt::format(" at a rate of {} per second", options.spawn_rate) : "";
  const std::string length = options.run_time > 0
                                 ? fmt::format("for {} s; Ctrl-C ends it early", options.run_time)
                                 : "until Ctrl-C";
  log::info(kLogger, "{} users get {}{} {}", options.users, options.url, ramp, length);
  return LocalRun(options).run();
}

}  // namespace locust::cli
