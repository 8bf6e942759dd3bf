// What a Python worker's link does though Python does not run, and what it carries for locustfiles.
// The test itself is the master.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>

#include "harness/compat_test.h"
#include "harness/wire_test_base.h"

namespace compat {
namespace {

class PythonLink : public WireTest, public ::testing::WithParamInterface<std::string> {
 protected:
  void SetUp() override { set_worker(WorkerKind::python, GetParam()); }

  Duration longest_gap(const std::string& type) {
    Duration longest{};
    const std::vector<Received> all = master().all_of(type);
    for (std::size_t i = 1; i < all.size(); ++i) {
      longest =
          std::max(longest, std::chrono::duration_cast<Duration>(all[i].time - all[i - 1].time));
    }
    return longest;
  }
};

TEST_P(PythonLink, TaskThatNeverYieldsDelaysNoHeartbeatAndIsNamedWhenItDoesNotStop) {
  start("stuck");
  master().spawn({{"PoliteUser", 1}, {"StuckUser", 1}});
  master().next("spawning_complete");
  master().listen(5s);
  EXPECT_LE(longest_gap("heartbeat"), 1500ms);
  EXPECT_LE(longest_gap("stats"), 2500ms);
  master().send("stop");
  master().next("client_stopped", 15s);
  EXPECT_THAT(worker().process().wait_for_line("did not end in time"),
              ::testing::ContainsRegex("a task of StuckUser .*stuck.py:[0-9]+, in never_yields"));
  master().next("client_ready");
  worker().signal(SIGTERM);
  master().listen(500ms);
  worker().signal(SIGTERM);
  EXPECT_EQ(worker().process().wait_for_exit(10s), 1);
  master().next("quit");
}

TEST_P(PythonLink, KeysThatALocustfileAddsTravelWithTheReports) {
  start("stuck");
  master().spawn({{"PoliteUser", 2}, {"StuckUser", 0}});
  master().next("spawning_complete");
  master().listen(4s);
  master().send("stop");
  master().next("client_stopped");
  std::int64_t pages = 0;
  std::int64_t requests = 0;
  for (const Received& report : master().all_of("stats")) {
    ASSERT_TRUE(report.data.contains("pages")) << report.data.dump();
    pages += report.data.at("pages").get<std::int64_t>();
    requests += report.data.at("stats_total").at("num_requests").get<std::int64_t>();
  }
  EXPECT_GT(pages, 100);
  EXPECT_EQ(pages, requests);
}

TEST_P(PythonLink, ConstantsThatALocustfileChangesAreObeyed) {
  start("stuck");
  master().listen(1500ms);
  const std::size_t before = master().count("stats");
  master().listen(5s);
  EXPECT_GE(master().count("stats") - before, 4u) << "WORKER_REPORT_INTERVAL is 1 s there";
}

TEST_P(PythonLink, QuitEndsItWithOneReportBeforeTheUsersAndOneAfter) {
  start("stuck");
  master().spawn({{"PoliteUser", 2}, {"StuckUser", 0}});
  master().next("spawning_complete");
  master().listen(1s);
  master().send("quit");
  master().next("quit");
  EXPECT_EQ(master().all_of("stats").back().data.at("user_count"), 0);
  EXPECT_EQ(worker().process().wait_for_exit(), 0) << worker().process().log();
}

INSTANTIATE_TEST_SUITE_P(OldAndNew, PythonLink, ::testing::Values("2.13.0", "2.32.10", "2.47.0"),
                         version_name);

}  // namespace
}  // namespace compat
