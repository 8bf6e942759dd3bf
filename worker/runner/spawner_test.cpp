// How users are dealt to shards: exact in sum, even, and moving none that run.
#include "runner/spawner.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <random>

namespace locust::runner {
namespace {

using Dealt = std::vector<ClassCounts>;

std::int64_t of_class(const Dealt& dealt, std::size_t user_class) {
  std::int64_t sum = 0;
  for (const ClassCounts& counts : dealt) sum += counts[user_class];
  return sum;
}

std::int64_t of_shard(const ClassCounts& counts) {
  return std::accumulate(counts.begin(), counts.end(), std::int64_t{0});
}

std::int64_t unevenness(const Dealt& dealt) {
  const auto [least, most] =
      std::minmax_element(dealt.begin(), dealt.end(),
                          [](const auto& a, const auto& b) { return of_shard(a) < of_shard(b); });
  return of_shard(*most) - of_shard(*least);
}

TEST(Spawner, DealsOneClassEvenly) {
  Spawner spawner(4, 1);
  EXPECT_EQ(spawner.deal({10}), (Dealt{{3}, {3}, {2}, {2}}));
}

TEST(Spawner, DealsAllClassesEvenlyInSum) {
  Spawner spawner(2, 3);
  const Dealt& dealt = spawner.deal({1, 1, 1});
  EXPECT_EQ(unevenness(dealt), 1);
  for (std::size_t i = 0; i < 3; ++i) EXPECT_EQ(of_class(dealt, i), 1);
}

TEST(Spawner, NegativeMeansAsManyAsThereAre) {
  Spawner spawner(2, 2);
  spawner.deal({4, 2});
  const Dealt& dealt = spawner.deal({-1, 0});
  EXPECT_EQ(of_class(dealt, 0), 4);
  EXPECT_EQ(of_class(dealt, 1), 0);
}

TEST(Spawner, SameCountsMoveNobody) {
  Spawner spawner(3, 2);
  const Dealt before = spawner.deal({5, 7});
  EXPECT_EQ(spawner.deal({5, 7}), before);
}

TEST(Spawner, ZeroTakesAllAway) {
  Spawner spawner(3, 2);
  spawner.deal({5, 7});
  EXPECT_EQ(spawner.deal({0, 0}), Dealt(3, ClassCounts{0, 0}));
}

TEST(Spawner, UsersThatEndedByThemselvesAreReplacedOnTheirShard) {
  Spawner spawner(2, 1);
  spawner.deal({6});
  spawner.correct(1, {1});
  EXPECT_EQ(spawner.deal({-1}), (Dealt{{3}, {1}}));
  EXPECT_EQ(spawner.deal({6}), (Dealt{{3}, {3}}));
}

TEST(Spawner, CorrectedWithMoreThanIsWantedTakesThemAway) {
  Spawner spawner(2, 1);
  spawner.deal({2});
  spawner.correct(0, {5});
  const Dealt& dealt = spawner.deal({2});
  EXPECT_EQ(of_class(dealt, 0), 2);
}

// Any sequence of orders: the sums are exact; a class that grows shrinks nowhere, one that shrinks
// grows nowhere and loses on its fullest shards; what was even stays so while users are added.
TEST(Spawner, AnySequenceOfOrders) {
  for (unsigned seed = 1; seed <= 200; ++seed) {
    std::mt19937 random(seed);
    const auto below = [&](unsigned limit) { return random() % limit; };
    const std::size_t shards = 1 + below(6);
    const std::size_t classes = 1 + below(4);
    Spawner spawner(shards, classes);
    Dealt before(shards, ClassCounts(classes, 0));
    for (int step = 0; step < 30; ++step) {
      ClassCounts wanted(classes);
      for (auto& count : wanted) count = static_cast<std::int64_t>(below(40)) - 3;
      const Dealt after = spawner.deal(wanted);
      bool only_more = true;
      for (std::size_t i = 0; i < classes; ++i) {
        const std::int64_t was = of_class(before, i);
        const std::int64_t target = wanted[i] < 0 ? was : wanted[i];
        ASSERT_EQ(of_class(after, i), target);
        only_more = only_more && target >= was;
        std::int64_t highest = 0;
        for (const ClassCounts& counts : after) highest = std::max(highest, counts[i]);
        for (std::size_t shard = 0; shard < shards; ++shard) {
          ASSERT_GE(after[shard][i], 0);
          if (target >= was) {
            ASSERT_GE(after[shard][i], before[shard][i]) << "moved";
          }
          if (target <= was) {
            ASSERT_LE(after[shard][i], before[shard][i]) << "moved";
          }
          // Who has lost one had more than anybody has now, or as many.
          if (after[shard][i] < before[shard][i]) {
            ASSERT_GE(after[shard][i] + 1, highest) << "taken from the emptier";
          }
        }
      }
      if (only_more) {
        ASSERT_LE(unevenness(after), std::max<std::int64_t>(unevenness(before), 1));
      }
      before = after;
    }
  }
}

}  // namespace
}  // namespace locust::runner
