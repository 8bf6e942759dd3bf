// How a worker becomes known to a master, and what it says while nothing happens
// (runners.py: connect_to_master, heartbeat, heartbeat_timeout_checker).
#include "protocol/test_session_driver.h"

namespace locust::protocol {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;
using testing::StartsWith;

TEST(SessionRegistration, SaysNothingBeforeTheLinkIsUp) {
  SimulatedWorker worker;
  worker.advance(4s);
  EXPECT_THAT(worker.take(), IsEmpty());
  worker.link_up();
  EXPECT_THAT(worker.take(), ElementsAre("client_ready -1"));
}

TEST(SessionRegistration, SendsTheVersionItIsTold) {
  SessionSettings settings = worker_with_a_and_b();
  settings.version = "2.47.0";
  SimulatedWorker worker(settings);
  worker.link_up();
  EXPECT_THAT(worker.take(), ElementsAre("client_ready 2.47.0"));
}

TEST(SessionRegistration, SaysOnlyClientReadyUntilTheAck) {
  SimulatedWorker worker;
  worker.master_acks = false;
  worker.link_up();
  worker.record(7);
  worker.user_error({"boom", "trace"});
  worker.send_custom("greeting");
  worker.spawn({{"A", 1}});
  worker.receive(Stop{});
  worker.receive(HeartbeatEcho{});
  worker.receive(AllSpawned{1});
  worker.advance(21s);
  EXPECT_THAT(worker.sent<ClientReady>(), SizeIs(5));  // at 0, 5, 10, 15 and 20 s
  EXPECT_THAT(worker.sent<Heartbeat>(), IsEmpty());
  EXPECT_THAT(worker.sent<Stats>(), IsEmpty());
  EXPECT_THAT(worker.sent<Spawning>(), IsEmpty());
  EXPECT_THAT(worker.sent<ClientStopped>(), IsEmpty());
  EXPECT_THAT(worker.sent<Exception>(), IsEmpty());
  EXPECT_THAT(worker.sent<CustomToMaster>(), IsEmpty());
  EXPECT_EQ(worker.users().at("A"), 0);
}

TEST(SessionRegistration, GivesUpAfter61AttemptsOfFiveSeconds) {
  SimulatedWorker worker;
  worker.master_acks = false;
  worker.link_up();
  const SteadyTime start = worker.now();
  worker.advance(400s);
  EXPECT_TRUE(worker.has_exited());
  EXPECT_THAT(worker.sent<ClientReady>(), SizeIs(61));
  const auto events = worker.take_all();
  EXPECT_EQ(events.back().words(), "Exit 255");
  EXPECT_EQ(events.back().time - start, 305s);
  EXPECT_THAT(events[events.size() - 2].words(),
              StartsWith("ERROR: Failed to connect to the Locust master: "));
}

TEST(SessionRegistration, GivesUpInTheSameTimeWhereThereIsNoListener) {
  SimulatedWorker worker;
  worker.advance(304s);
  EXPECT_FALSE(worker.has_exited());
  worker.advance(2s);
  EXPECT_TRUE(worker.has_exited());
  EXPECT_EQ(worker.take().back(), "Exit 255");
  EXPECT_THAT(worker.sent<ClientReady>(), IsEmpty());
}

TEST(SessionRegistration, LogsRetriesQuietlyInTheFirstThirtySeconds) {
  SimulatedWorker worker;
  worker.advance(31s);
  EXPECT_THAT(worker.take(),
              ElementsAre("DEBUG: Failed to connect to master 127.0.0.1:5557, retry 1/60.",
                          "DEBUG: Failed to connect to master 127.0.0.1:5557, retry 2/60.",
                          "DEBUG: Failed to connect to master 127.0.0.1:5557, retry 3/60.",
                          "DEBUG: Failed to connect to master 127.0.0.1:5557, retry 4/60.",
                          "DEBUG: Failed to connect to master 127.0.0.1:5557, retry 5/60.",
                          "INFO: Failed to connect to master 127.0.0.1:5557, retry 6/60."));
}

TEST(SessionRegistration, TakesTheIndexOfTheAck) {
  SimulatedWorker worker;
  worker.master_acks = false;
  worker.link_up();
  worker.receive(Ack{3});
  EXPECT_THAT(worker.take(), ElementsAre("client_ready -1", "SetWorkerIndex 3",
                                         "DEBUG: Connected to locust master: 127.0.0.1:5557"));
}

TEST(SessionRegistration, WorksWithoutAnIndex) {
  SimulatedWorker worker;
  worker.master_acks = false;
  worker.link_up();
  worker.receive(Ack{});
  EXPECT_THAT(worker.take(), Not(Contains(StartsWith("SetWorkerIndex"))));
  worker.advance(1s);
  EXPECT_THAT(worker.sent<Heartbeat>(), Not(IsEmpty()));
}

TEST(SessionRegistration, DoesNotRegisterTwiceOnceAcknowledged) {
  SimulatedWorker worker;
  worker.register_now().advance(300s);
  EXPECT_THAT(worker.sent<ClientReady>(), SizeIs(1));
  EXPECT_FALSE(worker.has_exited());
}

TEST(SessionRegistration, ReportsAtOnceAndThenEveryThreeSeconds) {
  SimulatedWorker worker;
  worker.advance(1s);
  worker.link_up();
  const SteadyTime up = worker.now();
  worker.advance(10s);
  std::vector<SteadyDuration> times;
  for (const auto& event : worker.take_all()) {
    if (event.words().starts_with("stats")) times.push_back(event.time - up);
  }
  EXPECT_THAT(times, ElementsAre(1ms, 3001ms, 6001ms, 9001ms));
}

TEST(SessionRegistration, BeatsEverySecondWithStateAndNumbers) {
  SimulatedWorker worker;
  worker.session().set_usage(42.5, 123'456'789);
  worker.link_up();
  worker.advance(10500ms);
  const auto beats = worker.sent<Heartbeat>();
  EXPECT_THAT(beats, SizeIs(11));
  EXPECT_EQ(beats.back().current_cpu_usage, 42.5);
  EXPECT_EQ(beats.back().current_memory_usage, 123'456'789u);
  EXPECT_EQ(beats.back().state, WorkerState::ready);
}

TEST(SessionRegistration, BeatsWithTheStateOfTheUsers) {
  SimulatedWorker worker;
  worker.users_obey = false;
  worker.register_now();
  worker.spawn({{"A", 1}});
  worker.advance(1s);
  EXPECT_EQ(worker.sent<Heartbeat>().back().state, WorkerState::spawning);
  worker.users_in_place();
  worker.advance(1s);
  EXPECT_EQ(worker.sent<Heartbeat>().back().state, WorkerState::running);
}

TEST(SessionRegistration, RegistersAgainOverANewConnectionThatCameBeforeTheAck) {
  SimulatedWorker worker;
  worker.master_acks = false;
  worker.link_up();
  worker.advance(2s);
  worker.link_down();
  worker.advance(1s);
  worker.master_acks = true;
  worker.link_up();
  worker.advance(10ms);
  EXPECT_THAT(worker.sent<ClientReady>(), SizeIs(2));
  EXPECT_THAT(worker.sent<Heartbeat>(), SizeIs(1));
}

TEST(SessionRegistration, LeavesWithTheCodeOfTheSignalBeforeTheAck) {
  SimulatedWorker worker;
  const Actions actions = worker.session().quit(worker.now(), 143);
  ASSERT_THAT(actions, SizeIs(1));
  EXPECT_EQ(std::get<Exit>(actions[0]).code, 143);
}

// A worker unknown to a master may be told to quit by it.
TEST(SessionRegistration, ObeysQuitBeforeTheAck) {
  SimulatedWorker worker;
  worker.master_acks = false;
  worker.link_up();
  worker.receive(QuitOrder{});
  worker.advance(1s);
  EXPECT_TRUE(worker.has_exited());
  EXPECT_EQ(worker.take().back(), "Exit 0");
}

TEST(SessionRegistration, SurvivesABadFrame) {
  SimulatedWorker worker;
  worker.register_now();
  worker.bad_frame("no msgpack");
  EXPECT_THAT(worker.take(), ElementsAre(AllOf(StartsWith("ERROR: "), HasSubstr("no msgpack"))));
  worker.spawn({{"A", 2}});
  worker.advance(10ms);
  EXPECT_THAT(worker.sent<SpawningComplete>(), SizeIs(1));
}

}  // namespace
}  // namespace locust::protocol
