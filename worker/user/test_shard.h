// What the tests of user/ share: a shard's context on a loop of the test's own thread, and a user
// whose methods each test writes itself.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "base/event_loop.h"
#include "base/task.h"
#include "http/client.h"
#include "stats/recorder.h"
#include "user/shard_context.h"
#include "user/user.h"
#include "user/user_class.h"

namespace locust::test {

using Log = std::vector<std::string>;

// One for each test: its loop runs once.
class TestShard {
 public:
  // Runs a coroutine, and the loop until it has ended.
  template <class Script>
  void run(const Script& script) {
    Task<> task = script();
    task.start([](void* own) { static_cast<EventLoop*>(own)->stop(); }, &loop);
    if (!task.done()) loop.run();
    task.result();
  }

  // Comes back when it is so; a test that waits in vain fails after 10 s.
  Task<> until(std::function<bool()> is_so) {
    const SteadyTime limit = loop.now() + seconds(10);
    while (!is_so()) {
      if (loop.now() > limit) {
        ADD_FAILURE() << "waited in vain";
        co_return;
      }
      co_await SleepUntil(loop, loop.now() + std::chrono::microseconds(200));
    }
  }

  Task<> pass(SteadyDuration time) { co_await SleepUntil(loop, loop.now() + time); }

  EventLoop loop;
  http::ClientContext http{loop};
  stats::Recorder recorder{std::chrono::system_clock::now()};
  Environment environment{[](const std::string&, const Value&) {}};
  std::vector<UserError> errors;
  ShardContext context{loop,      http,
                       recorder,  environment,
                       Random(1), [this](UserError error) { errors.push_back(std::move(error)); }};
};

// Its methods are what the test says. A lambda that is a coroutine lives as long as the Hooks.
class ScriptedUser : public HttpUser {
 public:
  struct Hooks {
    using Method = std::function<Task<>(ScriptedUser&)>;
    Log log;
    Method on_start;
    Method task;
    Method on_stop;
    std::function<void()> constructor;
    int alive = 0;
  };

  // Those of the test that is running.
  static inline Hooks* hooks = nullptr;

  ScriptedUser() {
    if (hooks->constructor) hooks->constructor();
    ++hooks->alive;
  }
  ~ScriptedUser() override { --hooks->alive; }

  Task<> on_start() override { return run("on_start", hooks->on_start); }
  Task<> on_stop() override { return run("on_stop", hooks->on_stop); }
  Task<> task() { return run("task", hooks->task); }

  using HttpUser::client;
  using HttpUser::get;
  using HttpUser::head;
  using HttpUser::post;
  using HttpUser::put;
  using User::environment;
  using User::report;
  using User::sleep;
  using User::uniform;

 private:
  static Task<> run(std::string name, const Hooks::Method& method, ScriptedUser& self) {
    hooks->log.push_back(name);
    if (method) co_await method(self);
    hooks->log.push_back(name + " ended");
  }
  Task<> run(std::string name, const Hooks::Method& method) {
    return run(std::move(name), method, *this);
  }
};

}  // namespace locust::test
