// One user's life against Locust's (user/task.py, TaskSet.run; user/users.py, User.run and stop):
// what runs in which order, and what a stop does at each moment.
#include "user/running_user.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <stdexcept>

#include "user/test_shard.h"

namespace locust {
namespace {

using namespace std::chrono_literals;
using test::Log;
using test::ScriptedUser;
using testing::ElementsAre;
using testing::HasSubstr;

class RunningUserTest : public testing::Test {
 protected:
  RunningUserTest() {
    ScriptedUser::hooks = &hooks;
    scripted.task<&ScriptedUser::task>();
  }

  RunningUser& make(const UserClass& of_class) {
    user = std::make_unique<RunningUser>(
        shard.context, of_class,
        [](void* self, RunningUser&) { ++static_cast<RunningUserTest*>(self)->gone; }, this);
    return *user;
  }
  RunningUser& start() {
    make(scripted).start();
    return *user;
  }
  Task<> until_gone() {
    return shard.until([this] { return gone > 0; });
  }
  // A task that says when it has begun, and sleeps; what it holds says when it is taken away.
  ScriptedUser::Hooks::Method sleeps(SteadyDuration time) {
    return [this, time](ScriptedUser& self) -> Task<> {
      struct Local {
        Log& log;
        ~Local() { log.emplace_back("unwound"); }
      } const local{hooks.log};
      co_await self.sleep(time);
    };
  }

