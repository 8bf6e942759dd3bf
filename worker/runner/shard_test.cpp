// A shard: a real thread with users that report and sleep. Everything is awaited by its news, and a
// test that waits in vain fails after 20 s.
#include "runner/shard.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <condition_variable>
#include <map>
#include <mutex>
#include <stdexcept>

#include "user/user.h"

namespace locust::runner {
namespace {

using namespace std::chrono_literals;

// Reports and sleeps a little.
class Busy : public User {
 public:
  Task<> work() {
    report({.method = "TEST", .name = "work", .elapsed = 1ms});
    co_await sleep(1ms);
  }
};

// Its task ends when it is killed only.
class Stubborn : public User {
 public:
  Task<> on_stop() override {
    report({.method = "TEST", .name = "on_stop"});
    co_return;
  }
  Task<> work() {
    report({.method = "TEST", .name = "begun"});
    co_await sleep(1000s);
  }
};

// Ends by itself.
class Brief : public User {
 public:
  Task<> work() {
    throw StopUser();
    co_return;
  }
};

class Failing : public User {
 public:
  Task<> work() {
    throw std::runtime_error("out of order");
    co_return;
  }
};

class Blocking : public User {
 public:
  static inline std::atomic<bool> blocks = false;
  Task<> work() {
    co_await sleep(1ms);
    blocks = true;
    std::this_thread::sleep_for(300ms);
    blocks = false;
    co_await sleep(1000s);
  }
};

class Unmakeable : public User {
 public:
  Unmakeable() { throw std::invalid_argument("no host"); }
  Task<> work() { co_return; }
};

UserClasses classes() {
  return {user_class<Busy>("Busy").task<&Busy::work>().wait(constant(1ms)),
          user_class<Stubborn>("Stubborn").task<&Stubborn::work>(),
          user_class<Brief>("Brief").task<&Brief::work>(),
          user_class<Failing>("Failing").task<&Failing::work>().wait(constant(2ms)),
          user_class<Blocking>("Blocking").task<&Blocking::work>(),
          user_class<Unmakeable>("Unmakeable").task<&Unmakeable::work>()};
}

enum : std::size_t { kBusy, kStubborn, kBrief, kFailing, kBlocking, kUnmakeable, kClasses };

ClassCounts counts(std::map<std::size_t, std::int64_t> some) {
  ClassCounts result(kClasses, 0);
  for (const auto& [user_class, count] : some) result[user_class] = count;
  return result;
}

class ShardTest : public testing::Test {
 protected:
  ShardTest() { shard = std::make_unique<Shard>(0, listed(), hooks()); }

  UserClasses listed() {
    UserClasses result = classes();
    result.on_message("ask", [](Environment& environment, const Value& data) {
      environment.send_message("answer", data);
    });
    result.on_message("throw", [](Environment&, const Value&) { throw 7; });
    result.on_message("tell", [](Environment& environment, const Value&) {
      environment.send_message(environment.host.value_or("none"), environment.worker_index);
    });
    return result;
  }

  ShardHooks hooks() {
    ShardHooks result;
    result.on_news = [this](ShardNews one) { with_lock([&] { news.push_back(std::move(one)); }); };
    result.on_user_errors = [this](std::vector<std::pair<UserError, std::uint64_t>> some) {
      with_lock([&] {
        for (auto& [error, times] : some) {
          errors[error.msg + "|" + error.traceback] += times;
          ++error_entries;
        }
      });
    };
    result.send_message = [this](std::string type, Value data) {
      with_lock([&] { messages.emplace_back(std::move(type), std::move(data)); });
    };
    return result;
  }

  void with_lock(const std::function<void()>& change) {
    {
      const std::lock_guard lock(mutex);
      change();
    }
    changed.notify_all();
  }
  // Until `is_so`, which is asked under the lock.
  void wait(const std::function<bool()>& is_so) {
    std::unique_lock lock(mutex);
    ASSERT_TRUE(changed.wait_for(lock, 20s, is_so)) << "waited in vain";
  }
  // Until the job is done; what the shard said then.
  ShardNews in_place(std::uint64_t job) {
    ShardNews found;
    wait([&] {
      const auto one = std::find_if(news.begin(), news.end(), [&](const ShardNews& candidate) {
        return candidate.job == job && candidate.in_place;
      });
      if (one == news.end()) return false;
      found = *one;
      return true;
    });
    return found;
  }
  // Until the newest news tell of so many running users.
  void wait_running(const ClassCounts& running) {
    wait([&] { return !news.empty() && news.back().running == running; });
  }
  stats::Report take() {
    std::optional<stats::Report> result;
    shard->take([&](stats::Report report) { with_lock([&] { result = std::move(report); }); });
    wait([&] { return result.has_value(); });
    return std::move(*result);
  }
  // Everything that was posted before is done.
  void flush() { (void)take(); }

