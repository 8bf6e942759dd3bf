// TimerQueue against what its header promises, and random operations against a std::multimap.
#include "base/timer_queue.h"

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <vector>

namespace locust {
namespace {

SteadyTime at(int ms) { return SteadyTime(milliseconds(ms)); }

class TestTimer final : public Timer {
 public:
  explicit TestTimer(std::function<void()> on_fire) : on_fire_(std::move(on_fire)) {}

 private:
  void fire() override { on_fire_(); }
  std::function<void()> on_fire_;
};

TEST(TimerQueue, FiresWhatIsDueEarliestFirst) {
  TimerQueue queue;
  std::vector<int> fired;
  TestTimer late([&] { fired.push_back(30); });
  TestTimer early([&] { fired.push_back(10); });
  TestTimer middle([&] { fired.push_back(20); });
  queue.arm(late, at(30));
  queue.arm(early, at(10));
  queue.arm(middle, at(20));
  EXPECT_EQ(queue.next(), at(10));
  queue.fire_due(at(9));
  EXPECT_TRUE(fired.empty());
  queue.fire_due(at(20));
  EXPECT_EQ(fired, (std::vector<int>{10, 20}));
  EXPECT_FALSE(early.armed());
  EXPECT_TRUE(late.armed());
  queue.fire_due(at(1000));
  EXPECT_EQ(fired, (std::vector<int>{10, 20, 30}));
  EXPECT_TRUE(queue.empty());
}

TEST(TimerQueue, ArmingAgainMovesATimer) {
  TimerQueue queue;
  int fired = 0;
  TestTimer timer([&] { ++fired; });
  queue.arm(timer, at(10));
  queue.arm(timer, at(50));
  queue.fire_due(at(40));
  EXPECT_EQ(fired, 0);
  queue.arm(timer, at(20));
  queue.fire_due(at(40));
  EXPECT_EQ(fired, 1);
}

TEST(TimerQueue, ArmingInAnotherQueueTakesItOutOfTheFirst) {
  TimerQueue first;
  TimerQueue second;
  int fired = 0;
  TestTimer timer([&] { ++fired; });
  first.arm(timer, at(10));
  second.arm(timer, at(20));
  EXPECT_TRUE(first.empty());
  first.fire_due(at(100));
  EXPECT_EQ(fired, 0);
  second.fire_due(at(100));
  EXPECT_EQ(fired, 1);
}

TEST(TimerQueue, DestroyedTimersAndQueuesForgetEachOther) {
  TestTimer outlives([] { FAIL(); });
  {
    TimerQueue queue;
    queue.arm(outlives, at(1));
    {
      TestTimer dies([] { FAIL(); });
      queue.arm(dies, at(1));
    }
    outlives.disarm();
    queue.fire_due(at(10));
    queue.arm(outlives, at(1));
  }
  EXPECT_FALSE(outlives.armed());
}

TEST(TimerQueue, FireMayArmItsOwnTimerAgain) {
  TimerQueue queue;
  std::vector<int> fired;
  std::unique_ptr<TestTimer> timer;
  timer = std::make_unique<TestTimer>([&] {
    EXPECT_FALSE(timer->armed());
    fired.push_back(1);
    queue.arm(*timer, at(0));  // has come already: not in this call
  });
  queue.arm(*timer, at(0));
  queue.fire_due(at(5));
  EXPECT_EQ(fired.size(), 1U);
  EXPECT_TRUE(timer->armed());
  queue.fire_due(at(5));
  EXPECT_EQ(fired.size(), 2U);
}

TEST(TimerQueue, FireMayDisarmOneThatIsDueAtTheSameTime) {
  TimerQueue queue;
  std::vector<int> fired;
  TestTimer victim([&] { fired.push_back(2); });
  TestTimer killer([&] {
    fired.push_back(1);
    EXPECT_TRUE(victim.armed());
    victim.disarm();
    EXPECT_FALSE(victim.armed());
  });
  queue.arm(killer, at(1));
  queue.arm(victim, at(2));
  queue.fire_due(at(3));
  EXPECT_EQ(fired, std::vector<int>{1});
  EXPECT_TRUE(queue.empty());
}

TEST(TimerQueue, FireMayPutOffOneThatIsDueAtTheSameTime) {
  TimerQueue queue;
  std::vector<int> fired;
  TestTimer put_off([&] { fired.push_back(2); });
  TestTimer first([&] {
    fired.push_back(1);
    queue.arm(put_off, at(10));
  });
  queue.arm(first, at(1));
  queue.arm(put_off, at(2));
  queue.fire_due(at(3));
  EXPECT_EQ(fired, std::vector<int>{1});
  EXPECT_EQ(queue.next(), at(10));
  queue.fire_due(at(10));
  EXPECT_EQ(fired, (std::vector<int>{1, 2}));
}

TEST(TimerQueue, FireMayDestroyItsOwnTimerAndOthers) {
  TimerQueue queue;
  int fired = 0;
  std::unique_ptr<TestTimer> other;
  std::unique_ptr<TestTimer> self;
  other = std::make_unique<TestTimer>([&] { ++fired; });
  self = std::make_unique<TestTimer>([&] {
    ++fired;
    other.reset();
    self.reset();
  });
  queue.arm(*self, at(1));
  queue.arm(*other, at(2));
  queue.fire_due(at(3));
  EXPECT_EQ(fired, 1);
  EXPECT_TRUE(queue.empty());
}

// A queue beside a model of it; both are told the same.
class Model {
 public:
  Model() {
    for (int i = 0; i < 60; ++i) {
      timers_.push_back(std::make_unique<TestTimer>([this, i] { on_fire(i); }));
    }
  }