  ScriptedUser::Hooks hooks;
  test::TestShard shard;
  UserClassOf<ScriptedUser> scripted{"Scripted"};
  std::unique_ptr<RunningUser> user;
  int gone = 0;
};

TEST_F(RunningUserTest, OnStartThenTasksThenOnStop) {
  int runs = 0;
  hooks.task = [&](ScriptedUser&) -> Task<> {
    if (++runs == 2) throw StopUser();
    co_return;
  };
  const auto script = [&]() -> Task<> {
    start();
    co_await until_gone();
  };
  shard.run(script);
  EXPECT_THAT(hooks.log, ElementsAre("on_start", "on_start ended", "task", "task ended", "task",
                                     "on_stop", "on_stop ended"));
  EXPECT_TRUE(shard.errors.empty()) << "StopUser is no error";
  EXPECT_EQ(gone, 1);
}

TEST_F(RunningUserTest, UserLivesUntilItIsDestroyed) {
  hooks.task = [](ScriptedUser&) -> Task<> {
    throw StopUser();
    co_return;
  };
  const auto script = [&]() -> Task<> {
    start();
    co_await until_gone();
    EXPECT_EQ(hooks.alive, 1);
    user.reset();
    EXPECT_EQ(hooks.alive, 0);
  };
  shard.run(script);
}

// users.py, User.run: on_start is inside the try whose except StopUser runs on_stop.
TEST_F(RunningUserTest, StopUserInOnStartRunsOnStop) {
  hooks.on_start = [](ScriptedUser&) -> Task<> {
    throw StopUser();
    co_return;
  };
  const auto script = [&]() -> Task<> {
    start();
    co_await until_gone();
  };
  shard.run(script);
  EXPECT_THAT(hooks.log, ElementsAre("on_start", "on_stop", "on_stop ended"));
  EXPECT_TRUE(shard.errors.empty());
}

// … and any other exception leaves run() past it.
TEST_F(RunningUserTest, ExceptionInOnStartIsReportedAndOnStopDoesNotRun) {
  hooks.on_start = [](ScriptedUser& self) -> Task<> {
    co_await self.sleep(1ms);
    throw std::runtime_error("no login");
  };
  const auto script = [&]() -> Task<> {
    start();
    co_await until_gone();
  };
  shard.run(script);
  EXPECT_THAT(hooks.log, ElementsAre("on_start"));
  ASSERT_EQ(shard.errors.size(), 1U);
  EXPECT_EQ(shard.errors[0].msg, "no login");
  EXPECT_THAT(shard.errors[0].traceback, HasSubstr("on_start"));
  EXPECT_THAT(shard.errors[0].traceback, HasSubstr("Scripted"));
  EXPECT_EQ(gone, 1);
}

TEST_F(RunningUserTest, ExceptionInTheConstructorIsReportedAndTheUserIsGone) {
  hooks.constructor = [] { throw std::invalid_argument("no host"); };
  start();
  EXPECT_EQ(gone, 1);
  ASSERT_EQ(shard.errors.size(), 1U);
  EXPECT_EQ(shard.errors[0].msg, "no host");
  EXPECT_THAT(shard.errors[0].traceback, HasSubstr("Scripted"));
  user->stop(0s);
  user->stop(1s);
  EXPECT_EQ(gone, 1);
}

TEST_F(RunningUserTest, ExceptionInATaskIsReportedAndTheUserGoesOnAfterItsWait) {
  int runs = 0;
  SteadyTime failed;
  SteadyTime next;
  hooks.task = [&](ScriptedUser&) -> Task<> {
    if (++runs == 1) {
      failed = shard.loop.now();
      throw std::out_of_range("no item");
    }
    next = shard.loop.now();
    throw StopUser();
    co_return;
  };
  scripted.wait(constant(5ms));
  const auto script = [&]() -> Task<> {
    start();
    co_await until_gone();
  };
  shard.run(script);
  EXPECT_EQ(runs, 2);
  EXPECT_GE(next - failed, 5ms);
  ASSERT_EQ(shard.errors.size(), 1U);
  EXPECT_EQ(shard.errors[0].msg, "no item");
  EXPECT_THAT(shard.errors[0].traceback, HasSubstr("In task of user class Scripted"));
  EXPECT_THAT(shard.errors[0].traceback, HasSubstr("std::out_of_range"));
}

TEST_F(RunningUserTest, AnythingMayBeThrown) {
  int runs = 0;
  hooks.task = [&](ScriptedUser&) -> Task<> {
    if (++runs == 1) throw 7;  // NOLINT(hicpp-exception-baseclass): what is tested
    throw StopUser();
    co_return;
  };
  const auto script = [&]() -> Task<> {
    start();
    co_await until_gone();
  };
  shard.run(script);
  ASSERT_EQ(shard.errors.size(), 1U);
  EXPECT_EQ(shard.errors[0].msg, "int");
}

// The master groups by the traceback: the same fault gives the same one, whatever its message.
TEST_F(RunningUserTest, SameFaultHasTheSameTraceback) {
  int runs = 0;
  hooks.task = [&](ScriptedUser&) -> Task<> {
    if (++runs > 2) throw StopUser();
    throw std::runtime_error("item " + std::to_string(runs));
    co_return;
  };
  const auto script = [&]() -> Task<> {
    start();
    co_await until_gone();
  };
  shard.run(script);
  ASSERT_EQ(shard.errors.size(), 2U);
  EXPECT_NE(shard.errors[0].msg, shard.errors[1].msg);
  EXPECT_EQ(shard.errors[0].traceback, shard.errors[1].traceback);
}

TEST_F(RunningUserTest, WithoutTasksThatIsReportedAgainAndAgainAndNobodyStarves) {
  const UserClassOf<ScriptedUser> empty("Empty");
  const auto script = [&]() -> Task<> {
    make(empty).start();
    co_await shard.until([&] { return shard.errors.size() > 3; });
    user->stop(0s);
  };
  shard.run(script);
  EXPECT_EQ(gone, 1);
  EXPECT_THAT(shard.errors[0].msg, HasSubstr("No tasks defined on Empty"));
}

TEST_F(RunningUserTest, ExceptionInOnStopEndsTheUserAllTheSame) {
  hooks.on_stop = [](ScriptedUser&) -> Task<> {
    throw std::runtime_error("logout");
    co_return;
  };
  hooks.task = sleeps(100s);
  const auto script = [&]() -> Task<> {
    start();
    user->stop(0s);
    co_return;
  };
  shard.run(script);
  EXPECT_EQ(gone, 1);
  ASSERT_EQ(shard.errors.size(), 1U);
  EXPECT_THAT(shard.errors[0].traceback, HasSubstr("on_stop"));
}

// ---- stop ----

TEST_F(RunningUserTest, StoppedWhileItWaitsItEndsAtOnce) {
  scripted.wait(constant(100s));
  const auto script = [&]() -> Task<> {
    start();
    EXPECT_FALSE(user->stopping());
    user->stop(100s);
    EXPECT_TRUE(user->stopping());
    EXPECT_EQ(gone, 1);
    co_return;
  };
  shard.run(script);
  EXPECT_THAT(hooks.log, ElementsAre("on_start", "on_start ended", "task", "task ended", "on_stop",
                                     "on_stop ended"));
}

TEST_F(RunningUserTest, StoppedInATaskItEndsItsTaskFirst) {
  hooks.task = sleeps(5ms);
  const auto script = [&]() -> Task<> {
    start();
    user->stop(100s);
    EXPECT_EQ(gone, 0);
    co_await until_gone();
  };
  shard.run(script);
  EXPECT_THAT(hooks.log, ElementsAre("on_start", "on_start ended", "task", "unwound", "task ended",
                                     "on_stop", "on_stop ended"));
}

TEST_F(RunningUserTest, StoppedInATaskThatFailsItReportsThatAndEnds) {
  hooks.task = [](ScriptedUser& self) -> Task<> {
    co_await self.sleep(2ms);
    throw std::runtime_error("late");
  };
  const auto script = [&]() -> Task<> {
    start();
    user->stop(100s);
    co_await until_gone();
  };
  shard.run(script);
  EXPECT_EQ(shard.errors.size(), 1U);
  EXPECT_THAT(hooks.log,
              ElementsAre("on_start", "on_start ended", "task", "on_stop", "on_stop ended"));
}

TEST_F(RunningUserTest, StoppedWithoutATimeoutItsTaskIsKilled) {
  hooks.task = sleeps(100s);
  const auto script = [&]() -> Task<> {
    start();
    user->stop(0s);
    EXPECT_EQ(gone, 1);
    co_return;
  };
  shard.run(script);
  EXPECT_THAT(hooks.log, ElementsAre("on_start", "on_start ended", "task", "unwound", "on_stop",
                                     "on_stop ended"));
}

TEST_F(RunningUserTest, TaskIsKilledWhenTheTimeoutIsOver) {
  hooks.task = sleeps(100s);
  SteadyTime stopped;
  const auto script = [&]() -> Task<> {
    start();
    stopped = shard.loop.now();
    user->stop(5ms);
    co_await until_gone();
  };
  shard.run(script);
  EXPECT_GE(shard.loop.now() - stopped, 5ms);
  EXPECT_THAT(hooks.log, ElementsAre("on_start", "on_start ended", "task", "unwound", "on_stop",
                                     "on_stop ended"));
}

TEST_F(RunningUserTest, KilledUsersOnStopMayAwait) {
  hooks.task = sleeps(100s);
  hooks.on_stop = [](ScriptedUser& self) -> Task<> { co_await self.sleep(4ms); };
  const auto script = [&]() -> Task<> {
    start();
    user->stop(1ms);
    co_await until_gone();
  };
  shard.run(script);
  EXPECT_EQ(hooks.log.back(), "on_stop ended");
}

// The greenlet runs on_start in state "running": it is asked to end, and never gets to a task.
TEST_F(RunningUserTest, StoppedInOnStartItRunsNoTask) {
  hooks.on_start = sleeps(3ms);
  const auto script = [&]() -> Task<> {
    start();
    user->stop(100s);
    co_await until_gone();
  };
  shard.run(script);
  EXPECT_THAT(hooks.log,
              ElementsAre("on_start", "unwound", "on_start ended", "on_stop", "on_stop ended"));
}

TEST_F(RunningUserTest, KilledInOnStartItsOnStopRuns) {
  hooks.on_start = sleeps(100s);
  const auto script = [&]() -> Task<> {
    start();
    user->stop(0s);
    co_return;
  };
  shard.run(script);
  EXPECT_EQ(gone, 1);
  EXPECT_THAT(hooks.log, ElementsAre("on_start", "unwound", "on_stop", "on_stop ended"));
}

TEST_F(RunningUserTest, StoppedInOnStartThatFailsOnStopDoesNotRun) {
  hooks.on_start = [](ScriptedUser& self) -> Task<> {
    co_await self.sleep(2ms);
    throw std::runtime_error("no login");
  };
  const auto script = [&]() -> Task<> {
    start();
    user->stop(100s);
    co_await until_gone();
  };
  shard.run(script);
  EXPECT_THAT(hooks.log, ElementsAre("on_start"));
  EXPECT_EQ(shard.errors.size(), 1U);
}

TEST_F(RunningUserTest, StoppedTwiceItEndsOnce) {
  hooks.task = sleeps(4ms);
  const auto script = [&]() -> Task<> {
    start();
    user->stop(100s);
    user->stop(0s);
    EXPECT_EQ(gone, 0) << "the first stop counts";
    co_await until_gone();
    user->stop(0s);
  };
  shard.run(script);
  EXPECT_EQ(gone, 1);
  EXPECT_EQ(std::count(hooks.log.begin(), hooks.log.end(), "on_stop"), 1);
}

// runners.py, stop_users: stop_group.kill() ends a user that is still in on_stop after
// stop_timeout.
TEST_F(RunningUserTest, OnStopAfterATaskHasTheTimeoutAsWell) {
  hooks.task = sleeps(1ms);
  hooks.on_stop = sleeps(100s);
  const auto script = [&]() -> Task<> {
    start();
    user->stop(10ms);
    co_await until_gone();
  };
  shard.run(script);
  EXPECT_EQ(gone, 1);
  EXPECT_THAT(hooks.log, ElementsAre("on_start", "on_start ended", "task", "unwound", "task ended",
                                     "on_stop", "unwound"));
}

TEST_F(RunningUserTest, StoppedInItsOwnOnStop) {
  hooks.task = [](ScriptedUser&) -> Task<> {
    throw StopUser();
    co_return;
  };
  hooks.on_stop = sleeps(100s);
  const auto script = [&]() -> Task<> {
    start();
    user->stop(3ms);
    EXPECT_EQ(gone, 0);
    co_await until_gone();
    gone = 0;
    start();
    user->stop(0s);
    EXPECT_EQ(gone, 1);
  };
  shard.run(script);
  EXPECT_EQ(std::count(hooks.log.begin(), hooks.log.end(), "on_stop ended"), 0);
}

// ---- destruction: nobody is told, nothing leaks, on_stop does not run ----

TEST_F(RunningUserTest, DestroyedInEveryPhase) {
  const auto script = [&]() -> Task<> {
    make(scripted);
    user.reset();  // before it began

    hooks.on_start = sleeps(100s);
    start();
    user.reset();
    hooks.on_start = {};

    hooks.task = sleeps(100s);
    start();
    user.reset();
    start();
    user->stop(100s);  // its deadline is armed
    user.reset();
    hooks.task = {};

    scripted.wait(constant(100s));
    start();
    user.reset();
    scripted.wait(constant(0s));
    start();  // yields
    user.reset();

    EXPECT_THAT(hooks.log, testing::Not(testing::Contains("on_stop")));
    hooks.on_stop = sleeps(100s);
    start();
    user->stop(0s);
    user.reset();
    co_await shard.pass(3ms);  // what was left behind would show now
  };
  shard.run(script);
  EXPECT_EQ(gone, 0);
  EXPECT_EQ(hooks.alive, 0);
}

// ---- fairness and weights ----

// Two users that never wait for anything: the tasks of both run, turn by turn.
TEST_F(RunningUserTest, TaskThatWaitsForNothingDoesNotStarveOthers) {
  std::map<const ScriptedUser*, int> runs;
  hooks.task = [&](ScriptedUser& self) -> Task<> {
    ++runs[&self];
    co_return;
  };
  const auto script = [&]() -> Task<> {
    start();
    const std::unique_ptr<RunningUser> other = std::move(user);
    start();
    co_await shard.until([&] { return runs.size() == 2 && runs.begin()->second > 100; });
    EXPECT_NEAR(runs.begin()->second, runs.rbegin()->second, 2);
    other->stop(0s);
    user->stop(0s);
    EXPECT_EQ(gone, 2);
  };
  shard.run(script);
}

TEST_F(RunningUserTest, PacingStartsWhenTheUserIsMade) {
  // constant_pacing(20 ms) after an on_start of 8 ms and a task of none: 12 ms are left.
  SteadyTime begun;
  SteadyTime second;
  int runs = 0;
  hooks.on_start = sleeps(8ms);
  hooks.task = [&](ScriptedUser&) -> Task<> {
    if (++runs == 2) {
      second = shard.loop.now();
      throw StopUser();
    }
    co_return;
  };
  scripted.wait(constant_pacing(20ms));
  const auto script = [&]() -> Task<> {
    begun = shard.loop.now();
    start();
    co_await until_gone();
  };
  shard.run(script);
  EXPECT_GE(second - begun, 20ms);
}

TEST_F(RunningUserTest, TellsWhoseCodeWasResumedLast) {
  UserClassOf<ScriptedUser> other("Other");
  other.task<&ScriptedUser::task>();
  hooks.task = sleeps(2ms);
  const auto script = [&]() -> Task<> {
    start();
    std::unique_ptr<RunningUser> kept = std::move(user);
    EXPECT_EQ(shard.context.resumed.load(), &scripted);
    hooks.task = sleeps(100s);
    make(other).start();
    EXPECT_EQ(shard.context.resumed.load(), &other);
    const std::size_t before = hooks.log.size();
    co_await shard.until([&] { return hooks.log.size() > before; });
    EXPECT_EQ(shard.context.resumed.load(), &scripted) << "it went on after its sleep";
    user->stop(0s);
    EXPECT_EQ(shard.context.resumed.load(), &other) << "in its on_stop";
  };
  shard.run(script);
}

}  // namespace
}  // namespace locust
