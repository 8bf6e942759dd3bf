// EventLoop: the order of posts, the fairness of deferred coroutines, timers that are never early.
#include "base/event_loop.h"

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/task.h"

namespace locust {
namespace {

void start(Task<>& task) {
  task.start([](void*) {}, nullptr);
}

TEST(EventLoop, RunsPostsInTheirOrder) {
  EventLoop loop;
  std::vector<int> ran;
  for (int i = 0; i < 100; ++i) loop.post([&, i] { ran.push_back(i); });
  loop.post([&] { loop.stop(); });
  EXPECT_TRUE(ran.empty());
  loop.run();
  ASSERT_EQ(ran.size(), 100U);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(ran[static_cast<std::size_t>(i)], i);
}

TEST(EventLoop, PostsOfEachThreadKeepTheirOrder) {
  constexpr int kThreads = 4;
  constexpr int kPosts = 2000;
  EventLoop loop;
  std::vector<int> last(kThreads, -1);
  int ran = 0;
  bool ordered = true;
  std::vector<std::thread> threads;
  for (int thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([&, thread] {
      for (int i = 0; i < kPosts; ++i) {
        loop.post([&, thread, i] {
          int& before = last[static_cast<std::size_t>(thread)];
          ordered = ordered && i == before + 1;
          before = i;
          if (++ran == kThreads * kPosts) loop.stop();
        });
      }
    });
  }
  loop.run();
  for (std::thread& thread : threads) thread.join();
  EXPECT_TRUE(ordered);
  EXPECT_EQ(ran, kThreads * kPosts);
}

TEST(EventLoop, StoppedBeforeItRunsItReturnsAtOnce) {
  EventLoop loop;
  bool ran = false;
  loop.post([&] { ran = true; });
  loop.stop();
  loop.run();
  EXPECT_FALSE(ran);
}

TEST(EventLoop, WhatIsStillPostedIsDestroyedWithIt) {
  const auto held = std::make_shared<int>(1);
  {
    EventLoop loop;
    loop.post([held] {});
    EXPECT_EQ(held.use_count(), 2);
  }
  EXPECT_EQ(held.use_count(), 1);
}

Task<> yields(EventLoop& loop, std::string& out, char name, int times) {
  for (int i = 0; i < times; ++i) {
    out += name;
    co_await Yield(loop);
  }
  if (out.size() == 2 * static_cast<std::size_t>(times)) loop.stop();
}

TEST(EventLoop, TwoThatYieldAlternate) {
  EventLoop loop;
  std::string out;
  Task<> a = yields(loop, out, 'a', 5);
  Task<> b = yields(loop, out, 'b', 5);
  start(a);
  start(b);
  loop.run();
  EXPECT_EQ(out, "ababababab");
}

TEST(EventLoop, OneThatYieldsLetsPostsAndTimersRun) {
  EventLoop loop;
  bool posted = false;
  const auto busy = [](EventLoop& on) -> Task<> {
    for (;;) co_await Yield(on);
  };
  const auto sleeper = [](EventLoop& on, bool& flag) -> Task<> {
    co_await SleepUntil(on, on.now() + milliseconds(2));
    on.post([&on, &flag] {
      flag = true;
      on.stop();
    });
  };
  Task<> first = busy(loop);
  Task<> second = sleeper(loop, posted);
  start(first);
  start(second);
  loop.run();
  EXPECT_TRUE(posted);
}

TEST(EventLoop, DestroyedWhileItYieldsItIsNotResumed) {
  EventLoop loop;
  std::string out;
  Task<> victim = yields(loop, out, 'v', 3);
  start(victim);
  loop.post([&] { loop.stop(); });
  victim = {};
  loop.run();
  EXPECT_EQ(out, "v");
}

// The victim stands behind its killer in the very round of resumptions that is running.
TEST(EventLoop, DestroyedByOneThatWasResumedBeforeIt) {
  EventLoop loop;
  std::string out;
  Task<> victim;
  const auto kills = [](EventLoop& on, std::string& text, Task<>& other) -> Task<> {
    co_await Yield(on);
    text += 'k';
    other = {};
    on.post([&on] { on.stop(); });
  };
  Task<> killer = kills(loop, out, victim);
  victim = yields(loop, out, 'v', 3);
  start(killer);
  start(victim);
  loop.run();
  EXPECT_EQ(out, "vk");
}

TEST(EventLoop, CancelDeferForgetsTheCoroutine) {
  EventLoop loop;
  struct Manual {
    std::coroutine_handle<> handle;
    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> waiting) { handle = waiting; }
    void await_resume() const noexcept {}
  } gate;
  bool resumed = false;
  const auto waits = [](Manual& at, bool& flag) -> Task<> {
    co_await at;
    flag = true;
  };
  Task<> task = waits(gate, resumed);
  start(task);
  loop.defer(gate.handle);
  loop.cancel_defer(gate.handle);
  loop.post([&] { loop.stop(); });
  loop.run();
  EXPECT_FALSE(resumed);
}

TEST(EventLoop, TimersAreNeverEarlyAndComeInOrder) {
  EventLoop loop;
  std::vector<int> order;
  int left = 20;
  const auto sleeps = [](EventLoop& on, int ms, std::vector<int>& out, int& count) -> Task<> {
    const SteadyTime due = on.now() + milliseconds(ms);
    co_await SleepUntil(on, due);
    EXPECT_GE(on.now(), due);
    out.push_back(ms);
    if (--count == 0) on.stop();
  };
  std::vector<Task<>> tasks;
  for (int i = 0; i < 20; ++i) tasks.push_back(sleeps(loop, (i * 7) % 20, order, left));
  for (Task<>& task : tasks) start(task);
  loop.run();
  EXPECT_TRUE(std::is_sorted(order.begin(), order.end()));
  EXPECT_EQ(order.size(), 20U);
}

// Armed from within a timer, for before and after what is due next.
TEST(EventLoop, ATimerMayArmOthers) {
  EventLoop loop;
  std::string out;
  const auto letter = [](EventLoop& on, int ms, std::string& text, char name) -> Task<> {
    co_await SleepUntil(on, on.now() + milliseconds(ms));
    text += name;
    if (text.size() == 3) on.stop();
  };
  Task<> late = letter(loop, 200, out, 'c');
  Task<> inner;
  const auto arms = [&letter](EventLoop& on, std::string& text, Task<>& other) -> Task<> {
    co_await SleepUntil(on, on.now() + milliseconds(1));
    text += 'a';
    other = letter(on, 1, text, 'b');
    start(other);
  };
  Task<> early = arms(loop, out, inner);
  start(late);
  start(early);
  loop.run();
  EXPECT_EQ(out, "abc");
}

TEST(EventLoop, DestroyedWhileItSleepsItsTimerIsGone) {
  EventLoop loop;
  bool woke = false;
  const auto sleeps = [](EventLoop& on, int ms, bool& flag, bool stop) -> Task<> {
    co_await SleepUntil(on, on.now() + milliseconds(ms));
    flag = true;
    if (stop) on.stop();
  };
  bool last = false;
  Task<> victim = sleeps(loop, 1, woke, false);
  Task<> other = sleeps(loop, 4, last, true);
  start(victim);
  start(other);
  victim = {};
  loop.run();
  EXPECT_FALSE(woke);
  EXPECT_TRUE(last);
}

TEST(EventLoop, LoopMayGoBeforeTheTasksThatSleepOnIt) {
  Task<> sleeper;
  {
    EventLoop loop;
    const auto sleeps = [](EventLoop& on) -> Task<> {
      co_await SleepUntil(on, on.now() + seconds(100));
    };
    sleeper = sleeps(loop);
    start(sleeper);
  }
  sleeper = {};
}

TEST(EventLoop, WallTimeIsThatOfTheInstant) {
  EventLoop loop;
  const auto check = [](EventLoop& on) -> Task<> {
    co_await SleepUntil(on, on.now());
    const WallTime before = std::chrono::system_clock::now();
    const WallTime told = on.wall(on.now());
    const WallTime after = std::chrono::system_clock::now();
    EXPECT_GT(told, before - milliseconds(50));
    EXPECT_LT(told, after + milliseconds(50));
    // Differences are exact: a response time never depends on the wall clock.
    const SteadyTime one = on.now();
    EXPECT_EQ(on.wall(one + seconds(3)) - on.wall(one), seconds(3));
    on.stop();
  };
  Task<> task = check(loop);
  start(task);
  loop.run();
}

}  // namespace
}  // namespace locust