  void step(std::mt19937& random) {
    const int timer = pick(random, 60);
    switch (pick(random, 10)) {
      case 0:
        disarm(timer);
        break;
      case 1:
        fire(random);
        break;
      default:
        arm(timer, now_ + pick(random, 200) - 20);
    }
    check();
  }

  int fired() const { return fired_; }

 private:
  static int pick(std::mt19937& random, int below) {
    return static_cast<int>(random() % static_cast<unsigned>(below));
  }
  void arm(int timer, int when) {
    disarm_in_model(timer);
    model_.emplace(when, timer);
    when_[timer] = when;
    queue_.arm(*timers_[static_cast<std::size_t>(timer)], at(when));
  }
  void disarm(int timer) {
    disarm_in_model(timer);
    timers_[static_cast<std::size_t>(timer)]->disarm();
  }
  void disarm_in_model(int timer) {
    for (auto one = model_.begin(); one != model_.end(); ++one) {
      if (one->second == timer) {
        model_.erase(one);
        break;
      }
    }
    when_.erase(timer);
    due_.erase(timer);
  }
  void fire(std::mt19937& random) {
    now_ += pick(random, 60);
    random_ = &random;
    for (auto one = model_.begin(); one != model_.end() && one->first <= now_;) {
      due_.insert(one->second);
      one = model_.erase(one);
    }
    last_ = INT32_MIN;
    queue_.fire_due(at(now_));
    EXPECT_TRUE(due_.empty()) << "not fired though due";
    random_ = nullptr;
  }
  void on_fire(int timer) {
    ++fired_;
    ASSERT_EQ(due_.erase(timer), 1U) << "fired though not due";
    EXPECT_GE(when_.at(timer), last_) << "out of order";
    last_ = when_.at(timer);
    when_.erase(timer);
    if (pick(*random_, 3) == 0) arm(pick(*random_, 60), now_ + pick(*random_, 100) - 20);
    if (pick(*random_, 3) == 0) disarm(pick(*random_, 60));
  }
  void check() const {
    ASSERT_EQ(queue_.empty(), model_.empty());
    if (!model_.empty()) {
      ASSERT_EQ(queue_.next(), at(model_.begin()->first));
    }
    for (int i = 0; i < 60; ++i) {
      ASSERT_EQ(timers_[static_cast<std::size_t>(i)]->armed(), when_.contains(i));
    }
  }

  TimerQueue queue_;
  std::vector<std::unique_ptr<TestTimer>> timers_;
  std::multimap<int, int> model_;  // time → timer
  std::map<int, int> when_;        // timer → time, of those that are armed
  std::set<int> due_;              // during fire(): those that must still fire
  std::mt19937* random_ = nullptr;
  int now_ = 0;
  int last_ = 0;
  int fired_ = 0;
};

TEST(TimerQueue, RandomOperationsAsAModel) {
  for (unsigned seed = 1; seed <= 6; ++seed) {
    std::mt19937 random(seed);
    Model model;
    for (int i = 0; i < 2000 && !testing::Test::HasFailure(); ++i) model.step(random);
    EXPECT_GT(model.fired(), 100) << "seed " << seed;
  }
}

}  // namespace
}  // namespace locust
