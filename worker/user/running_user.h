// One user from its first to its last moment: on_start, tasks with waits between them, on_stop
// (user/task.py, TaskSet.run; user/users.py, User.stop).
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/event_loop.h"
#include "base/task.h"
#include "user/user_class.h"

namespace locust {

class RunningUser final : private Timer {
 public:
  // Told when the user has ended; may be called from within start() and stop(), and must not
  // destroy the user at once (post it).
  using OnGone = void (*)(void* context, RunningUser& user);

  RunningUser(ShardContext& shard, const UserClass& user_class, OnGone on_gone, void* context)
      : shard_(shard), user_class_(user_class), on_gone_(on_gone), context_(context) {}

  // Makes the user and runs it until it first waits. What its constructor or on_start throws is
  // reported, and it is gone.
  void start();
  // Ends it: at once while it waits, else when its task has ended, at the latest after
  // `stop_timeout`; zero kills it in the middle of the task. on_stop runs in any case, and as long
  // as it takes; where it runs already, it has to end within `stop_timeout`, as the task has to.
  void stop(SteadyDuration stop_timeout);

  const UserClass& user_class() const { return user_class_; }
  // Whether stop() has been called.
  bool stopping() const { return stop_wanted_; }

  std::size_t position = 0;  // where the shard keeps it

 private:
  enum class Phase { on_start, task, waiting, on_stop, gone };

  void fire() override { kill(); }
  void kill();
  void end();
  void gone();
  Task<> run();
  Task<> run_on_stop();
  void report_error(std::string_view where);

  ShardContext& shard_;
  const UserClass& user_class_;
  OnGone on_gone_;
  void* context_;
  std::unique_ptr<User> user_;
  Task<> body_;  // after user_: its coroutines end before their user does
  Task<> ending_;
  WaitState wait_state_;
  const std::string* task_name_ = nullptr;
  Phase phase_ = Phase::on_start;
  bool stop_wanted_ = false;
};

}  // namespace locust
