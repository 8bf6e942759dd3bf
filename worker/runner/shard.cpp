#include "runner/shard.h"

#include <fmt/core.h>
#include <pthread.h>

#include <random>

#include "base/log.h"

namespace locust::runner {

namespace {

constexpr SteadyDuration kPulseInterval = milliseconds(50);
constexpr SteadyDuration kErrorInterval = milliseconds(100);
// Distinct errors kept until they are told: more than anybody reads, little enough to keep.
constexpr std::size_t kMostErrors = 100;
// Users started in one turn, so that those that run already are not kept waiting.
constexpr int kStartsPerTurn = 50;

WallTime wall_now() { return std::chrono::system_clock::now(); }

std::uint64_t random_seed() {
  std::random_device device;
  return (static_cast<std::uint64_t>(device()) << 32U) | device();
}

}  // namespace

// Shows from outside that the loop goes round.
class Shard::Pulse final : public Timer {
 public:
  explicit Pulse(Shard& shard) : shard_(shard) {}
  void fire() override {
    const SteadyTime now = shard_.loop_.now();
    shard_.last_pulse_.store(now.time_since_epoch().count(), std::memory_order_relaxed);
    shard_.loop_.arm(*this, now + kPulseInterval);
  }

 private:
  Shard& shard_;
};

class Shard::ErrorFlush final : public Timer {
 public:
  explicit ErrorFlush(Shard& shard) : shard_(shard) {}

