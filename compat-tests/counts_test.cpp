// No sample is lost and none invented: the master's final count against the target's own.
#include <gmock/gmock.h>

#include <cstdlib>

#include "harness/compat_test.h"

namespace compat {
namespace {

class EveryMasterCounts : public CompatTest {};
class EndMasterCounts : public CompatTest {};

// The stop timeout is longer than a request, so every request ends and is counted.
TEST_P(EveryMasterCounts, EqualWithStopTimeout) {
  const Target target(dir());
  const auto locust = master("hello", {"-s", "5"});
  const auto native = worker(*locust, "hello");
  locust->wait_for_workers(1);

  locust->swarm(5, 10, target.url());
  locust->wait_until("100 requests", [](const Json& s) { return requests(total(s)) >= 100; });
  locust->stop();
  locust->wait_for_end();
  const Json stats = wait_for_equal_counts(*locust, target);
  EXPECT_EQ(failures(total(stats)), 0) << summary(stats);
  EXPECT_EQ(requests(entry(stats, "/hello/")), requests(total(stats))) << summary(stats);
}

// Without one, Locust kills the requests that are on the way and does not count them.
TEST_P(EndMasterCounts, WithinRequestsInFlightWithoutStopTimeout) {
  const int users = 5;
  const Target target(dir(), 100ms);
  const auto locust = master("hello");
  const auto native = worker(*locust, "hello");
  locust->wait_for_workers(1);

  locust->swarm(users, 10, target.url());
  locust->wait_until("50 requests", [](const Json& s) { return requests(total(s)) >= 50; });
  locust->stop();
  locust->wait_for_end();
  const Json stats = wait_for_equal_counts(*locust, target, users);
  EXPECT_EQ(failures(total(stats)), 0) << summary(stats);
}

// The ten requests of each task are ten samples under the whole URL.
TEST_P(EndMasterCounts, TenRequestsAtOnce) {
  const Target target(dir(), 50ms);
  ::setenv("API_URL", target.url().c_str(), 1);
  const auto locust = master("test_sample", {"-s", "5"});
  const auto native = worker(*locust, "test_sample");
  ::unsetenv("API_URL");
  locust->wait_for_workers(1);

  // The host of the form is not used by this user.
  locust->swarm(3, 10, "http://127.0.0.1:1");
  locust->wait_until("100 requests", [](const Json& s) { return requests(total(s)) >= 100; });
  locust->stop();
  locust->wait_for_end();
  const Json stats = wait_for_equal_counts(*locust, target);
  EXPECT_EQ(failures(total(stats)), 0) << summary(stats);
  const std::int64_t named = requests(entry(stats, target.url() + "/hello/"));
  EXPECT_EQ(named, requests(total(stats))) << summary(stats);
  EXPECT_EQ(named % 10, 0) << "a task was cut short";
}

// The life of a user as samples: on_start and on_stop once, tasks by weight in between.
TEST_P(EndMasterCounts, OnStartTasksByWeightOnStop) {
  const Target target(dir());
  const auto locust = master("lifecycle", {"-s", "5", "LifeUser"});
  const auto native = worker(*locust, "lifecycle");
  locust->wait_for_workers(1);
  locust->swarm(4, 10, target.url());
  locust->wait_until("2000 tasks", [](const Json& s) { return requests(total(s)) >= 2000; });
  locust->stop();
  locust->wait_for_end();
  const Json stats = locust->wait_until("4 users that said goodbye", [](const Json& s) {
    return requests(entry(s, "on_stop")) == 4;
  });
  EXPECT_EQ(requests(entry(stats, "on_start")), 4) << summary(stats);
  const Json often = entry(stats, "often");
  const Json seldom = entry(stats, "seldom");
  EXPECT_EQ(failures(often), 0) << summary(stats);
  EXPECT_EQ(failures(seldom), requests(seldom)) << summary(stats);
  // One in ten; by chance less than 1 in 20 or more than 1 in 5 once in a universe's age.
  const double share = static_cast<double>(requests(seldom)) /
                       static_cast<double>(requests(often) + requests(seldom));
  EXPECT_GT(share, 0.05) << summary(stats);
  EXPECT_LT(share, 0.2) << summary(stats);
}

INSTANTIATE_TEST_SUITE_P(, EveryMasterCounts, ::testing::ValuesIn(all_versions()), version_name);
INSTANTIATE_TEST_SUITE_P(, EndMasterCounts, ::testing::ValuesIn(end_versions()), version_name);

}  // namespace
}  // namespace compat
