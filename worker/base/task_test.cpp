// Task<>: laziness, results, exceptions, and what happens to locals when a coroutine is destroyed
// where it is suspended. Expectations are those of task.h and of C++'s own scopes.
#include "base/task.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <coroutine>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace locust {
namespace {

using Log = std::vector<std::string>;

// A place to suspend at, resumed by hand.
struct Gate {
  std::coroutine_handle<> waiting;

  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> handle) { waiting = handle; }
  void await_resume() const noexcept {}
  void open() { std::exchange(waiting, {}).resume(); }
};

struct Scope {
  Log& log;
  std::string name;
  ~Scope() { log.push_back("~" + name); }
};

// Whether it has ended at once.
template <class T>
bool run(Task<T>& task) {
  task.start([](void*) {}, nullptr);
  return task.done();
}

Task<> note(Log& log, std::string text) {
  log.push_back(std::move(text));
  co_return;
}

Task<int> answer() { co_return 42; }

Task<std::unique_ptr<int>> owned() { co_return std::make_unique<int>(7); }

Task<int> fails() {
  throw std::runtime_error("broken");
  co_return 0;
}

TEST(Task, DoesNothingUntilItIsStarted) {
  Log log;
  { const Task<> never = note(log, "never"); }
  Task<> task = note(log, "ran");
  EXPECT_TRUE(log.empty());
  EXPECT_TRUE(run(task));
  EXPECT_EQ(log, Log{"ran"});
  EXPECT_TRUE(task.done());
}

TEST(Task, HandsItsResultToWhoAwaitsIt) {
  int seen = 0;
  const auto outer = [](int& out) -> Task<> { out = co_await answer() + co_await answer(); };
  Task<> task = outer(seen);
  EXPECT_TRUE(run(task));
  EXPECT_EQ(seen, 84);
}

TEST(Task, ResultMayBeMoveOnly) {
  Task<std::unique_ptr<int>> task = owned();
  EXPECT_TRUE(run(task));
  EXPECT_EQ(*task.result(), 7);
}

TEST(Task, ExceptionIsThrownWhereItIsAwaited) {
  Log log;
  const auto outer = [](Log& out) -> Task<> {
    try {
      co_await fails();
    } catch (const std::runtime_error& error) {
      out.emplace_back(error.what());
    }
  };
  Task<> task = outer(log);
  EXPECT_TRUE(run(task));
  EXPECT_EQ(log, Log{"broken"});
}

TEST(Task, ExceptionPassesThroughEveryLevelAndUnwindsItsLocals) {
  Log log;
  struct Levels {
    static Task<int> level(Log& out, int depth) {
      const Scope scope{out, std::to_string(depth)};
      if (depth == 0) throw std::out_of_range("deep");
      co_return co_await level(out, depth - 1);
    }
  };
  Task<int> task = Levels::level(log, 3);
  EXPECT_TRUE(run(task));
  EXPECT_EQ(log, (Log{"~0", "~1", "~2", "~3"}));
  EXPECT_THROW(task.result(), std::out_of_range);
}

TEST(Task, ExceptionOfAnOutermostTaskIsKept) {
  Task<int> task = fails();
  EXPECT_TRUE(run(task));
  EXPECT_THROW(task.result(), std::runtime_error);
}

TEST(Task, NamedTaskCanBeAwaited) {
  int seen = 0;
  const auto outer = [](int& out) -> Task<> {
    Task<int> inner = answer();
    out = co_await inner;
  };
  Task<> task = outer(seen);
  EXPECT_TRUE(run(task));
  EXPECT_EQ(seen, 42);
}

TEST(Task, MovedTaskIsEmptyAndTheOtherRuns) {
  Log log;
  Task<> first = note(log, "ran");
  Task<> second = std::move(first);
  EXPECT_FALSE(static_cast<bool>(first));  // NOLINT(bugprone-use-after-move): what is tested
  EXPECT_TRUE(static_cast<bool>(second));
  EXPECT_TRUE(run(second));
  EXPECT_EQ(log, Log{"ran"});
}

TEST(Task, AwaitingAnEmptyTaskThrows) {
  const auto outer = []() -> Task<int> {
    Task<int> empty;
    co_return co_await empty;
  };
  Task<int> task = outer();
  EXPECT_TRUE(run(task));
  EXPECT_THROW(task.result(), std::logic_error);
}

TEST(Task, AssigningDestroysWhatWasThere) {
  Log log;
  Gate gate;
  const auto waits = [](Log& out, Gate& at, std::string name) -> Task<> {
    const Scope scope{out, std::move(name)};
    co_await at;
  };
  Task<> task = waits(log, gate, "old");
  EXPECT_FALSE(run(task));
  task = waits(log, gate, "new");
  EXPECT_EQ(log, Log{"~old"});
  EXPECT_FALSE(run(task));
  gate.open();
  EXPECT_EQ(log, (Log{"~old", "~new"}));
}

