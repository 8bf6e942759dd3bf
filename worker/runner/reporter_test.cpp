// Collections of shards' reports: order, deadlines, late answers, and what a cleared test forgets.
#include "runner/reporter.h"

#include <gtest/gtest.h>

#include <random>

#include "stats/recorder.h"

namespace locust::runner {
namespace {

SteadyTime at(int ms) { return SteadyTime(milliseconds(100'000 + ms)); }

WallTime wall(int second) { return WallTime(seconds(1'700'000'000 + second)); }

// What a shard hands over that has recorded so many requests.
stats::Report report_of(int requests) {
  stats::Recorder recorder(wall(0));
  stats::Entry& entry = recorder.entry("GET", "/");
  for (int i = 0; i < requests; ++i) recorder.record(entry, wall(1), 5, 10);
  return recorder.take(wall(2));
}

std::uint64_t requests_in(const std::optional<Reporter::Gathered>& gathered) {
  return gathered ? gathered->report.total.num_requests : UINT64_MAX;
}

TEST(Reporter, IsCompleteWhenAllShardsHaveAnswered) {
  Reporter reporter(3);
  const auto ticket = reporter.begin(at(0));
  reporter.answer(ticket, report_of(1));
  reporter.answer(ticket, report_of(2));
  EXPECT_FALSE(reporter.next(at(1)));
  reporter.answer(ticket, report_of(4));
  const auto report = reporter.next(at(1));
  ASSERT_TRUE(report);
  EXPECT_EQ(requests_in(report), 7U);
  ASSERT_EQ(report->report.stats.size(), 1U);
  EXPECT_EQ(report->report.stats[0].num_requests, 7U);
  EXPECT_FALSE(reporter.next(at(1))) << "it is over";
  EXPECT_FALSE(reporter.deadline());
}

TEST(Reporter, KeepsWhatALocustfileAddsLateForTheNextReport) {
  Reporter reporter(1, milliseconds(1000));
  const auto ticket = reporter.begin(at(0));
  EXPECT_FALSE(reporter.next(at(999)));
  EXPECT_TRUE(reporter.next(at(1000)));
  reporter.answer(ticket, {}, Map{{"bytes", 5}});
  reporter.answer(reporter.begin(at(3000)), report_of(1), Map{{"pages", 1}});
  const auto gathered = reporter.next(at(3000));
  EXPECT_EQ(requests_in(gathered), 1U);
  EXPECT_EQ(gathered->extra, (Map{{"pages", 1}, {"bytes", 5}}));
}

TEST(Reporter, DoesNotWaitForAShardThatDoesNotAnswer) {
  Reporter reporter(2);
  const auto ticket = reporter.begin(at(0));
  reporter.answer(ticket, report_of(1));
  ASSERT_TRUE(reporter.deadline());
  const SteadyTime deadline = *reporter.deadline();
  // A master that quits waits 0.5 s for the last report (runners.py, MasterRunner.quit).
  EXPECT_GT(deadline, at(0));
  EXPECT_LT(deadline, at(500));
  EXPECT_FALSE(reporter.next(deadline - milliseconds(1)));
  EXPECT_EQ(requests_in(reporter.next(deadline)), 1U);
}

TEST(Reporter, LateAnswerGoesIntoTheNextReport) {
  Reporter reporter(2);
  const auto first = reporter.begin(at(0));
  reporter.answer(first, report_of(1));
  EXPECT_EQ(requests_in(reporter.next(at(1000))), 1U);
  reporter.answer(first, report_of(10));

  const auto second = reporter.begin(at(3000));
  reporter.answer(second, report_of(100));
  EXPECT_FALSE(reporter.next(at(3001))) << "the late one does not count as an answer";
  reporter.answer(second, report_of(1000));
  EXPECT_EQ(requests_in(reporter.next(at(3001))), 1110U);

  const auto third = reporter.begin(at(6000));
  reporter.answer(third, report_of(0));
  reporter.answer(third, report_of(0));
  EXPECT_EQ(requests_in(reporter.next(at(6001))), 0U) << "and it counts once";
}

TEST(Reporter, ReportsComeInTheOrderInWhichTheyWereBegun) {
  Reporter reporter(1);
  const auto first = reporter.begin(at(0));
  const auto second = reporter.begin(at(10));
  reporter.answer(second, report_of(2));
  EXPECT_FALSE(reporter.next(at(20)));
  reporter.answer(first, report_of(1));
  EXPECT_EQ(requests_in(reporter.next(at(20))), 1U);
  EXPECT_EQ(requests_in(reporter.next(at(20))), 2U);
}

TEST(Reporter, ClearForgetsWhatIsOnItsWay) {
  Reporter reporter(2);
  const auto before = reporter.begin(at(0));
  reporter.answer(before, report_of(1));
  reporter.clear();
  reporter.answer(before, report_of(2));
  EXPECT_EQ(requests_in(reporter.next(at(1))), 0U);

  const auto after = reporter.begin(at(3000));
  reporter.answer(after, report_of(4));
  reporter.answer(after, report_of(8));
  EXPECT_EQ(requests_in(reporter.next(at(3001))), 12U);
}

TEST(Reporter, ClearForgetsLateAnswers) {
  Reporter reporter(1);
  const auto first = reporter.begin(at(0));
  EXPECT_EQ(requests_in(reporter.next(at(1000))), 0U);
  const auto second = reporter.begin(at(1000));
  EXPECT_EQ(requests_in(reporter.next(at(2000))), 0U);
  reporter.answer(first, report_of(1));  // late before …
  reporter.clear();
  reporter.answer(second, report_of(2));  // … and late after
  const auto third = reporter.begin(at(3000));
  reporter.answer(third, report_of(4));
  EXPECT_EQ(requests_in(reporter.next(at(3001))), 4U);
}

// Whatever is late: every request is told once.
TEST(Reporter, NothingIsLostOrToldTwice) {
  for (unsigned seed = 1; seed <= 50; ++seed) {
    std::mt19937 random(seed);
    const auto below = [&](unsigned limit) { return random() % limit; };
    const std::size_t shards = 1 + below(4);
    Reporter reporter(shards);
    std::vector<std::uint64_t> pending;  // tickets that a shard has not answered yet
    std::uint64_t recorded = 0;
    std::uint64_t told = 0;
    int ms = 0;
    const auto answer = [&](std::size_t which) {
      const int requests = static_cast<int>(below(5));
      recorded += static_cast<std::uint64_t>(requests);
      reporter.answer(pending[which], report_of(requests));
      pending.erase(pending.begin() + static_cast<std::ptrdiff_t>(which));
    };
    for (int step = 0; step < 100; ++step) {
      ms += static_cast<int>(below(150));
      if (below(4) == 0) {
        const auto ticket = reporter.begin(at(ms));
        pending.insert(pending.end(), shards, ticket);
      }
      if (!pending.empty() && below(2) == 0) {
        answer(below(static_cast<unsigned>(pending.size())));
      }
      while (const auto report = reporter.next(at(ms))) told += report->report.total.num_requests;
    }
    while (!pending.empty()) answer(0);
    while (const auto report = reporter.next(at(ms))) told += report->report.total.num_requests;
    reporter.begin(at(ms));
    while (const auto report = reporter.next(at(ms + 1000)))
      told += report->report.total.num_requests;
    EXPECT_EQ(told, recorded) << "seed " << seed;
  }
}

}  // namespace
}  // namespace locust::runner
