// A worker from start to exit: the control thread. It does what the session says, passes on what
// arrives, and never waits for user code.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "protocol/session.h"
#include "runner/mailbox.h"
#include "runner/master_link.h"
#include "runner/process_usage.h"
#include "runner/reporter.h"
#include "runner/shard.h"
#include "runner/spawner.h"
#include "user/user_class.h"

namespace locust::runner {

struct WorkerSettings {
  std::string master_host = "127.0.0.1";
  int master_port = 5557;
  int threads = 1;
  protocol::SessionSettings session;  // user_classes and master are filled in
};

class Worker {
 public:
  // Starts the shards. SIGTERM and SIGINT must be blocked: they are read from a descriptor.
  // Throws std::invalid_argument where the master's address is none.
  Worker(const UserClasses& classes, WorkerSettings settings);
  ~Worker();

  // Until the worker leaves: its exit code.
  int run();

  // Ends the shards. False where one has not ended in time, because a task on it does not yield:
  // then the Worker cannot be destroyed, and the process has to end without.
  bool stop_shards(SteadyDuration patience);
  // Closes the connection when what has been sent is gone, for at most 2 s.
  void close_link() { link_.reset(); }

 private:
  struct Performer;

  void step();
  void handle_link(SteadyTime now);
  void handle_signals();
  void perform(protocol::Actions actions);
  void on_news(std::size_t shard, const ShardNews& news);
  void sample_usage(SteadyTime now);
  void watch_shards(SteadyTime now);
  SteadyTime next_wake(SteadyTime now) const;

  const UserClasses& classes_;
  const WorkerSettings settings_;
  const std::string id_;
  int signals_;
  Mailbox mailbox_;
  protocol::Session session_;
  std::optional<MasterLink> link_;
  Spawner spawner_;
  Reporter reporter_;
  ProcessUsage usage_;

  std::uint64_t job_ = 0;           // the newest that the shards were given
  std::vector<ShardNews> news_;     // by shard, the newest of each
  std::vector<SteadyTime> warned_;  // by shard, when it was last called blocked
  std::optional<SteadyTime> reopen_at_;
  SteadyTime next_usage_{};
  bool cpu_warning_given_ = false;
  std::optional<int> exit_code_;
  int signals_seen_ = 0;
  std::vector<std::unique_ptr<Shard>> shards_;  // last: their threads post to all of this
};

}  // namespace locust::runner
