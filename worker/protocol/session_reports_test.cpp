// What a worker tells its master besides its state: reports, log lines, exceptions, and the
// messages of the locustfile.
#include "protocol/test_session_driver.h"

namespace locust::protocol {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
using testing::StartsWith;

// ---- reports ----

TEST(SessionReports, GoEveryThreeSecondsAsDeltas) {
  SimulatedWorker worker;
  worker.run(2);
  worker.record(10);
  worker.advance(3s);
  worker.record(20);
  worker.advance(3s);
  EXPECT_THAT(worker.take(), ElementsAre("stats 10", "stats 20"));
  EXPECT_EQ(worker.sent<Stats>().back().user_count, 2);
  EXPECT_EQ(text_of(worker.sent<Stats>().back().user_classes_count), "A=2 B=0");
}

TEST(SessionReports, IdleWorkersReportAsWell) {
  SimulatedWorker worker;
  worker.register_now();
  const std::size_t before = worker.sent<Stats>().size();
  worker.advance(30s);
  EXPECT_EQ(worker.sent<Stats>().size() - before, 10u);
}

TEST(SessionReports, TailAfterAStopIsReportedLater) {
  SimulatedWorker worker;
  worker.run(2);
  worker.receive(Stop{});
  worker.advance(100ms);
  worker.record(2);  // ended after its user was given up
  worker.advance(4s);
  EXPECT_EQ(worker.reported(), 2u);
}

TEST(SessionReports, WhatIsOfAnOlderTestIsDiscardedWithIt) {
  SimulatedWorker worker;
  worker.run(2);
  worker.advance(1s);
  worker.receive(Stop{});
  worker.advance(100ms);
  worker.record(2);
  worker.spawn({{"A", 1}});
  worker.advance(4s);
  EXPECT_EQ(worker.reported(), 0u) << "stats.clear_all() at the first spawn";
}

TEST(SessionReports, UnexpectedReportIsHarmless) {
  SimulatedWorker worker;
  worker.run(2);
  EXPECT_THAT(worker.session().on_report({}, worker.now()), IsEmpty());
}

// ---- logs ----

void log_lines(SimulatedWorker& worker, std::uint64_t lines) {
  for (std::uint64_t i = 0; i < lines; ++i) {
    worker.logs.lines.push_back(fmt::format("line {}", ++worker.logs.total));
  }
}

SimulatedWorker& run_with_logs(SimulatedWorker& worker) {
  worker.register_now();
  worker.spawn_of_modern_master({{"A", 1}});
  worker.advance(11s);
  worker.take();
  return worker;
}

TEST(SessionLogs, WholeListGoesWhenThereAreNewLines) {
  SimulatedWorker worker;
  run_with_logs(worker);
  log_lines(worker, 3);
  worker.advance(10s);
  EXPECT_THAT(worker.take(), ElementsAre("logs 3"));
  worker.advance(60s);
  EXPECT_THAT(worker.take(), IsEmpty());
  log_lines(worker, 2);
  worker.advance(10s);
  EXPECT_THAT(worker.take(), ElementsAre("logs 5"));
  EXPECT_EQ(worker.sent<Logs>().back().lines.front(), "line 1");
}

TEST(SessionLogs, SeventyLinesInAnIntervalAreFine) {
  SimulatedWorker worker;
  run_with_logs(worker);
  for (int interval = 0; interval < 5; ++interval) {
    log_lines(worker, 70);
    worker.advance(10s);
  }
  EXPECT_THAT(worker.sent<Logs>(), SizeIs(5));
}

TEST(SessionLogs, MoreThanSeventyEndThemWithAWarning) {
  SimulatedWorker worker;
  run_with_logs(worker);
  log_lines(worker, 71);
  worker.advance(10s);
  EXPECT_THAT(worker.take(),
              ElementsAre("WARNING: The worker attempted to send more than 70 log lines in one "
                          "interval. Further log sending was disabled for this worker.",
                          "logs 71"));
  log_lines(worker, 1);
  worker.advance(60s);
  EXPECT_THAT(worker.take(), IsEmpty());
}

TEST(SessionLogs, OldMastersGetNone) {
  SimulatedWorker worker;
  worker.run(1);
  log_lines(worker, 5);
  worker.advance(100s);
  EXPECT_THAT(worker.sent<Logs>(), IsEmpty());
}

// Masters from 2.29.0 on tell when all workers have spawned.
TEST(SessionLogs, AllSpawnedShowsAModernMaster) {
  SimulatedWorker worker;
  worker.run(1);
  log_lines(worker, 5);
  worker.receive(AllSpawned{1});
  worker.advance(10s);
  EXPECT_THAT(worker.sent<Logs>(), SizeIs(1));
}

// The limit is one of an interval, not of the time before the first test.
TEST(SessionLogs, LinesOfManyIntervalsBeforeTheFirstTestAreNotTooMany) {
  SimulatedWorker worker;
  worker.register_now();
  for (int i = 0; i < 20; ++i) {
    log_lines(worker, 10);
    worker.advance(10s);
  }
  run_with_logs(worker);
  log_lines(worker, 1);
  worker.advance(10s);
  EXPECT_THAT(worker.take(), ElementsAre("logs 201"));
}

TEST(SessionLogs, AreKeptWhileThereIsNoConnection) {
  SimulatedWorker worker;
  run_with_logs(worker);
  worker.link_down();
  log_lines(worker, 5);
  worker.advance(20s);
  EXPECT_THAT(worker.sent<Logs>(), IsEmpty());
  worker.link_up();
  worker.advance(10s);
  EXPECT_THAT(worker.sent<Logs>(), SizeIs(1));
}

TEST(SessionLogs, ANewMasterGetsThemToo) {
  SimulatedWorker worker;
  run_with_logs(worker);
  log_lines(worker, 5);
  worker.advance(10s);
  ASSERT_THAT(worker.sent<Logs>(), SizeIs(1));
  worker.link_down();
  worker.master_forgets();
  worker.link_up();
  worker.advance(5s);
  worker.spawn_of_modern_master({{"A", 1}});
  worker.advance(10s);
  EXPECT_THAT(worker.sent<Logs>(), SizeIs(2));
}

// ---- exceptions ----

TEST(SessionExceptions, AreLoggedAndSent) {
  SimulatedWorker worker;
  worker.run(1);
  worker.user_error({"boom", "  File x\n"});
  EXPECT_THAT(worker.take(),
              ElementsAre(AllOf(StartsWith("ERROR: "), HasSubstr("boom"), HasSubstr("File x")),
                          "exception boom"));
  EXPECT_EQ(worker.sent<Exception>()[0].traceback, "  File x\n");
}

TEST(SessionExceptions, TenASecondForEachTraceback) {
  SimulatedWorker worker;
  worker.run(1);
  for (int second = 0; second < 3; ++second) {
    for (int i = 0; i < 100; ++i) worker.user_error({"boom", "one"});
    worker.user_error({"boom", "two"}, 4);
    worker.advance(1s);
  }
  const auto sent = worker.sent<Exception>();
  EXPECT_EQ(std::count_if(sent.begin(), sent.end(),
                          [](const Exception& e) { return e.traceback == "one"; }),
            30);
  EXPECT_EQ(std::count_if(sent.begin(), sent.end(),
                          [](const Exception& e) { return e.traceback == "two"; }),
            12);
}

TEST(SessionExceptions, OneWarningTellsTheTrueCountAtTheStop) {
  SimulatedWorker worker;
  worker.run(1);
  worker.user_error({"boom", "loop"}, 1000);
  worker.user_error({"bang", "rare"}, 3);
  worker.advance(1s);
  worker.user_error({"boom", "loop"}, 1000);
  worker.take();
  worker.receive(Stop{});
  worker.advance(100ms);
  std::vector<std::string> warnings;
  for (const std::string& words : worker.take()) {
    if (words.starts_with("WARNING")) warnings.push_back(words);
  }
  EXPECT_THAT(warnings, ElementsAre(AllOf(HasSubstr("2000"), HasSubstr("20"), HasSubstr("loop"))));
}

TEST(SessionExceptions, ThoseThatCouldNotBeSentAreNotCountedAsSent) {
  SimulatedWorker worker;
  worker.run(1);
  worker.user_error({"boom", "loop"}, 2);
  worker.link_down();
  worker.user_error({"boom", "loop"}, 5);
  worker.link_up();
  worker.advance(1s);
  worker.take();
  worker.receive(Stop{});
  worker.advance(100ms);
  EXPECT_THAT(worker.take(), Contains(AllOf(StartsWith("WARNING: An exception was raised 7 times, "
                                                       "of which the master was told 2"))));
}

// ---- messages of the locustfile ----

TEST(SessionCustom, GoBothWays) {
  SimulatedWorker worker;
  worker.run(1);
  worker.send_custom("acknowledge_users");
  worker.receive(CustomFromMaster{"test_users", Array{1, 2}});
  const auto events = worker.take_all();
  ASSERT_THAT(events, SizeIs(2));
  EXPECT_EQ(events[0].words(), "custom acknowledge_users");
  EXPECT_EQ(std::get<Deliver>(events[1].action).type, "test_users");
  EXPECT_EQ(std::get<Deliver>(events[1].action).data, Value(Array{1, 2}));
}

TEST(SessionCustom, OneOfLocustsOwnTypesIsNotSent) {
  SimulatedWorker worker;
  worker.run(1);
  for (const char* type :
       {"heartbeat", "stats", "spawning_complete", "exception", "client_ready"}) {
    worker.send_custom(type);
    EXPECT_THAT(worker.take(), ElementsAre(StartsWith("ERROR: Did not send a "))) << type;
  }
  EXPECT_THAT(worker.sent<CustomToMaster>(), IsEmpty());
}

TEST(SessionCustom, WaitForTheAckInTheirOrder) {
  SimulatedWorker worker;
  worker.send_custom("one");
  worker.link_up();
  worker.send_custom("two");
  EXPECT_THAT(worker.sent<CustomToMaster>(), IsEmpty());
  worker.advance(10ms);
  EXPECT_THAT(worker.take(),
              testing::IsSupersetOf({std::string("custom one"), std::string("custom two")}));
  EXPECT_EQ(worker.sent<CustomToMaster>()[0].type, "one");
}

TEST(SessionCustom, QueueIsBoundedAndSaysSoOnce) {
  SimulatedWorker worker;
  worker.run(1);
  worker.link_down();
  for (int i = 0; i < 5000; ++i) worker.send_custom(fmt::format("m{}", i));
  EXPECT_THAT(worker.take(), ElementsAre(AllOf(StartsWith("WARNING: "), HasSubstr("m0"))));
  worker.link_up();
  worker.advance(10ms);
  const auto sent = worker.sent<CustomToMaster>();
  ASSERT_THAT(sent, SizeIs(1000));
  EXPECT_EQ(sent.front().type, "m4000");
  EXPECT_EQ(sent.back().type, "m4999");
}

TEST(SessionCustom, LocustfileAnswerIsNotForThisWorker) {
  SimulatedWorker worker;
  worker.run(1);
  worker.receive(LocustfileAnswer{nullptr});
  EXPECT_THAT(worker.take(), ElementsAre(StartsWith("WARNING: Unknown message type received: ")));
}

}  // namespace
}  // namespace locust::protocol
