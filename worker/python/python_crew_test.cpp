// What Locust's WorkerRunner is told, in which order, and when its users count as in place.
#include "python/python_crew.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace locust::python {
namespace {

using protocol::ChangeUsers;
using Cause = ChangeUsers::Cause;
using testing::ElementsAre;
using testing::IsEmpty;

struct Answered {
  std::uint64_t ticket;
  std::uint64_t requests;
  Map extra;
};

class PythonCrewTest : public testing::Test {
 protected:
  // A spawn as the session passes it on.
  void order(std::uint64_t job, double timestamp, std::int64_t users = 1) {
    protocol::Spawn spawn;
    spawn.timestamp = timestamp;
    spawn.host = "http://target";
    spawn.stop_timeout = 2;
    crew.change_users({job,
                       {{"A", users}},
                       seconds(2),
                       Cause::order,
                       std::make_shared<const protocol::Spawn>(spawn)});
  }
  void stop(std::uint64_t job, Cause cause) {
    crew.change_users({job, {{"A", 0}}, {}, cause, nullptr});
  }
  void record() { recorder->record("GET", "/", wall, 5, 10); }

  std::vector<std::string> told() {
    std::vector<std::string> types;
    for (PythonItem& item : inbox.take()) {
      if (auto* message = std::get_if<PythonMessage>(&item)) {
        types.push_back(message->type);
        last = std::move(*message);
      } else {
        types.push_back(std::holds_alternative<PythonLog>(item) ? "log" : "report");
      }
    }
    return types;
  }