 private:
  void fire() override { shard_.flush_errors(); }
  Shard& shard_;
};

Shard::Shard(int number, const UserClasses& classes, ShardHooks hooks,
             std::shared_ptr<http::TlsContexts> tls)
    : classes_(classes),
      hooks_(std::move(hooks)),
      http_(loop_, std::move(tls)),
      recorder_(wall_now()),
      environment_(hooks_.send_message),
      context_{loop_,
               http_,
               recorder_,
               environment_,
               Random(random_seed()),
               [this](UserError error) { on_user_error(std::move(error)); }},
      users_(classes_.list().size()),
      pulse_(std::make_unique<Pulse>(*this)),
      error_flush_(std::make_unique<ErrorFlush>(*this)),
      last_pulse_(loop_.now().time_since_epoch().count()),
      thread_([this, number] { run(number); }) {}

Shard::~Shard() {
  stop();
  thread_.join();
  gone_.clear();
  users_.clear();
}

void Shard::run(int number) {
  pthread_setname_np(pthread_self(), fmt::format("shard-{}", number).c_str());
  pulse_->fire();
  loop_.run();
  stopped_.store(true);
}

void Shard::set_users(std::uint64_t job, ClassCounts targets, SteadyDuration stop_timeout) {
  loop_.post([this, job, targets = std::move(targets), stop_timeout] {
    job_ = job;
    for (std::size_t i = 0; i < users_.size(); ++i) {
      ClassUsers& users = users_[i];
      const auto running = static_cast<std::int64_t>(users.running.size());
      users.to_start = std::max<std::int64_t>(targets[i] - running, 0);
      for (std::int64_t surplus = running - targets[i]; surplus > 0; --surplus) {
        // The newest first, as Locust takes them from the end of its list.
        users.ending.push_back(std::move(users.running.back()));
        users.running.pop_back();
        users.ending.back()->position = users.ending.size() - 1;
        users.ending.back()->stop(stop_timeout);
      }
    }
    advance();
  });
}

// Starts users, a few in each turn, until all that are wanted have been.
void Shard::advance() {
  if (advancing_) return;
  int left = kStartsPerTurn;
  for (std::size_t i = 0; i < users_.size() && left > 0; ++i) {
    for (; users_[i].to_start > 0 && left > 0; --left) {
      --users_[i].to_start;
      start_one(i);
    }
  }
  if (left == 0) {
    advancing_ = true;
    loop_.post([this] {
      advancing_ = false;
      advance();
    });
  }
  tell_news();
}

void Shard::start_one(std::size_t user_class) {
  auto& running = users_[user_class].running;
  running.push_back(std::make_unique<RunningUser>(
      context_, classes_.list()[user_class],
      [](void* self, RunningUser& user) { static_cast<Shard*>(self)->on_gone(user); }, this));
  running.back()->position = running.size() - 1;
  running.back()->start();
}

// Called from within the user's own last step: it is only set aside here.
void Shard::on_gone(RunningUser& user) {
  ClassUsers& users = users_[index_of(user.user_class())];
  auto& list = user.stopping() ? users.ending : users.running;
  const std::size_t position = user.position;
  if (gone_.empty()) {
    loop_.post([this] { gone_.clear(); });
  }
  gone_.push_back(std::move(list[position]));
  if (position + 1 < list.size()) {
    list[position] = std::move(list.back());
    list[position]->position = position;
  }
  list.pop_back();
  tell_news();
}

std::size_t Shard::index_of(const UserClass& user_class) const {
  return static_cast<std::size_t>(&user_class - classes_.list().data());
}

// Once a turn, however many users have come and gone in it.
void Shard::tell_news() {
  if (news_due_) return;
  news_due_ = true;
  loop_.post([this] {
    news_due_ = false;
    ShardNews news{job_, {}, {}, true};
    for (const ClassUsers& users : users_) {
      const auto running = static_cast<std::int64_t>(users.running.size());
      news.running.push_back(running + static_cast<std::int64_t>(users.ending.size()));
      news.expected.push_back(running + users.to_start);
      if (users.to_start > 0 || !users.ending.empty()) news.in_place = false;
    }
    hooks_.on_news(std::move(news));
  });
}

void Shard::on_user_error(UserError error) {
  if (errors_.empty()) loop_.arm(*error_flush_, loop_.now() + kErrorInterval);
  for (auto& [known, times] : errors_) {
    const bool full = errors_.size() >= kMostErrors;
    if (known.traceback == error.traceback && (full || known.msg == error.msg)) {
      ++times;
      return;
    }
  }
  if (errors_.size() < 2 * kMostErrors) errors_.emplace_back(std::move(error), 1);
}

void Shard::flush_errors() {
  if (!errors_.empty()) hooks_.on_user_errors(std::exchange(errors_, {}));
}

void Shard::take(std::function<void(stats::Report)> receive) {
  loop_.post([this, receive = std::move(receive)] {
    flush_errors();
    receive(recorder_.take(wall_now()));
  });
}

void Shard::clear_stats() {
  loop_.post([this] { recorder_.clear(wall_now()); });
}

void Shard::configure(std::optional<std::string> host, Value parsed_options) {
  loop_.post([this, host = std::move(host), options = std::move(parsed_options)] {
    environment_.host = host;
    if (environment_.parsed_options != options) environment_.parsed_options = options;
  });
}

void Shard::set_worker_index(std::int64_t index) {
  loop_.post([this, index] { environment_.worker_index = index; });
}

void Shard::update_user_class(const std::string& name, const Value& attributes) {
  loop_.post([this, name, attributes] {
    for (UserClass& user_class : classes_.list()) {
      if (user_class.name() == name && !user_class.update(attributes)) {
        log::warning("locust.runners", "The master chooses tasks of {} that it does not have: {}",
                     name, repr(attributes));
      }
    }
  });
}

void Shard::deliver(const std::string& type, const Value& data) {
  loop_.post([this, type, data] {
    try {
      classes_.listeners().at(type)(environment_, data);
    } catch (const std::exception& error) {
      log::error("locust.runners", "Uncaught exception in handler for {}\n{}", type, error.what());
    } catch (...) {
      log::error("locust.runners", "Uncaught exception in handler for {}", type);
    }
  });
}

Shard::Blocked Shard::blocked(SteadyTime now) const {
  const SteadyTime pulse{SteadyDuration(last_pulse_.load(std::memory_order_relaxed))};
  const SteadyDuration late = now - pulse - kPulseInterval;
  if (late <= SteadyDuration::zero()) return {};
  const UserClass* resumed = context_.resumed.load(std::memory_order_relaxed);
  return {late, resumed != nullptr ? resumed->name() : std::string()};
}

}  // namespace locust::runner
