// One worker under a real master: it registers, its users come and go as asked, tests follow each
// other.
#include <gmock/gmock.h>
#include <signal.h>

#include <thread>

#include "harness/compat_test.h"

namespace compat {
namespace {

using ::testing::ContainsRegex;
using ::testing::ElementsAre;

class EveryMaster : public CompatTest {};
class EndMaster : public CompatTest {};

TEST_P(EveryMaster, Handshake) {
  const auto locust = master("hello");
  const auto native = worker(*locust, "hello");
  const Json stats =
      locust->wait_until("a ready worker that reports its memory", [](const Json& s) {
        const Json& workers = s.at("workers");
        return workers.size() == 1 && workers.at(0).at("state") == "ready" &&
               workers.at(0).value("memory_usage", 0) > 0;
      });
  const std::string id = stats.at("workers").at(0).at("id");
  EXPECT_THAT(id, ContainsRegex("^.+_[0-9a-f]{32}$"));
  EXPECT_THAT(locust->process().wait_for_line("reported as ready"),
              ContainsRegex(id + ".*\\(index 0\\)"));

  EXPECT_EQ(native->quit(), 0) << native->process().log();
  locust->wait_until("no worker", [](const Json& s) { return s.at("workers").empty(); });
  EXPECT_THAT(locust->process().log(), ContainsRegex(id + "' \\(index 0\\) quit"));
}

TEST_P(EveryMaster, RampUpAndDown) {
  const Target target(dir());
  const auto locust = master("hello");
  const auto native = worker(*locust, "hello");
  locust->wait_for_workers(1);

  locust->swarm(6, 3, target.url());
  locust->wait_for_users(6);
  locust->swarm(10, 10, target.url());
  locust->wait_for_users(10);
  locust->swarm(2, 4, target.url());
  const Json stats = locust->wait_for_users(2);
  EXPECT_EQ(stats.at("workers").at(0).at("user_count"), 2);
  EXPECT_GT(requests(total(stats)), 0) << summary(stats);
  EXPECT_EQ(failures(total(stats)), 0) << summary(stats);

  locust->stop();
  locust->wait_for_end();
  EXPECT_THAT(locust->spawned_lines(), ElementsAre("{\"HelloUser\": 6} (6 total users)",
                                                   "{\"HelloUser\": 10} (10 total users)",
                                                   "{\"HelloUser\": 2} (2 total users)"));
}

// The stop comes while users are still being started.
TEST_P(EveryMaster, StopDuringRamp) {
  const Target target(dir());
  const auto locust = master("hello");
  const auto native = worker(*locust, "hello");
  locust->wait_for_workers(1);

  locust->swarm(100, 2, target.url());
  locust->wait_until("some users", [](const Json& s) { return s.at("user_count") >= 2; });
  locust->stop();
  locust->wait_for_end();
  const std::int64_t after_stop = target.served();
  std::this_thread::sleep_for(2s);
  EXPECT_EQ(target.served(), after_stop) << "a user is still running";
  EXPECT_TRUE(native->process().running()) << native->process().log();
}

TEST_P(EndMaster, SeveralClasses) {
  const Target target(dir());
  const auto locust = master("classes");
  const auto native = worker(*locust, "classes");
  locust->wait_for_workers(1);

  locust->swarm(9, 9, target.url());
  locust->wait_for_users(9);
  const Json stats = locust->wait_until("requests of both classes", [](const Json& s) {
    return requests(entry(s, "alpha")) > 0 && requests(entry(s, "beta")) > 0;
  });
  const Json ratios = locust->tasks().at("per_class");
  EXPECT_NEAR(ratios.at("Alpha").at("ratio").get<double>(), 1.0 / 3, 0.01) << ratios.dump();
  EXPECT_NEAR(ratios.at("Beta").at("ratio").get<double>(), 2.0 / 3, 0.01) << ratios.dump();

  locust->swarm(3, 9, target.url());
  locust->wait_for_users(3);
  locust->stop();
  locust->wait_for_end();
  EXPECT_THAT(locust->spawned_lines(), ElementsAre("{\"Alpha\": 3, \"Beta\": 6} (9 total users)",
                                                   "{\"Alpha\": 1, \"Beta\": 2} (3 total users)"));
}

TEST_P(EndMaster, EditWhileRunning) {
  const Target target(dir());
  const auto locust = master("hello");
  const auto native = worker(*locust, "hello");
  locust->wait_for_workers(1);

  std::int64_t before = 0;
  for (const int users : {3, 8, 1, 5}) {
    locust->swarm(users, 10, target.url());
    locust->wait_for_users(users);
    const Json stats = locust->wait_until(
        "more requests than before", [&](const Json& s) { return requests(total(s)) > before; });
    before = requests(total(stats));
  }
  // The master would start anew if the worker had begun another test at an edit.
  EXPECT_LE(before, target.served());
  locust->stop();
  locust->wait_for_end();
}

TEST_P(EndMaster, StopAndStartFiveTimes) {
  const Target target(dir());
  const auto locust = master("hello", {"-s", "5"});
  const auto native = worker(*locust, "hello");
  const std::string id = locust->wait_for_workers(1).at("workers").at(0).at("id");

  for (int round = 1; round <= 5; ++round) {
    SCOPED_TRACE("round " + std::to_string(round));
    const std::int64_t served_before = target.served();
    locust->swarm(4, 10, target.url());
    locust->wait_until("4 users and requests of this round", [](const Json& s) {
      return s.at("user_count") == 4 && s.at("state") == "running" && requests(total(s)) > 0;
    });
    locust->stop();
    const Json end = locust->wait_for_end();
    ASSERT_EQ(end.at("workers").at(0).at("id"), id);
    // The master clears its statistics at each start: what it has is of this round.
    locust->wait_until("all requests of this round reported", [&](const Json& s) {
      return requests(total(s)) == target.served() - served_before;
    });
  }
}

INSTANTIATE_TEST_SUITE_P(, EveryMaster, ::testing::ValuesIn(all_versions()), version_name);
INSTANTIATE_TEST_SUITE_P(, EndMaster, ::testing::ValuesIn(end_versions()), version_name);

}  // namespace
}  // namespace compat
