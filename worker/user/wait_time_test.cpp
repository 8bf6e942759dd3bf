// The wait_time functions against Locust's (user/wait_time.py). The pacing sequences are what
// Python's own functions return for the same durations, under a perf_counter() set by hand.
#include "user/wait_time.h"

#include <gtest/gtest.h>

#include <chrono>
#include <cmath>
#include <limits>
#include <stdexcept>
#include <vector>

namespace locust {
namespace {

using namespace std::chrono_literals;

double to_seconds(SteadyDuration duration) {
  return std::chrono::duration<double>(duration).count();
}

// Waits after tasks of these durations; `late` is how much longer each wait takes than asked.
std::vector<double> waits(const WaitTime& wait_time, const std::vector<milliseconds>& tasks,
                          milliseconds on_start = 0ms, milliseconds late = 0ms) {
  Random random(1);
  SteadyTime now(100s);
  WaitState state;
  state.last_run = now;  // users.py, User.__init__: perf_counter()
  now += on_start;
  std::vector<double> result;
  for (const milliseconds task : tasks) {
    now += task;
    const SteadyDuration wait = wait_time.next(state, now, random);
    result.push_back(to_seconds(wait));
    now += wait + late;
  }
  return result;
}

void expect_near(const std::vector<double>& actual, const std::vector<double>& expected) {
  ASSERT_EQ(actual.size(), expected.size());
  for (std::size_t i = 0; i < actual.size(); ++i) EXPECT_NEAR(actual[i], expected[i], 1e-8) << i;
}

TEST(WaitTime, DefaultIsNone) { expect_near(waits(WaitTime(), {300ms, 0ms}), {0, 0}); }

TEST(WaitTime, ConstantIsTheSameWhateverTheTaskTook) {
  expect_near(waits(constant(1500ms), {300ms, 5s, 0ms}), {1.5, 1.5, 1.5});
  expect_near(waits(constant(0s), {300ms}), {0});
}

TEST(WaitTime, ConstantPacingAsPython) {
  // on_start counts as a part of the first run.
  expect_near(waits(constant_pacing(1s), {300ms, 1500ms, 200ms, 1s, 2750ms, 0ms, 999ms}, 250ms),
              {0.45, 0, 0.8, 0, 0, 1, 0.001});
}

// A wake-up that comes late counts as run time of the next task: the pace is kept.
TEST(WaitTime, ConstantPacingMakesUpForLateWakeUps) {
  expect_near(waits(constant_pacing(1s), {500ms, 500ms, 500ms}, 0ms, 125ms), {0.5, 0.375, 0.375});
}

TEST(WaitTime, ConstantThroughputAsPython) {
  expect_near(waits(constant_throughput(4), {100ms, 300ms, 50ms, 250ms, 0ms}),
              {0.15, 0, 0.2, 0, 0.25});
}

TEST(WaitTime, UsersDoNotShareTheirPace) {
  const WaitTime pacing = constant_pacing(1s);
  expect_near(waits(pacing, {300ms, 300ms}), {0.7, 0.7});
  expect_near(waits(pacing, {900ms}), {0.1});
}

TEST(WaitTime, BetweenIsEvenBetweenItsBounds) {
  Random random(7);
  WaitState state;
  const WaitTime wait_time = between(1s, 3s);
  constexpr int kDraws = 20'000;
  double sum = 0;
  std::vector<int> quarters(4);
  for (int i = 0; i < kDraws; ++i) {
    const double wait = to_seconds(wait_time.next(state, SteadyTime(), random));
    ASSERT_GE(wait, 1);
    ASSERT_LT(wait, 3);
    sum += wait;
    ++quarters[static_cast<std::size_t>((wait - 1) * 2)];
  }
  // Five standard deviations: 2/sqrt(12)/sqrt(n), and sqrt(n*1/4*3/4).
  EXPECT_NEAR(sum / kDraws, 2, 5 * 2 / std::sqrt(12.0 * kDraws));
  for (const int quarter : quarters) {
    EXPECT_NEAR(quarter, kDraws / 4, 5 * std::sqrt(kDraws * 0.1875));
  }
}

TEST(WaitTime, BetweenEqualBoundsIsConstant) {
  expect_near(waits(between(2s, 2s), {0ms, 1s}), {2, 2});
}

TEST(WaitTime, PoissonIsExponentialWithThisMean) {
  Random random(7);
  WaitState state;
  const WaitTime wait_time = poisson(2);
  constexpr int kDraws = 40'000;
  double sum = 0;
  int beyond_mean = 0;
  for (int i = 0; i < kDraws; ++i) {
    const double wait = to_seconds(wait_time.next(state, SteadyTime(), random));
    ASSERT_GE(wait, 0);
    sum += wait;
    if (wait > 0.5) ++beyond_mean;
  }
  EXPECT_NEAR(sum / kDraws, 0.5, 5 * 0.5 / std::sqrt(kDraws));  // its deviation is its mean
  EXPECT_NEAR(beyond_mean, kDraws / std::exp(1), 5 * std::sqrt(kDraws * 0.2325));
}

TEST(WaitTime, WhatMakesNoSenseIsRefused) {
  EXPECT_THROW(between(3s, 1s), std::invalid_argument);
  EXPECT_THROW(between(-1s, 1s), std::invalid_argument);
  for (const double rate : {0.0, -1.0, std::nan("")}) {
    EXPECT_THROW(constant_throughput(rate), std::invalid_argument);
    EXPECT_THROW(poisson(rate), std::invalid_argument);
  }
}

// gevent.sleep() of a negative time is sleep(0).
TEST(WaitTime, NegativeConstantsAreNoWait) {
  expect_near(waits(constant(-1s), {300ms}), {0});
  expect_near(waits(constant_pacing(-1s), {300ms}), {0});
}

TEST(WaitTime, RatesNearZeroWaitLongAndDoNotWrapAround) {
  constexpr double kYear = 365.0 * 86400;
  for (const double rate : {1e-12, 1e-300, std::numeric_limits<double>::denorm_min()}) {
    EXPECT_GT(waits(constant_throughput(rate), {0ms}).at(0), kYear) << rate;
    const SteadyDuration wait = [rate] {
      Random random(1);
      WaitState state;
      return poisson(rate).next(state, SteadyTime(), random);
    }();
    EXPECT_GT(to_seconds(wait), 0) << rate;
    EXPECT_GT(std::chrono::steady_clock::now() + wait, std::chrono::steady_clock::now()) << rate;
  }
}

}  // namespace
}  // namespace locust
