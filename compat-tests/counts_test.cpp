// No sample is lost and none invented: the master's final count against the target's own.
#include <gmock/gmock.h>

#include <thread>

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

INSTANTIATE_TEST_SUITE_P(, EveryMasterCounts, ::testing::ValuesIn(all_versions()), version_name);
INSTANTIATE_TEST_SUITE_P(, EndMasterCounts, ::testing::ValuesIn(end_versions()), version_name);

}  // namespace
}  // namespace compat
