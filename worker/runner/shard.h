// One thread with its users: everything they touch, from sockets to statistics, is made, used and
// destroyed here. Shards know nothing of each other; the control thread talks to one by posting.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/event_loop.h"
#include "runner/spawner.h"
#include "stats/recorder.h"
#include "user/running_user.h"
#include "user/shard_context.h"
#include "user/user_class.h"

namespace locust::runner {

// What a shard tells, on its own thread.
struct ShardNews {
  std::uint64_t job = 0;  // the one it is at
  ClassCounts running;    // users of each class, those that are ending included
  ClassCounts expected;   // users that do not end, and those still to be started
  bool in_place = false;  // the job is done
};

struct ShardHooks {
  std::function<void(ShardNews)> on_news;
  std::function<void(std::vector<std::pair<UserError, std::uint64_t>>)> on_user_errors;
  Environment::Send send_message;
};

class Shard {
 public:
  // Starts the thread. `classes` is copied: what the class picker changes is this shard's own.
  // `tls` is what all shards share of it.
  Shard(int number, const UserClasses& classes, ShardHooks hooks,
        std::shared_ptr<http::TlsContexts> tls = nullptr);
  // Waits for the thread to end, and ends the users without on_stop.
  ~Shard();
  Shard(const Shard&) = delete;
  Shard& operator=(const Shard&) = delete;

  // Tells the thread to end after what it is just doing. Does not wait: several can be told first.
  void stop() { loop_.stop(); }
  // Whether it has ended. A task that does not yield keeps it from ending.
  bool stopped() const { return stopped_.load(); }

  // ---- from any thread; done in the order of the calls ----

  // Run so many users of each class; the surplus is stopped, and killed after `stop_timeout`.
  void set_users(std::uint64_t job, ClassCounts targets, SteadyDuration stop_timeout);
  // Hands over what was recorded since the last time, on the shard's thread.
  void take(std::function<void(stats::Report)> receive);
  void clear_stats();
  void configure(std::optional<std::string> host, Value parsed_options);
  void set_worker_index(std::int64_t index);
  void update_user_class(const std::string& name, const Value& attributes);
  void deliver(const std::string& type, const Value& data);

  // For how long this shard has not come to rest, and whose task was resumed last: a task that
  // does not yield shows here while it runs.
  struct Blocked {
    SteadyDuration duration{};
    std::string user_class;
  };
  Blocked blocked(SteadyTime now) const;

 private:
  class Pulse;
  class ErrorFlush;
  struct ClassUsers {
    std::vector<std::unique_ptr<RunningUser>> running;
    std::vector<std::unique_ptr<RunningUser>> ending;
    std::int64_t to_start = 0;
  };

  void run(int number);
  void advance();
  void start_one(std::size_t user_class);
  void on_gone(RunningUser& user);
  void tell_news();
  void on_user_error(UserError error);
  void flush_errors();
  std::size_t index_of(const UserClass& user_class) const;

  UserClasses classes_;
  ShardHooks hooks_;
  EventLoop loop_;
  http::ClientContext http_;
  stats::Recorder recorder_;
  Environment environment_;
  ShardContext context_;

  std::uint64_t job_ = 0;
  std::vector<ClassUsers> users_;                   // by class
  std::vector<std::unique_ptr<RunningUser>> gone_;  // to be destroyed at the next turn
  bool advancing_ = false;
  bool news_due_ = false;
  std::vector<std::pair<UserError, std::uint64_t>> errors_;  // not told yet, with how often

  std::unique_ptr<Pulse> pulse_;
  std::unique_ptr<ErrorFlush> error_flush_;
  std::atomic<SteadyTime::rep> last_pulse_{0};
  std::atomic<bool> stopped_{false};
  std::thread thread_;
};

}  // namespace locust::runner