  std::mutex mutex;
  std::condition_variable changed;
  std::vector<ShardNews> news;
  std::map<std::string, std::uint64_t> errors;
  int error_entries = 0;
  std::vector<std::pair<std::string, Value>> messages;
  std::unique_ptr<Shard> shard;  // last: its thread uses all of this
};

std::uint64_t requests(const stats::Report& report, const std::string& name) {
  for (const auto& row : report.stats) {
    if (row.name == name) return row.num_requests;
  }
  return 0;
}

TEST_F(ShardTest, UsersReachTheirTargets) {
  shard->set_users(1, counts({{kBusy, 120}, {kStubborn, 3}}), 0s);
  const ShardNews done = in_place(1);
  EXPECT_EQ(done.running, counts({{kBusy, 120}, {kStubborn, 3}}));
  EXPECT_EQ(done.expected, done.running);
  flush();
  const std::lock_guard lock(mutex);
  for (const ShardNews& one : news) {
    EXPECT_LE(one.running[kBusy], 120);
    EXPECT_EQ(one.expected[kBusy], 120) << "those still to be started count as expected";
    EXPECT_EQ(one.in_place, one.running == done.running);
  }
}

TEST_F(ShardTest, OrderThatChangesNothingIsDoneAtOnce) {
  shard->set_users(1, counts({{kBusy, 2}}), 0s);
  in_place(1);
  shard->set_users(2, counts({{kBusy, 2}}), 0s);
  EXPECT_EQ(in_place(2).running, counts({{kBusy, 2}}));
  shard->set_users(3, counts({}), 0s);
  EXPECT_EQ(in_place(3).running, counts({}));
  shard->set_users(4, counts({}), 0s);
  in_place(4);
}

TEST_F(ShardTest, RampDownWithoutATimeoutKills) {
  shard->set_users(1, counts({{kStubborn, 5}, {kBusy, 5}}), 0s);
  in_place(1);
  shard->set_users(2, counts({{kStubborn, 2}}), 0s);
  EXPECT_EQ(in_place(2).running, counts({{kStubborn, 2}}));
  EXPECT_EQ(requests(take(), "on_stop"), 3U);
}

TEST_F(ShardTest, RampDownWithATimeoutWaitsForTasksThatEnd) {
  shard->set_users(1, counts({{kBusy, 5}}), 0s);
  in_place(1);
  shard->set_users(2, counts({{kBusy, 1}}), 1000s);
  EXPECT_EQ(in_place(2).running, counts({{kBusy, 1}}));
}

TEST_F(ShardTest, RampDownKillsWhenTheTimeoutIsOver) {
  shard->set_users(1, counts({{kStubborn, 4}}), 0s);
  in_place(1);
  const SteadyTime before = std::chrono::steady_clock::now();
  shard->set_users(2, counts({{kStubborn, 1}}), 30ms);
  wait([&] { return news.back().job == 2; });
  EXPECT_EQ(in_place(2).running, counts({{kStubborn, 1}}));
  EXPECT_GE(std::chrono::steady_clock::now() - before, 30ms);
  EXPECT_EQ(requests(take(), "on_stop"), 3U);
  const std::lock_guard lock(mutex);
  for (const ShardNews& one : news) {
    if (one.job == 2 && !one.in_place) {
      EXPECT_EQ(one.running[kStubborn], 4) << "those that are ending still run";
      EXPECT_EQ(one.expected[kStubborn], 1);
    }
  }
}

TEST_F(ShardTest, NewOrderWhileUsersAreEnding) {
  shard->set_users(1, counts({{kStubborn, 3}}), 0s);
  in_place(1);
  shard->set_users(2, counts({}), 1000s);
  shard->set_users(3, counts({{kStubborn, 2}}), 1000s);
  wait([&] { return news.back().job == 3 && news.back().running[kStubborn] == 5; });
  {
    const std::lock_guard lock(mutex);
    EXPECT_FALSE(news.back().in_place);
    EXPECT_EQ(news.back().expected, counts({{kStubborn, 2}}));
  }
}

TEST_F(ShardTest, UsersThatEndByThemselvesAreCountedOffAndNotReplaced) {
  shard->set_users(1, counts({{kBrief, 4}, {kBusy, 1}}), 0s);
  wait_running(counts({{kBusy, 1}}));
  {
    const std::lock_guard lock(mutex);
    EXPECT_EQ(news.back().expected, counts({{kBusy, 1}}));
    EXPECT_TRUE(news.back().in_place);
    news.clear();
  }
  flush();
  {
    const std::lock_guard lock(mutex);
    EXPECT_TRUE(news.empty()) << "nobody was started since";
  }
  shard->set_users(2, counts({{kBrief, 4}, {kBusy, 1}}), 0s);
  in_place(2);
}

TEST_F(ShardTest, UsersThatCannotBeMadeDoNotHoldUpTheJob) {
  shard->set_users(1, counts({{kUnmakeable, 70}}), 0s);
  wait([&] { return !news.empty() && news.back().in_place && news.back().job == 1; });
  flush();
  const std::lock_guard lock(mutex);
  EXPECT_EQ(news.back().running, counts({}));
  ASSERT_EQ(errors.size(), 1U);
  EXPECT_EQ(errors.begin()->second, 70U);
}

TEST_F(ShardTest, SameExceptionsAreToldOnceWithTheirNumber) {
  shard->set_users(1, counts({{kFailing, 20}}), 0s);
  wait([&] { return !errors.empty() && errors.begin()->second >= 60; });
  const std::lock_guard lock(mutex);
  ASSERT_EQ(errors.size(), 1U);
  EXPECT_THAT(errors.begin()->first, testing::StartsWith("out of order|"));
  EXPECT_THAT(errors.begin()->first, testing::HasSubstr("In work of user class Failing"));
  EXPECT_LT(static_cast<std::uint64_t>(error_entries), errors.begin()->second / 4);
}

TEST_F(ShardTest, TakeHandsOverEverySampleOnce) {
  shard->set_users(1, counts({{kStubborn, 7}}), 0s);
  in_place(1);
  const stats::Report first = take();
  EXPECT_EQ(requests(first, "begun"), 7U);
  EXPECT_EQ(first.total.num_requests, 7U);
  EXPECT_TRUE(take().empty());
  shard->set_users(2, counts({{kStubborn, 9}}), 0s);
  in_place(2);
  EXPECT_EQ(requests(take(), "begun"), 2U);
}

TEST_F(ShardTest, ClearForgetsWhatWasRecorded) {
  shard->set_users(1, counts({{kStubborn, 7}}), 0s);
  in_place(1);
  shard->clear_stats();
  EXPECT_TRUE(take().empty());
}

TEST_F(ShardTest, MessagesReachTheirListenerAndItsAnswerTheMaster) {
  shard->deliver("ask", Map{{"n", 1}});
  wait([&] { return !messages.empty(); });
  shard->deliver("throw", nullptr);
  shard->configure("http://from.master", Map{});
  shard->set_worker_index(3);
  shard->deliver("tell", nullptr);
  wait([&] { return messages.size() == 2; });
  const std::lock_guard lock(mutex);
  EXPECT_EQ(messages[0].first, "answer");
  EXPECT_EQ(messages[0].second, Value(Map{{"n", 1}}));
  EXPECT_EQ(messages[1].first, "http://from.master");
  EXPECT_EQ(messages[1].second, Value(3));
}

TEST_F(ShardTest, PickerChangesWhatRunningUsersDo) {
  shard->update_user_class("Busy", Map{{"tasks", Array{}}});
  shard->update_user_class("Nobody", Map{{"tasks", Array{}}});
  shard->set_users(1, counts({{kBusy, 1}}), 0s);
  wait([&] { return !errors.empty(); });
  shard->update_user_class("Busy", Map{{"tasks", Array{"work"}}});
  flush();
  flush();
  std::uint64_t done = 0;
  for (int i = 0; i < 2000 && done == 0; ++i) {
    done = requests(take(), "work");
    std::this_thread::sleep_for(1ms);
  }
  EXPECT_GT(done, 0U);
}

TEST_F(ShardTest, TellsWhoseTaskBlocksIt) {
  shard->set_users(1, counts({{kBlocking, 1}, {kBusy, 3}}), 0s);
  Shard::Blocked blocked;
  for (int i = 0; i < 2000 && blocked.duration < 100ms; ++i) {
    std::this_thread::sleep_for(1ms);
    const bool before = Blocking::blocks;
    blocked = shard->blocked(std::chrono::steady_clock::now());
    if (!before) blocked = {};
  }
  EXPECT_GE(blocked.duration, 100ms);
  EXPECT_EQ(blocked.user_class, "Blocking");
  EXPECT_FALSE(shard->stopped());
  flush();
}

TEST_F(ShardTest, DestroyedWhileUsersRunOnStopDoesNot) {
  shard->set_users(1, counts({{kStubborn, 5}, {kBusy, 50}, {kFailing, 5}}), 0s);
  in_place(1);
  EXPECT_EQ(requests(take(), "on_stop"), 0U);
  shard.reset();
}

TEST_F(ShardTest, DestroyedAtAnyMomentOfARampUp) {
  for (int i = 0; i < 10; ++i) {
    shard = std::make_unique<Shard>(0, listed(), hooks());
    shard->set_users(1, counts({{kStubborn, 100}, {kBusy, 400}, {kBrief, 100}}), 0s);
    if (i > 0) shard->set_users(2, counts({{kBusy, 10}}), i % 2 == 0 ? 1000s : 0s);
    if (i > 5) flush();
    shard.reset();
  }
}

TEST_F(ShardTest, StopEndsTheThread) {
  EXPECT_FALSE(shard->stopped());
  shard->stop();
  for (int i = 0; i < 5000 && !shard->stopped(); ++i) std::this_thread::sleep_for(1ms);
  EXPECT_TRUE(shard->stopped());
}

}  // namespace
}  // namespace locust::runner
