// A worker whose users are C++ coroutines, from start to exit: shards beneath a control loop.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "runner/control.h"
#include "runner/shard.h"
#include "runner/spawner.h"
#include "user/user_class.h"

namespace locust::runner {

struct WorkerSettings {
  std::string master_host = "127.0.0.1";
  int master_port = 5557;
  int threads = 1;
  bool status_line = false;           // where stderr is a terminal
  protocol::SessionSettings session;  // user_classes and master are filled in
};

class Worker final : private Crew {
 public:
  // Starts the shards. SIGTERM and SIGINT must be blocked: they are read from a descriptor.
  // Throws std::invalid_argument where the master's address is none.
  Worker(const UserClasses& classes, WorkerSettings settings);
  ~Worker() override;

  // Until the worker leaves: its exit code.
  int run() { return control_.run(); }

  // Ends the shards. False where one has not ended in time, because a task on it does not yield:
  // then the Worker cannot be destroyed, and the process has to end without.
  bool stop_shards(SteadyDuration patience);
  // Closes the connection when what has been sent is gone, for at most 2 s.
  void close_link() { control_.close_link(); }

 private:
  void collect(std::uint64_t ticket, bool urgent) override;
  void clear_stats() override;
  void configure(const protocol::ConfigureTest& test) override;
  void change_users(const protocol::ChangeUsers& change) override;
  void deliver(const protocol::Deliver& message) override;
  void update_user_class(const protocol::UpdateUserClass& message) override;
  void set_worker_index(std::int64_t index) override;
  void collect_logs() override;
  void write_log(log::Level level, std::string_view logger, std::string text) override;
  void warn_of_cpu() override;
  std::optional<SteadyTime> watch(SteadyTime now) override;

  ShardHooks hooks(std::size_t shard);
  void on_news(std::size_t shard, const ShardNews& news);

  const UserClasses& classes_;
  Control control_;
  Spawner spawner_;

  std::uint64_t job_ = 0;                       // the newest that the shards were given
  std::vector<ShardNews> news_;                 // by shard, the newest of each
  std::vector<SteadyTime> warned_;              // by shard, when it was last called blocked
  std::vector<std::unique_ptr<Shard>> shards_;  // last: their threads post to all of this
};

}  // namespace locust::runner
