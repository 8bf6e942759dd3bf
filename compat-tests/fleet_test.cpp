// Several workers under a real master, and what happens to a run when one of them or the master
// comes, leaves, dies or is suspended.
#include <gmock/gmock.h>
#include <signal.h>

#include <algorithm>
#include <thread>

#include "harness/compat_test.h"

namespace compat {
namespace {

class EndMasterFleet : public CompatTest {};

// The workers' users in descending order.
std::vector<int> shares(const Json& stats) {
  std::vector<int> result;
  for (const Json& worker : stats.at("workers")) result.push_back(worker.at("user_count"));
  std::sort(result.rbegin(), result.rend());
  return result;
}

Json wait_for_shares(const Master& master, const std::vector<int>& wanted,
                     Duration limit = default_limit) {
  return master.wait_until(
      "users shared as " + ::testing::PrintToString(wanted),
      [&](const Json& stats) { return shares(stats) == wanted; }, limit);
}

Json wait_for_state(const Master& master, const std::string& state, Duration limit) {
  return master.wait_until(
      "a worker that is " + state,
      [&](const Json& stats) {
        const Json& workers = stats.at("workers");
        return std::any_of(workers.begin(), workers.end(),
                           [&](const Json& worker) { return worker.at("state") == state; });
      },
      limit);
}

void expect_requests_go_on(const Target& target) {
  const std::int64_t before = target.served();
  eventually("requests that go on", [&] {
    return Seen{target.served() > before + 10, std::to_string(target.served())};
  });
}

TEST_P(EndMasterFleet, ThirdWorkerJoins) {
  const Target target(dir());
  const auto locust = master("hello");
  const auto first = worker(*locust, "hello");
  const auto second = worker(*locust, "hello");
  locust->wait_for_workers(2);
  locust->swarm(10, 10, target.url());
  wait_for_shares(*locust, {5, 5});

  const auto third = worker(*locust, "hello");
  wait_for_shares(*locust, {4, 3, 3});
  expect_requests_go_on(target);
  locust->stop();
  locust->wait_for_end(3);
}

// What an orchestrator does when it scales in. A stock worker loses the samples since its last
// report here; this one must not.
TEST_P(EndMasterFleet, WorkerLeavesInMidRun) {
  const Target target(dir());
  const auto locust = master("hello", {"-s", "5"});
  const auto first = worker(*locust, "hello");
  const auto second = worker(*locust, "hello");
  locust->wait_for_workers(2);
  locust->swarm(10, 10, target.url());
  wait_for_shares(*locust, {5, 5});
  expect_requests_go_on(target);

  EXPECT_EQ(second->quit(), 0) << second->process().log();
  wait_for_shares(*locust, {10});
  expect_requests_go_on(target);
  locust->stop();
  locust->wait_for_end();
  const Json stats = wait_for_equal_counts(*locust, target, stock_worker_wanted() ? 1000 : 0);
  EXPECT_EQ(failures(total(stats)), 0) << summary(stats);
}

TEST_P(EndMasterFleet, WorkerIsKilled) {
  const Target target(dir());
  const auto locust = master("hello");
  const auto first = worker(*locust, "hello");
  const auto second = worker(*locust, "hello");
  locust->wait_for_workers(2);
  locust->swarm(10, 10, target.url());
  wait_for_shares(*locust, {5, 5});

  second->process().kill();
  wait_for_state(*locust, "missing", 20s);
  // Without --enable-rebalancing a master deals again only when it next changes the users.
  locust->swarm(9, 10, target.url());
  locust->wait_until("9 users on the one that is left", [](const Json& stats) {
    return stats.at("user_count") == 9 && shares(stats).front() == 9;
  });
  expect_requests_go_on(target);
  locust->stop();
  locust->wait_until("no users", [](const Json& stats) { return stats.at("user_count") == 0; });
}

TEST_P(EndMasterFleet, WorkerIsSuspended) {
  const Target target(dir());
  const auto locust = master("hello");
  const auto first = worker(*locust, "hello");
  const auto second = worker(*locust, "hello");
  locust->wait_for_workers(2);
  locust->swarm(10, 10, target.url());
  wait_for_shares(*locust, {5, 5});

  second->signal(SIGSTOP);
  wait_for_state(*locust, "missing", 20s);
  second->signal(SIGCONT);
  const Json stats = wait_for_shares(*locust, {5, 5});
  EXPECT_EQ(stats.at("user_count"), 10) << summary(stats);
  expect_requests_go_on(target);
  locust->stop();
  locust->wait_for_end(2);
}

// Suspended for so long that the master has struck the worker off its list. What it says next must
// not kill the master's listener: spawning or spawning_complete of an unknown worker does that.
TEST_P(EndMasterFleet, StruckOffWorkerComesBack) {
  const Target target(dir());
  const auto locust = master("hello");
  const auto first = worker(*locust, "hello");
  const auto second = worker(*locust, "hello");
  locust->wait_for_workers(2);
  locust->swarm(10, 10, target.url());
  wait_for_shares(*locust, {5, 5});

  second->signal(SIGSTOP);
  locust->wait_until(
      "the suspended worker struck off",
      [](const Json& stats) { return stats.at("workers").size() == 1; }, 90s);
  second->signal(SIGCONT);
  locust->wait_until("both workers with half of the users", [](const Json& stats) {
    return shares(stats) == std::vector{5, 5};
  });
  locust->stop();
  locust->wait_for_end(2);
  // The listener is alive: it takes a new worker.
  const auto third = worker(*locust, "hello");
  locust->wait_for_workers(3);
}

// The worker is back without anybody touching it, and the next test counts right.
TEST_P(EndMasterFleet, MasterIsKilledAndStartedAgain) {
  const Target target(dir());
  const auto locust = master("hello", {"-s", "5"});
  const auto native = worker(*locust, "hello");
  locust->wait_for_workers(1);
  locust->swarm(4, 10, target.url());
  locust->wait_for_users(4);

  locust->kill();
  std::this_thread::sleep_for(1s);
  locust->start_again();
  locust->wait_for_workers(1, 60s);
  eventually("the old run's users to be gone", [&] {
    const std::int64_t before = target.served();
    std::this_thread::sleep_for(1s);
    return Seen{target.served() == before, "they still send requests"};
  });
  locust->wait_for_workers(1);

  const std::int64_t served_before = target.served();
  locust->swarm(3, 10, target.url());
  locust->wait_until("3 users and 50 requests", [](const Json& stats) {
    return stats.at("user_count") == 3 && requests(total(stats)) >= 50;
  });
  locust->stop();
  locust->wait_for_end();
  locust->wait_until("all requests of the new run and none of the old", [&](const Json& stats) {
    return requests(total(stats)) == target.served() - served_before;
  });
  EXPECT_EQ(native->quit(), 0) << native->process().log();
}

// Every message a worker has, in and out, and then the listener still takes a new worker.
TEST_P(EndMasterFleet, MasterListensAfterAFullCycle) {
  const Target target(dir());
  const auto locust = master("failing");
  {
    const auto leaves = worker(*locust, "failing");
    const auto dies = worker(*locust, "failing");
    locust->wait_for_workers(2);
    locust->swarm(8, 20, target.url());
    locust->wait_for_users(8);
    eventually("an exception", [&] { return Seen{!locust->exceptions().empty(), "none"}; });
    // As Locust does: 1 where failures had not been reported yet.
    EXPECT_THAT(leaves->quit(), ::testing::AnyOf(0, 1)) << leaves->process().log();
    dies->process().kill();
  }
  // Its last worker lost, the master ends the test by itself.
  locust->wait_until(
      "the test to be stopped", [](const Json& s) { return s.at("state") == "stopped"; }, 60s);
  const auto fresh = worker(*locust, "failing");
  locust->wait_until("the new worker", [](const Json& stats) {
    const Json& workers = stats.at("workers");
    return std::any_of(workers.begin(), workers.end(),
                       [](const Json& worker) { return worker.at("state") == "ready"; });
  });
}

// A percentage above 100 makes a master warn of a computer that is too slow (many threads are not).
TEST_P(EndMasterFleet, CpuIsThatOfTheBusiestThread) {
  allow_in_master_log("exceeded cpu threshold");
  const Target target(dir(), 0ms);
  const auto locust = master("hello");
  const auto native = worker(*locust, "hello", {"--threads", "2"});
  locust->wait_for_workers(1);
  locust->swarm(20, 20, target.url());
  locust->wait_for_users(20);
  double highest = 0;
  auto end = std::chrono::steady_clock::time_point::max();
  eventually(
      "a worker that is busy, and 12 s of its CPU figures",
      [&] {
        const double cpu = locust->stats().at("workers").at(0).at("cpu_usage");
        const auto now = std::chrono::steady_clock::now();
        if (cpu > 5 && highest <= 5) end = now + 12s;
        highest = std::max(highest, cpu);
        return Seen{now >= end, "highest " + std::to_string(highest)};
      },
      60s, 500ms);
  // More than one core can give would come from counting several threads.
  EXPECT_LE(highest, 105);
  locust->stop();
  locust->wait_for_end();
}

INSTANTIATE_TEST_SUITE_P(, EndMasterFleet, ::testing::ValuesIn(end_versions()), version_name);

}  // namespace
}  // namespace compat
