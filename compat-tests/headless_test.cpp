// A master without a browser that runs for a given time, and the same run by a stock worker beside
// it: nobody can tell the two apart by what the master says.
#include <gmock/gmock.h>

#include <regex>
#include <set>

#include "harness/compat_test.h"

namespace compat {
namespace {

using ::testing::HasSubstr;

class EndMasterHeadless : public CompatTest {};

struct Final {
  std::int64_t requests = -1;
  std::int64_t failures = -1;
};

// The last line "Aggregated  1234  0(0.00%) | …" of what a headless master prints.
Final final_summary(const std::string& log) {
  static const std::regex line("Aggregated +([0-9]+) +([0-9]+)\\(");
  Final result;
  for (std::sregex_iterator it(log.begin(), log.end(), line), end; it != end; ++it) {
    result = {std::stoll((*it)[1]), std::stoll((*it)[2])};
  }
  return result;
}

TEST_P(EndMasterHeadless, RunsForAGivenTime) {
  const Target target(dir());
  const auto locust =
      headless_master("hello", {"-u", "4", "-r", "4", "-t", "5s", "-s", "5", "--expect-workers",
                                "1", "--host", target.url(), "--only-summary"});
  const auto native = worker(*locust, "hello");
  EXPECT_EQ(locust->process().wait_for_exit(60s), 0) << locust->process().log();
  EXPECT_EQ(native->process().wait_for_exit(), 0) << native->process().log();

  const Final seen = final_summary(locust->process().log());
  EXPECT_GT(seen.requests, 0) << locust->process().log();
  EXPECT_EQ(seen.requests, target.served()) << locust->process().log();
  EXPECT_EQ(seen.failures, 0) << locust->process().log();
  EXPECT_THAT(native->process().log(), HasSubstr("Got quit message from master, shutting down"));
}

TEST_P(EndMasterHeadless, ExitsWith1AfterFailures) {
  const Target target(dir());
  const auto locust =
      headless_master("failing", {"-u", "2", "-r", "4", "-t", "4s", "-s", "5", "--expect-workers",
                                  "1", "--host", target.url(), "--only-summary"});
  const auto native = worker(*locust, "failing");
  EXPECT_EQ(locust->process().wait_for_exit(60s), 1) << locust->process().log();
  // A worker's own exit code tells of no failures: it has handed them over.
  EXPECT_EQ(native->process().wait_for_exit(), 0) << native->process().log();
  const Final seen = final_summary(locust->process().log());
  EXPECT_GT(seen.failures, 0) << locust->process().log();
  EXPECT_EQ(seen.failures, seen.requests) << locust->process().log();
}

// Each path of an answer with the type of its value: "stats[].num_requests: number".
void collect_types(const Json& value, const std::string& path, std::set<std::string>& result) {
  if (value.is_object()) {
    for (const auto& [key, item] : value.items()) collect_types(item, path + "." + key, result);
  } else if (value.is_array()) {
    result.insert(path + ": array");
    for (const Json& item : value) collect_types(item, path + "[]", result);
  } else {
    result.insert(path + ": " + value.type_name());
  }
}

std::set<std::string> types(const Json& stats) {
  std::set<std::string> result;
  collect_types(stats, "", result);
  return result;
}

// What the master says while the users run and after they stopped.
struct Answers {
  Json running;
  Json stopped;
};

Answers answers_of_a_run(Master& locust, const Target& target, std::int64_t wanted_failures) {
  Answers result;
  locust.wait_for_workers(1);
  locust.swarm(4, 4, target.url());
  result.running = locust.wait_until("4 users, requests and failures", [&](const Json& s) {
    return s.at("user_count") == 4 && requests(total(s)) >= 100 &&
           failures(total(s)) >= wanted_failures;
  });
  locust.stop();
  locust.wait_for_end();
  result.stopped = locust.stats();
  return result;
}

TEST_P(EndMasterHeadless, NobodyCanTellItFromAStockWorker) {
  const Target native_target(dir());
  const Target stock_target(dir());
  const auto native_locust = master("hello", {"-s", "5"});
  const auto stock_locust = master("hello", {"-s", "5"});
  const auto native = worker(*native_locust, "hello");
  const auto stock = stock_worker(*stock_locust, "hello");

  const Answers ours = answers_of_a_run(*native_locust, native_target, 0);
  const Answers theirs = answers_of_a_run(*stock_locust, stock_target, 0);
  EXPECT_EQ(types(ours.running), types(theirs.running));
  EXPECT_EQ(types(ours.stopped), types(theirs.stopped));
  wait_for_equal_counts(*native_locust, native_target);
  wait_for_equal_counts(*stock_locust, stock_target);
}

TEST_P(EndMasterHeadless, NobodyCanTellItsFailuresFromAStockWorkers) {
  const Target target(dir());
  const auto native_locust = master("failing");
  const auto stock_locust = master("failing");
  const auto native = worker(*native_locust, "failing");
  const auto stock = stock_worker(*stock_locust, "failing");

  const Answers ours = answers_of_a_run(*native_locust, target, 20);
  const Answers theirs = answers_of_a_run(*stock_locust, target, 20);
  EXPECT_EQ(types(ours.running), types(theirs.running));
  EXPECT_EQ(types(ours.stopped), types(theirs.stopped));
  EXPECT_EQ(types(native_locust->exceptions()), types(stock_locust->exceptions()));
}

INSTANTIATE_TEST_SUITE_P(, EndMasterHeadless, ::testing::ValuesIn(end_versions()), version_name);

}  // namespace
}  // namespace compat
