// When the master is silent, gone, restarted or wants a new connection. A stock worker gives up
// after 60 s or stays an orphan; this one keeps its users for 60 s, never lies to a master that
// does not know it, and comes back by itself.
#include "protocol/test_session_driver.h"

namespace locust::protocol {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;
using testing::StartsWith;

constexpr const char* kSilence = "ERROR: Didn't get heartbeat from master in over 60s";

std::size_t count(const std::vector<std::string>& words, const std::string& start) {
  return static_cast<std::size_t>(std::count_if(
      words.begin(), words.end(), [&](const std::string& w) { return w.starts_with(start); }));
}

// ---- a TCP reconnect ----

TEST(SessionReconnect, UsersRunOnAndNothingIsLostAtTheSameMaster) {
  SimulatedWorker worker;
  worker.run(3);
  std::uint64_t recorded = 0;
  for (int second = 0; second < 90; ++second) {
    if (second == 20) worker.link_down();
    if (second == 65) worker.link_up();  // 45 s
    worker.record(10);
    recorded += 10;
    worker.advance(1s);
  }
  worker.advance(4s);
  EXPECT_EQ(worker.reported(), recorded);
  EXPECT_EQ(worker.users().at("A"), 3);
  const auto words = worker.take();
  EXPECT_THAT(worker.sent<ClientReady>(), SizeIs(1));
  EXPECT_THAT(words, Contains("stats 450")) << "what could not leave is merged into one report";
  EXPECT_EQ(count(words, "ChangeUsers"), 0u);
}

TEST(SessionReconnect, AsksOverTheNewConnectionAtOnce) {
  SimulatedWorker worker;
  worker.run(3);
  worker.link_down();
  worker.advance(2500ms);
  const std::size_t before = worker.sent<Heartbeat>().size();
  worker.link_up();
  EXPECT_EQ(worker.sent<Heartbeat>().size() - before, 1u);
}

TEST(SessionReconnect, RegistersAtANewMasterWithinThreeSeconds) {
  SimulatedWorker worker;
  worker.run(3);
  worker.record(50);  // of the old master's run
  worker.link_down();
  worker.master_forgets();
  worker.advance(8s);
  worker.record(50);
  EXPECT_EQ(worker.users().at("A"), 3);
  worker.take();
  const std::uint64_t before = worker.reported();
  worker.link_up();
  worker.advance(3s);
  EXPECT_THAT(worker.sent<ClientReady>(), SizeIs(2));
  EXPECT_EQ(text_of(worker.users()), "A=0 B=0");
  worker.advance(10s);
  EXPECT_EQ(worker.reported(), before) << "no delta of the old run for the new master";
  EXPECT_THAT(worker.take(), Contains("ClearStats"));

  worker.spawn({{"A", 4}});
  worker.record(6);
  worker.advance(4s);
  EXPECT_EQ(worker.users().at("A"), 4);
  EXPECT_EQ(worker.reported(), before + 6);
}

TEST(SessionReconnect, ReportOnItsWayIsNotForTheNewMaster) {
  SimulatedWorker worker;
  worker.run(3);
  worker.link_down();
  worker.master_forgets();
  worker.shards_answer = false;
  worker.advance(5s);
  worker.link_up();
  worker.advance(3s);
  worker.record(9);
  const std::uint64_t before = worker.reported();
  worker.answer_report();
  worker.shards_answer = true;
  worker.advance(10s);
  EXPECT_EQ(worker.reported(), before);
}

// Its clock may be behind; a stock worker would discard its spawns.
TEST(SessionReconnect, ObeysARestartedMasterWithAnOlderClock) {
  SimulatedWorker worker;
  worker.register_now();
  worker.spawn_at(2'000'000'000, {{"A", 1}});
  worker.advance(1s);
  worker.link_down();
  worker.master_forgets();
  worker.link_up();
  worker.advance(5s);
  worker.take();
  worker.spawn_at(1'999'996'400, {{"A", 2}});
  worker.advance(10ms);
  EXPECT_THAT(worker.take(), ElementsAre("spawning", "ClearStats", "ConfigureTest http://target",
                                         "ChangeUsers A=2", "spawning_complete A=2 B=0 total 2"));
}

TEST(SessionReconnect, SpawningCompleteWaitsUntilTheMasterIsKnownToBeTheSame) {
  SimulatedWorker worker;
  worker.users_obey = false;
  worker.register_now();
  worker.spawn({{"A", 1}});
  worker.link_down();
  worker.users_in_place();
  worker.advance(1s);
  EXPECT_THAT(worker.sent<SpawningComplete>(), IsEmpty());
  worker.link_up();
  EXPECT_THAT(worker.sent<SpawningComplete>(), IsEmpty());
  worker.advance(10ms);  // the echo
  EXPECT_THAT(worker.sent<SpawningComplete>(), SizeIs(1));
  worker.advance(5s);
  EXPECT_THAT(worker.sent<SpawningComplete>(), SizeIs(1));
}

TEST(SessionReconnect, SpawningCompleteNeverGoesToANewMaster) {
  SimulatedWorker worker;
  worker.users_obey = false;
  worker.register_now();
  worker.spawn({{"A", 1}});
  worker.link_down();
  worker.users_in_place();
  worker.master_forgets();
  worker.link_up();
  worker.advance(20s);
  EXPECT_THAT(worker.sent<ClientReady>(), SizeIs(2));
  EXPECT_THAT(worker.sent<SpawningComplete>(), IsEmpty());
}

TEST(SessionReconnect, SpawningCompleteAndReportsWaitWhileEchoesAreOverdue) {
  SimulatedWorker worker;
  worker.users_obey = false;
  worker.register_now();
  worker.advance(5s);
  worker.spawn({{"A", 1}});
  worker.master_echoes = false;
  worker.advance(4s);
  worker.take();
  worker.record(5);
  worker.users_in_place();
  worker.advance(4s);
  worker.record(6);
  worker.advance(4s);
  EXPECT_THAT(worker.take(), IsEmpty());
  worker.master_echoes = true;
  worker.advance(5s);
  EXPECT_THAT(worker.take(),
              testing::UnorderedElementsAre("spawning_complete A=1 B=0 total 1", "stats 11"));
}

// A self-healed worker gets the spawn of the rebalancing before the echo.
TEST(SessionReconnect, SpawnProvesTheMasterAsWellAsAnEcho) {
  SimulatedWorker worker;
  worker.run(3);
  worker.send_custom("before");
  worker.link_down();
  worker.record(8);
  worker.send_custom("meanwhile");
  worker.advance(10s);
  worker.take();
  worker.link_up();
  worker.spawn({{"A", 5}});
  worker.advance(10s);
  EXPECT_EQ(worker.reported(), 8u);
  EXPECT_EQ(worker.users().at("A"), 5);
  EXPECT_THAT(worker.sent<ClientReady>(), SizeIs(1));
  EXPECT_THAT(worker.sent<CustomToMaster>(), SizeIs(2));
}

TEST(SessionReconnect, LinkThatFlapsIsLeftAfterSixtySeconds) {
  SimulatedWorker worker;
  worker.run(1);
  worker.master_forgets();
  for (int i = 0; i < 60; ++i) {
    worker.link_down();
    worker.advance(500ms);
    worker.link_up();
    worker.advance(700ms);
  }
  EXPECT_EQ(text_of(worker.users()), "A=0 B=0");
  worker.advance(5s);
  EXPECT_THAT(worker.sent<ClientReady>(), SizeIs(2));
}

TEST(SessionReconnect, StopThatCannotBeReportedIsMadeUpFor) {
  SimulatedWorker worker;
  worker.run(2);
  worker.users_obey = false;
  worker.receive(Stop{});
  worker.link_down();
  worker.record(5);
  worker.users_in_place();
  worker.advance(5s);
  worker.take();
  worker.link_up();
  worker.advance(100ms);
  EXPECT_EQ(worker.reported(), 5u);
  EXPECT_THAT(worker.sent<ClientReady>(), SizeIs(2));
}

TEST(SessionReconnect, LastReportOfAStopNeverGoesToANewMaster) {
  SimulatedWorker worker;
  worker.run(2);
  worker.users_obey = false;
  worker.receive(Stop{});
  worker.link_down();
  worker.master_forgets();
  worker.record(5);
  worker.users_in_place();
  worker.link_up();
  worker.advance(20s);
  EXPECT_EQ(worker.reported(), 0u);
  EXPECT_THAT(worker.sent<ClientReady>(), SizeIs(2));
  EXPECT_THAT(worker.sent<ClientStopped>(), IsEmpty()) << "a lone worker would end its run";
}

TEST(SessionReconnect, NewMasterDuringAStopHearsNothingOfIt) {
  SimulatedWorker worker;
  worker.run(2, 30);
  worker.users_obey = false;
  worker.receive(Stop{});
  worker.link_down();
  worker.master_forgets();
  worker.link_up();
  worker.advance(4s);
  EXPECT_THAT(worker.sent<ClientReady>(), SizeIs(2));
  worker.users_in_place();
  worker.advance(60s);
  EXPECT_THAT(worker.sent<ClientStopped>(), IsEmpty());
  EXPECT_THAT(worker.sent<ClientReady>(), SizeIs(2));
}

TEST(SessionReconnect, DoesNotRegisterWhileItQuits) {
  SimulatedWorker worker;
  worker.run(2, 30);
  worker.users_obey = false;
  worker.link_down();
  worker.master_forgets();
  worker.link_up();
  worker.quit();
  worker.advance(20s);
  EXPECT_THAT(worker.sent<ClientReady>(), SizeIs(1));
  worker.users_in_place();
  worker.advance(10ms);
  EXPECT_EQ(worker.take().back(), "Exit 0");
}

// ---- masters before 2.19.0 never echo ----

TEST(SessionOldMaster, SilenceMeansNothingWhileConnected) {
  SimulatedWorker worker;
  worker.master_echoes = false;
  worker.run(2);
  worker.record(9);
  worker.advance(3600s);
  EXPECT_EQ(worker.reported(), 9u);
  EXPECT_EQ(worker.users().at("A"), 2);
  EXPECT_THAT(worker.sent<ClientReady>(), SizeIs(1));
}

TEST(SessionOldMaster, ReconnectMessageDoesNotLookLikeSilence) {
  SimulatedWorker worker;
  worker.master_echoes = false;
  worker.run(2);
  worker.advance(600s);
  worker.take();
  worker.reachable = false;
  worker.receive(Reconnect{});
  worker.advance(55s);
  EXPECT_THAT(worker.take(), Not(Contains(kSilence)));
  EXPECT_EQ(worker.users().at("A"), 2);
}

TEST(SessionOldMaster, GoneForSixtySecondsIsLost) {
  SimulatedWorker worker;
  worker.master_echoes = false;
  worker.run(2);
  worker.advance(100s);
  worker.link_down();
  worker.reachable = false;
  worker.advance(59s);
  EXPECT_EQ(worker.users().at("A"), 2);
  worker.advance(3s);
  EXPECT_EQ(worker.users().at("A"), 0);
}

TEST(SessionOldMaster, RestartedOneGetsItsWorkerBack) {
  SimulatedWorker worker;
  worker.master_echoes = false;
  worker.run(2);
  worker.link_down();
  worker.master_forgets();
  worker.advance(3s);
  worker.link_up();
  worker.advance(3s);
  EXPECT_THAT(worker.sent<ClientReady>(), SizeIs(2));
}

}  // namespace
}  // namespace locust::protocol