  SteadyTime now{seconds(100)};
  WallTime wall{seconds(1'700'000'000)};
  std::shared_ptr<ProcessRecorder> recorder = std::make_shared<ProcessRecorder>(wall);
  Inbox inbox;
  std::vector<Answered> answered;
  std::vector<std::uint64_t> in_place;
  PythonMessage last;  // that told() has seen
  PythonCrew crew{recorder, inbox,
                  PythonCrew::Answers{
                      [this](std::uint64_t ticket, const stats::Report& report, Map extra) {
                        answered.push_back({ticket, report.total.num_requests, std::move(extra)});
                      },
                      [this](std::uint64_t job) { in_place.push_back(job); },
                      [this] { return now; }, [this] { return wall; }}};
};

TEST_F(PythonCrewTest, SpawnHasWhatLocustsRunnerReads) {
  order(7, 1000.5, 3);
  EXPECT_THAT(told(), ElementsAre("spawn"));
  EXPECT_EQ(last.job, 7U);
  EXPECT_EQ(last.data, Value(Map{{"timestamp", 1000.5},
                                 {"user_classes_count", Map{{"A", 3}}},
                                 {"host", "http://target"},
                                 {"stop_timeout", 2.0},
                                 {"parsed_options", Map{}}}));
}

TEST_F(PythonCrewTest, SpawnIsNeverOlderThanTheLastOne) {
  order(1, 1000);
  told();
  order(2, 500);  // of a master that was started again, with another clock
  EXPECT_THAT(told(), ElementsAre("spawn"));
  EXPECT_GT(last.data.find("timestamp")->as_double(), 1000);
  order(3, 1001);
  told();
  EXPECT_EQ(last.data.find("timestamp")->as_double(), 1001);
}

TEST_F(PythonCrewTest, SpawnIsDoneWhenPythonSaysSo) {
  order(1, 1000);
  EXPECT_THAT(in_place, IsEmpty());
  crew.users_spawned(1);
  EXPECT_THAT(in_place, ElementsAre(1));
}

TEST_F(PythonCrewTest, StopIsPassedOnAndDoneWhenPythonSaysSo) {
  order(1, 1000);
  stop(2, Cause::stop);
  EXPECT_THAT(told(), ElementsAre("spawn", "stop"));
  EXPECT_EQ(last.data, Value(Map{{"at_once", false}}));
  crew.users_spawned(1);
  EXPECT_THAT(in_place, IsEmpty()) << "a spawn that was under way is no stop";
  crew.users_stopped({});
  EXPECT_THAT(in_place, ElementsAre(2));
}

TEST_F(PythonCrewTest, LostMastersUsersStopAtOnceAndWhatTheyRecordIsForgotten) {
  order(1, 1000);
  stop(2, Cause::loss);
  EXPECT_THAT(told(), ElementsAre("spawn", "stop"));
  EXPECT_EQ(last.data, Value(Map{{"at_once", true}}));
  record();
  crew.users_stopped({});
  EXPECT_THAT(in_place, ElementsAre(2));
  crew.collect(1, false);
  ASSERT_EQ(answered.size(), 1U);
  EXPECT_EQ(answered[0].requests, 0U);
}

TEST_F(PythonCrewTest, LostMasterWithoutATestIsNoNewsForPython) {
  stop(1, Cause::loss);
  EXPECT_THAT(told(), IsEmpty());
  EXPECT_THAT(in_place, ElementsAre(1));
}

TEST_F(PythonCrewTest, LossDuringAStopWaitsForIt) {
  order(1, 1000);
  stop(2, Cause::stop);
  stop(3, Cause::loss);
  EXPECT_THAT(told(), ElementsAre("spawn", "stop"));
  EXPECT_THAT(in_place, IsEmpty());
  crew.users_stopped({});
  EXPECT_THAT(in_place, ElementsAre(3));
}

TEST_F(PythonCrewTest, QuitIsToldUnlessPythonLeavesByItself) {
  stop(1, Cause::quit);
  EXPECT_THAT(told(), ElementsAre("quit"));
  crew.leaving();
  stop(2, Cause::quit);
  EXPECT_THAT(told(), IsEmpty());
  crew.users_stopped({});
  EXPECT_THAT(in_place, ElementsAre(2));
}

TEST_F(PythonCrewTest, ReportLeavesAtOnceWhereNobodyListens) {
  record();
  crew.collect(1, false);
  ASSERT_EQ(answered.size(), 1U);
  EXPECT_EQ(answered[0].requests, 1U);
  EXPECT_THAT(told(), IsEmpty());
}

TEST_F(PythonCrewTest, ReportVisitsListenersAndTakesTheirKeysAlong) {
  crew.set_visits(true);
  record();
  crew.collect(1, false);
  EXPECT_THAT(answered, IsEmpty());
  EXPECT_THAT(told(), ElementsAre("report"));
  crew.answer_report(1, Map{{"pages", 3}});
  ASSERT_EQ(answered.size(), 1U);
  EXPECT_EQ(answered[0].requests, 1U);
  EXPECT_EQ(answered[0].extra, (Map{{"pages", 3}}));
}

TEST_F(PythonCrewTest, ReportLeavesAfterASecondAndLateKeysFollowWithoutSamples) {
  crew.set_visits(true);
  record();
  crew.collect(1, false);
  EXPECT_EQ(crew.watch(now), now + seconds(1));
  crew.watch(now + milliseconds(999));
  EXPECT_THAT(answered, IsEmpty());
  EXPECT_FALSE(crew.watch(now + seconds(1)));
  ASSERT_EQ(answered.size(), 1U);
  EXPECT_EQ(answered[0].requests, 1U);
  crew.answer_report(1, Map{{"pages", 3}});
  ASSERT_EQ(answered.size(), 2U);
  EXPECT_EQ(answered[1].requests, 0U);
  EXPECT_EQ(answered[1].extra, (Map{{"pages", 3}}));
}

TEST_F(PythonCrewTest, ReportToAMasterThatLeavesWaitsLess) {
  crew.set_visits(true);
  crew.collect(1, true);
  crew.watch(now + milliseconds(250));
  EXPECT_EQ(answered.size(), 1U);
}

TEST_F(PythonCrewTest, PythonThatHasAReportIsNotGivenASecond) {
  crew.set_visits(true);
  crew.collect(1, false);
  record();
  crew.collect(2, false);
  EXPECT_THAT(told(), ElementsAre("report"));
  ASSERT_EQ(answered.size(), 1U);
  EXPECT_EQ(answered[0].ticket, 2U);
}

TEST_F(PythonCrewTest, LastReportHasWhatPythonAddedWhenItStopped) {
  crew.set_visits(true);
  stop(1, Cause::quit);
  told();
  crew.users_stopped(Map{{"pages", 9}});
  crew.collect(1, true);
  ASSERT_EQ(answered.size(), 1U);
  EXPECT_EQ(answered[0].extra, (Map{{"pages", 9}}));
  crew.collect(2, true);
  crew.answer_report(2, {});
  EXPECT_THAT(answered.back().extra, IsEmpty()) << "once";
}

TEST_F(PythonCrewTest, MessagesOfTheMasterReachLocustsRunner) {
  crew.set_worker_index(4);
  crew.heard(protocol::HeartbeatEcho{});
  crew.heard(protocol::HeartbeatEcho{});
  crew.heard(protocol::AllSpawned{12});
  crew.deliver({"mine", 5});
  crew.write_log(log::Level::error, "locust.runners", "text");
  EXPECT_THAT(told(), ElementsAre("ack", "heartbeat", "spawning_complete", "mine", "log"));
}

}  // namespace
}  // namespace locust::python