TEST(Task, ResumesInsideOut) {
  Log log;
  Gate gate;
  struct Levels {
    static Task<int> level(Log& out, Gate& at, int depth) {
      if (depth == 0) {
        co_await at;
        out.emplace_back("0");
        co_return 0;
      }
      const int below = co_await level(out, at, depth - 1);
      out.push_back(std::to_string(depth));
      co_return below + depth;
    }
  };
  Task<int> task = Levels::level(log, gate, 4);
  EXPECT_FALSE(run(task));
  EXPECT_TRUE(log.empty());
  gate.open();
  EXPECT_TRUE(task.done());
  EXPECT_EQ(task.result(), 0 + 1 + 2 + 3 + 4);
  EXPECT_EQ(log, (Log{"0", "1", "2", "3", "4"}));
}

// What a user is killed by: the innermost locals end first, within one coroutine the last first.
TEST(Task, DestroyedWhileSuspendedItUnwindsAtEveryDepth) {
  struct Levels {
    static Task<> level(Log& out, Gate& at, int depth) {
      const Scope first{out, std::to_string(depth) + "a"};
      const Scope second{out, std::to_string(depth) + "b"};
      if (depth == 0) {
        co_await at;
      } else {
        co_await level(out, at, depth - 1);
      }
      out.emplace_back("never");
    }
  };
  for (int depth = 0; depth <= 5; ++depth) {
    Log log;
    Log expected;
    Gate gate;
    {
      Task<> task = Levels::level(log, gate, depth);
      EXPECT_FALSE(run(task));
    }
    for (int i = 0; i <= depth; ++i) {
      expected.push_back("~" + std::to_string(i) + "b");
      expected.push_back("~" + std::to_string(i) + "a");
    }
    EXPECT_EQ(log, expected) << "depth " << depth;
  }
}

TEST(Task, ParametersOfATaskThatNeverRanAreDestroyed) {
  const auto shared = std::make_shared<int>(1);
  const auto takes = [](std::shared_ptr<int>) -> Task<> { co_return; };
  {
    const Task<> task = takes(shared);
    EXPECT_EQ(shared.use_count(), 2);
  }
  EXPECT_EQ(shared.use_count(), 1);
}

// Symmetric transfer: without it, each of these would leave two frames on an 8 MB stack. The
// address sanitizer's frames cannot be left by a tail call; what it watches is the same in fewer.
#ifdef __SANITIZE_ADDRESS__
constexpr int kAwaits = 1000;
constexpr std::uintptr_t kMostStack = 4U << 20U;
#else
constexpr int kAwaits = 1'000'000;
constexpr std::uintptr_t kMostStack = 64U << 10U;
#endif

TEST(Task, AMillionAwaitsThatNeverSuspendDoNotGrowTheStack) {
  std::uintptr_t lowest = UINTPTR_MAX;
  std::uintptr_t highest = 0;
  const auto inner = [](std::uintptr_t& low, std::uintptr_t& high) -> Task<int> {
    const auto here = reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0));
    low = std::min(low, here);
    high = std::max(high, here);
    co_return 1;
  };
  int sum = 0;
  const auto outer = [&inner](std::uintptr_t& low, std::uintptr_t& high, int& out) -> Task<> {
    for (int i = 0; i < kAwaits; ++i) out += co_await inner(low, high);
  };
  Task<> task = outer(lowest, highest, sum);
  EXPECT_TRUE(run(task));
  EXPECT_EQ(sum, kAwaits);
  EXPECT_LT(highest - lowest, kMostStack);
}

TEST(Task, OnDoneIsCalledOnceAtTheEnd) {
  int calls = 0;
  Gate gate;
  const auto waits = [](Gate& at) -> Task<> { co_await at; };
  Task<> task = waits(gate);
  task.start([](void* count) { ++*static_cast<int*>(count); }, &calls);
  EXPECT_EQ(calls, 0);
  gate.open();
  EXPECT_EQ(calls, 1);
}

TEST(Task, OnDoneMayDestroyTheTask) {
  Log log;
  struct Owner {
    std::unique_ptr<Task<>> task;
    Log* log = nullptr;
  } owner;
  Gate gate;
  owner.log = &log;
  const auto body = [](Log& out, Gate& at) -> Task<> {
    const Scope scope{out, "local"};
    co_await at;
  };
  owner.task = std::make_unique<Task<>>(body(log, gate));
  owner.task->start(
      [](void* context) {
        auto& self = *static_cast<Owner*>(context);
        self.task.reset();
        self.log->push_back("done");
      },
      &owner);
  gate.open();
  EXPECT_EQ(log, (Log{"~local", "done"}));
}

}  // namespace
}  // namespace locust
