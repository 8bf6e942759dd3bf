// What a worker sends, message by message, to a master that is this test: shapes, order, timing,
// and the orders that a real master gives at the wrong moment.
#include <gmock/gmock.h>
#include <signal.h>

#include <algorithm>
#include <set>

#include "harness/wire_test_base.h"

namespace compat {
namespace {

using ::testing::HasSubstr;
using ::testing::Lt;

std::set<std::string> keys(const Json& map) {
  std::set<std::string> result;
  for (const auto& [key, value] : map.items()) result.insert(key);
  return result;
}

std::int64_t reported_requests(const FakeMaster& master) {
  std::int64_t sum = 0;
  for (const Received& report : master.all_of("stats")) {
    sum += report.data.at("stats_total").at("num_requests").get<std::int64_t>();
  }
  return sum;
}

class Wire : public WireTest {};

TEST_F(Wire, FirstMessageIsClientReady) {
  start();
  master().listen(4s);
  EXPECT_EQ(master().all().front().type, "client_ready");
  EXPECT_EQ(master().count("client_ready"), 1u);
  // Both of these from a worker that it does not know kill a master's listener.
  EXPECT_EQ(master().count("spawning"), 0u);
  EXPECT_EQ(master().count("spawning_complete"), 0u);
  const Json version = master().all().front().data;
  EXPECT_EQ(version, stock_worker_wanted() || python_worker_wanted() ? Json("2.47.0") : Json(-1));
  EXPECT_THAT(master().all().front().identity, ::testing::ContainsRegex("_[0-9a-f]{32}$"));
}

TEST_F(Wire, SaysTheVersionItIsTold) {
  start("hello", {}, {"--locust-version", "2.32.10"});
  EXPECT_EQ(master().all().front().data,
            stock_worker_wanted() || python_worker_wanted() ? "2.47.0" : "2.32.10");
}

TEST_F(Wire, RepeatsClientReadyUntilAcknowledged) {
  start("hello", {.acknowledge = false});
  master().next("client_ready", 15s);
  master().next("client_ready", 15s);
  EXPECT_EQ(master().count("spawning"), 0u);
}

TEST_F(Wire, HeartbeatsHaveThreeKeysEverySecond) {
  start();
  // A stock worker takes its first sample of itself after up to 10 s.
  master().next(
      "heartbeat",
      [](const Received& message) {
        return message.data.at("current_memory_usage").get<std::int64_t>() > 1'000'000;
      },
      20s);
  const std::size_t before = master().count("heartbeat");
  master().listen(6s);
  const std::vector<Received> beats = master().all_of("heartbeat");
  EXPECT_GE(beats.size(), before + 4);
  EXPECT_LE(beats.size(), before + 8);
  for (const Received& message : beats) {
    const Json& beat = message.data;
    EXPECT_EQ(keys(beat),
              (std::set<std::string>{"state", "current_cpu_usage", "current_memory_usage"}));
    EXPECT_EQ(beat.at("state"), "ready");
    EXPECT_TRUE(beat.at("current_cpu_usage").is_number()) << beat.dump();
    EXPECT_TRUE(beat.at("current_memory_usage").is_number_integer()) << beat.dump();
  }
}

TEST_F(Wire, ReportsHaveLocustsShape) {
  const Target target(dir());
  start();
  master().spawn({{"HelloUser", 2}}, target.url());
  const Received report = master().next("stats", [](const Received& message) {
    return message.data.at("stats_total").at("num_requests") > 0;
  });
  EXPECT_THAT(keys(report.data), ::testing::IsSupersetOf({"stats", "stats_total", "errors",
                                                          "user_classes_count", "user_count"}));
  const std::set<std::string> entry_keys = {"name",
                                            "method",
                                            "last_request_timestamp",
                                            "start_time",
                                            "num_requests",
                                            "num_none_requests",
                                            "num_failures",
                                            "total_response_time",
                                            "max_response_time",
                                            "min_response_time",
                                            "total_content_length",
                                            "response_times",
                                            "num_reqs_per_sec",
                                            "num_fail_per_sec"};
  ASSERT_EQ(report.data.at("stats").size(), 1u) << report.data.dump();
  const Json& row = report.data.at("stats").at(0);
  EXPECT_EQ(keys(row), entry_keys);
  EXPECT_EQ(keys(report.data.at("stats_total")), entry_keys);
  EXPECT_EQ(row.at("name"), "/hello/");
  EXPECT_EQ(row.at("method"), "GET");
  EXPECT_EQ(report.data.at("stats_total").at("name"), "Aggregated");
  std::int64_t in_histogram = 0;
  for (const auto& [bucket, count] : row.at("response_times").items()) {
    in_histogram += count.get<std::int64_t>();
  }
  EXPECT_EQ(in_histogram, row.at("num_requests").get<std::int64_t>());
  EXPECT_EQ(report.data.at("user_classes_count"), Json({{"HelloUser", 2}}));
}

TEST_F(Wire, SpawnIsAnsweredWithAllClasses) {
  start("classes");
  master().spawn({{"Alpha", 2}, {"Beta", 0}});
  master().next("spawning");
  Received done = master().next("spawning_complete");
  EXPECT_EQ(done.data,
            Json({{"user_classes_count", {{"Alpha", 2}, {"Beta", 0}}}, {"user_count", 2}}));
  master().spawn({{"Alpha", 1}, {"Beta", 3}});
  done = master().next("spawning_complete");
  EXPECT_EQ(done.data,
            Json({{"user_classes_count", {{"Alpha", 1}, {"Beta", 3}}}, {"user_count", 4}}));
}

TEST_F(Wire, DuplicateAndOlderSpawnsAreAnsweredAndIgnored) {
  start();
  expect_obeys_spawn(3);
  const std::size_t before = master().count("spawning");
  master().spawn_at(master().last_timestamp(), {{"HelloUser", 7}});
  master().spawn_at(master().last_timestamp() - 10, {{"HelloUser", 9}});
  master().listen(5s);
  EXPECT_EQ(master().count("spawning"), before + 2);
  for (const Received& done : master().all_of("spawning_complete")) {
    EXPECT_EQ(done.data.at("user_count"), 3) << done.data.dump();
  }
  master().skip_to_now();
  expect_users(3);
  expect_obeys_spawn(4);
}

// Thousands of orders, each one absolute: the last one counts.
TEST_F(Wire, SpawnStorm) {
  start();
  const int orders = 3000;
  for (int i = 1; i <= orders; ++i) {
    master().spawn({{"HelloUser", (i * 37) % 200}});
    if (i % 20 == 0) master().listen(20ms);
  }
  master().spawn({{"HelloUser", 11}});
  master().next(
      "spawning_complete",
      [](const Received& message) { return message.data.at("user_count") == 11; }, 60s);
  master().listen(5s);
  EXPECT_EQ(master().count("spawning"), static_cast<std::size_t>(orders) + 1);
  EXPECT_EQ(master().all_of("spawning_complete").back().data.at("user_count"), 11);
  master().skip_to_now();
  expect_users(11);
}

TEST_F(Wire, StopIsAnsweredByClientStoppedThenClientReady) {
  start();
  expect_obeys_spawn(3);
  master().skip_to_now();
  master().send("stop");
  master().next("client_stopped");
  master().next("client_ready");
  expect_users(0);
  EXPECT_EQ(master().all_of("heartbeat").back().data.at("state"), "ready");
  expect_obeys_spawn(2);
}

// The order to stop is read while users are being started: nothing of that may be said after it.
TEST_F(Wire, StopDuringSpawn) {
  start();
  for (int round = 0; round < 5; ++round) {
    master().skip_to_now();
    const std::size_t begin = master().all().size();
    master().spawn({{"HelloUser", 300}});
    master().send("stop");
    master().next("client_stopped");
    master().next("client_ready");
    master().listen(1500ms);
    bool stopped = false;
    for (std::size_t i = begin; i < master().all().size(); ++i) {
      const std::string& type = master().all()[i].type;
      if (type == "client_stopped") stopped = true;
      if (stopped) {
        EXPECT_NE(type, "spawning_complete");
        EXPECT_NE(type, "spawning");
      }
    }
    master().skip_to_now();
    expect_users(0);
  }
  expect_obeys_spawn(2);
}

TEST_F(Wire, StopTwice) {
  start();
  expect_obeys_spawn(3);
  master().skip_to_now();
  master().send("stop");
  master().send("stop");
  master().next("client_stopped");
  master().next("client_ready");
  master().listen(3s);
  // However often it answers, its last word is that it is ready.
  std::vector<std::string> words;
  for (const Received& message : master().all()) {
    if (message.type == "client_stopped" || message.type == "client_ready") {
      words.push_back(message.type);
    }
  }
  EXPECT_EQ(words.back(), "client_ready");
  master().skip_to_now();
  expect_users(0);
  expect_obeys_spawn(2);
}

// The stop takes as long as a request; a new test is ordered before the old one has ended. A stock
// worker runs that order when it is back, though the master has given its users to others by then;
// this one lets it go, and obeys the next.
TEST_F(Wire, SpawnDuringStop) {
  const Target target(dir(), 2000ms);
  start();
  master().spawn({{"HelloUser", 2}}, target.url(), 10);
  master().next("spawning_complete");
  master().listen(500ms);
  master().skip_to_now();
  master().send("stop");
  master().listen(300ms);
  master().spawn({{"HelloUser", 3}}, target.url(), 1);
  master().next("client_stopped");
  master().next("client_ready");
  expect_users(0);
  master().spawn({{"HelloUser", 4}}, target.url(), 1);
  master().next("spawning_complete",
                [](const Received& message) { return message.data.at("user_count") == 4; });
  expect_users(4);
}

TEST_F(Wire, QuitDuringSpawn) {
  start();
  master().spawn({{"HelloUser", 1000}});
  master().send("quit");
  master().next("quit");
  EXPECT_EQ(worker().process().wait_for_exit(20s), 0);
}

// One report before the users are stopped and one after, then quit: nothing of the run is lost.
TEST_F(Wire, QuitOrderLosesNothing) {
  const Target target(dir());
  start();
  master().spawn({{"HelloUser", 3}}, target.url(), 5);
  master().listen(4500ms);
  master().send("quit");
  master().next("quit");
  EXPECT_EQ(worker().process().wait_for_exit(20s), 0);
  EXPECT_EQ(master().all().back().type, "quit");
  EXPECT_EQ(reported_requests(master()), target.served());
}

TEST_F(Wire, SigtermInMidRunLosesNothing) {
  const Target target(dir());
  start();
  master().spawn({{"HelloUser", 3}}, target.url(), 5);
  master().listen(4500ms);
  worker().signal(SIGTERM);
  master().next("quit");
  EXPECT_EQ(worker().process().wait_for_exit(20s), 0);
  EXPECT_EQ(reported_requests(master()), target.served());
}

TEST_F(Wire, SigintEndsItToo) {
  start();
  expect_obeys_spawn(2);
  worker().signal(SIGINT);
  master().next("quit");
  EXPECT_EQ(worker().process().wait_for_exit(20s), 0);
}

TEST_F(Wire, UnknownClassIsReportedAndTheOthersRun) {
  start();
  master().spawn({{"HelloUser", 2}, {"NoSuchUser", 3}});
  const Received exception = master().next("exception");
  EXPECT_THAT(exception.data.dump(), HasSubstr("NoSuchUser"));
  EXPECT_EQ(keys(exception.data), (std::set<std::string>{"msg", "traceback"}));
  expect_obeys_spawn(4);
}

// A loop that only fails would send as many messages as it can; a master shows one row anyway.
TEST_F(Wire, ExceptionsCannotFloodTheMaster) {
  start("flood");
  master().spawn({{"FloodUser", 1}});
  master().next("exception");
  const std::size_t before = master().count("exception");
  master().listen(5s);
  const std::size_t in_5_s = master().count("exception") - before;
  EXPECT_THAT(in_5_s, Lt(500u));
  EXPECT_THAT(master().all_of("exception").front().data.at("msg").get<std::string>(),
              HasSubstr("broken without a pause"));
}

// A task keeps its thread for 4 s at a time; the master must hear from the worker all the same.
TEST_F(Wire, HeartbeatsGoOnWhileATaskBlocksItsThread) {
  start("blocking");
  master().spawn({{"BlockingUser", 1}});
  const auto started = master().next("spawning").time;
  master().listen(10s);
  Duration longest = 0ms;
  auto before = started;
  std::vector<Received> beats = master().all_of("heartbeat");
  beats.push_back({std::chrono::steady_clock::now(), "", "the end", nullptr, ""});
  for (const Received& beat : beats) {
    if (beat.time < started) continue;
    longest = std::max(longest, std::chrono::duration_cast<Duration>(beat.time - before));
    before = beat.time;
  }
  EXPECT_LE(longest, 1500ms);
}

// Once the worker can know that the master takes them (since 2.29.0), a test at the latest.
TEST_F(Wire, LogsAreSentWithTheWorkersId) {
  start();
  expect_obeys_spawn(1);
  master().send("spawning_complete", {{"user_count", 1}});
  // A Python worker sends its first lines as soon as it is registered.
  const std::vector<Received> before = master().all_of("logs");
  const Received logs = before.empty() ? master().next("logs") : before.front();
  EXPECT_EQ(keys(logs.data), (std::set<std::string>{"logs", "worker_id"}));
  EXPECT_EQ(logs.data.at("worker_id"), logs.identity);
  ASSERT_TRUE(logs.data.at("logs").is_array()) << logs.data.dump();
  for (const Json& line : logs.data.at("logs")) EXPECT_TRUE(line.is_string()) << line.dump();
}

// Masters before 2.19.0 echo nothing. That is no reason to register again in the middle of a run.
TEST_F(Wire, MasterThatNeverEchoes) {
  const Target target(dir());
  start("hello", {.echo_heartbeats = false});
  master().spawn({{"HelloUser", 2}}, target.url());
  master().next("spawning_complete");
  master().listen(15s);
  EXPECT_EQ(master().count("client_ready"), 1u);
  EXPECT_EQ(master().all_of("heartbeat").back().data.at("state"), "running");
  EXPECT_GT(reported_requests(master()), 0);
  expect_obeys_spawn(3, target.url());
}

}  // namespace
}  // namespace compat
