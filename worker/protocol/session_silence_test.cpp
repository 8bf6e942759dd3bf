// A master that is silent while the connection stands, one that asks for a new connection, and a
// worker that was suspended.
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

TEST(SessionSilence, UsersRunForSixtySecondsAndAreStoppedThen) {
  SimulatedWorker worker;
  worker.run(2);
  worker.master_echoes = worker.reachable = false;
  worker.advance(59s);
  EXPECT_EQ(worker.users().at("A"), 2);
  EXPECT_THAT(worker.take(), IsEmpty());
  worker.advance(4s);
  EXPECT_EQ(worker.users().at("A"), 0);
  EXPECT_THAT(worker.take(),
              ElementsAre(kSilence, StartsWith("WARNING: "), "ChangeUsers A=0 B=0", "RebuildLink"));
}

TEST(SessionSilence, TriesForEver) {
  SimulatedWorker worker;
  worker.run(2);
  worker.master_echoes = worker.reachable = false;
  worker.advance(std::chrono::hours(24));
  EXPECT_FALSE(worker.has_exited());
  const auto words = worker.take();
  EXPECT_GE(std::count(words.begin(), words.end(), "RebuildLink"), 24 * 50);
  worker.master_echoes = true;
  worker.master_forgets();
  worker.link_up();
  worker.advance(5s);
  EXPECT_THAT(worker.sent<ClientReady>(), SizeIs(2));
  worker.spawn({{"A", 7}});
  worker.advance(10ms);
  EXPECT_THAT(worker.take(), Contains("spawning_complete A=7 B=0 total 7"));
}

TEST(SessionSilence, SameMasterGetsWhatWasRecordedAndThenTheWorker) {
  SimulatedWorker worker;
  worker.run(2);
  worker.master_echoes = worker.reachable = false;
  for (int second = 0; second < 70; ++second) {
    if (worker.users().at("A") > 0) worker.record(1);
    worker.advance(1s);
  }
  const std::uint64_t before = worker.reported();
  worker.take();
  worker.master_echoes = true;
  worker.link_up();
  worker.advance(100ms);
  const auto words = worker.take();
  ASSERT_FALSE(words.empty());
  EXPECT_THAT(words[0], StartsWith("stats "));
  EXPECT_THAT(words, Contains("client_ready -1"));
  EXPECT_GE(worker.reported() + before, 60u);
  EXPECT_THAT(worker.sent<ClientReady>(), SizeIs(2));
}

// The master had us missing, not dropped, and deals users anew before it echoes.
TEST(SessionSilence, SpawnOfTheSameMasterIsEnough) {
  SimulatedWorker worker;
  worker.run(2);
  worker.master_echoes = worker.reachable = false;
  worker.advance(10s);
  worker.record(5);
  worker.advance(52s);
  worker.master_echoes = true;
  worker.link_up();
  worker.spawn({{"A", 3}});
  worker.advance(10s);
  EXPECT_EQ(worker.reported(), 5u);
  EXPECT_THAT(worker.sent<ClientReady>(), SizeIs(1));
  // Nor does a later reconnect make it register in the middle of the run.
  worker.link_down();
  worker.link_up();
  worker.advance(10s);
  EXPECT_EQ(worker.users().at("A"), 3);
  EXPECT_THAT(worker.sent<ClientReady>(), SizeIs(1));
}

TEST(SessionSilence, LateUsersOfAnOldJobSayNothing) {
  SimulatedWorker worker;
  worker.users_obey = false;
  worker.register_now();
  worker.advance(2s);
  worker.spawn({{"A", 1}});
  worker.master_echoes = worker.reachable = false;
  worker.advance(62s);
  worker.users_in_place();
  worker.master_echoes = true;
  worker.link_up();
  worker.advance(5s);
  EXPECT_THAT(worker.sent<SpawningComplete>(), IsEmpty());
}

TEST(SessionSilence, ExitOnMasterLossIsStock) {
  SessionSettings settings = worker_with_a_and_b();
  settings.exit_on_master_loss = true;
  SimulatedWorker worker(settings);
  worker.run(2);
  worker.master_echoes = false;
  worker.advance(59s);
  EXPECT_FALSE(worker.has_exited());
  worker.advance(4s);
  EXPECT_TRUE(worker.has_exited());
  const auto words = worker.take();
  EXPECT_EQ(words.front(), kSilence);
  EXPECT_EQ(words.back(), "Exit 0");
  EXPECT_EQ(worker.users().at("A"), 0);
}

// At the end of a test the master strikes the worker off and takes it in anew; it may go meanwhile.
TEST(SessionSilence, ExitOnMasterLossIsWhileItRegistersToo) {
  SessionSettings settings = worker_with_a_and_b();
  settings.exit_on_master_loss = true;
  SimulatedWorker worker(settings);
  worker.run(2);
  worker.master_acks = false;
  worker.receive(Stop{});
  worker.advance(10s);
  EXPECT_THAT(worker.take(), Contains("client_stopped"));
  worker.master_echoes = false;
  worker.advance(45s);
  EXPECT_FALSE(worker.has_exited());
  worker.advance(20s);
  EXPECT_TRUE(worker.has_exited());
}

TEST(SessionSilence, ExitOnMasterLossWaitsForAWorkerThatIsNotReadyYet) {
  SessionSettings settings = worker_with_a_and_b();
  settings.exit_on_master_loss = true;
  settings.additional_wait = 200s;
  SimulatedWorker worker(settings);
  worker.run(2);
  worker.receive(Stop{});
  worker.advance(210s);
  EXPECT_FALSE(worker.has_exited());
  EXPECT_EQ(worker.sent<ClientReady>().size(), 2U);
}

// ---- reconnect ----

TEST(SessionReconnectMessage, BuildsANewLinkAndAsks) {
  SimulatedWorker worker;
  worker.run(2);
  worker.advance(2s);
  worker.take_all();
  worker.record(4);
  worker.receive(Reconnect{});
  const SteadyTime ordered = worker.now();
  worker.advance(2s);
  std::vector<std::string> words;
  SteadyTime beat{};
  for (const auto& event : worker.take_all()) {
    if (event.words().starts_with("Collect")) continue;
    if (event.words().starts_with("heartbeat") && beat == SteadyTime{}) beat = event.time;
    words.push_back(event.words());
  }
  ASSERT_GE(words.size(), 3u);
  EXPECT_EQ(words[0], "WARNING: Received reconnect message from master. Resetting RPC connection.");
  EXPECT_EQ(words[1], "RebuildLink");
  EXPECT_EQ(words[2], "heartbeat running");
  EXPECT_LT(beat - ordered, 1s);
  worker.advance(4s);
  EXPECT_EQ(worker.reported(), 4u);
  EXPECT_EQ(worker.users().at("A"), 2);
  EXPECT_THAT(worker.sent<ClientReady>(), SizeIs(1)) << "no new client_ready at the same master";
}

TEST(SessionReconnectMessage, NextSpawnIsAnsweredWithinTwoSeconds) {
  SimulatedWorker worker;
  worker.master_echoes = false;
  worker.run(2);
  worker.receive(Reconnect{});
  worker.advance(1s);
  ASSERT_TRUE(worker.is_connected());
  worker.take();
  worker.spawn({{"A", 3}});
  worker.advance(100ms);
  EXPECT_THAT(worker.take(),
              testing::IsSupersetOf(
                  {std::string("spawning"), std::string("spawning_complete A=3 B=0 total 3")}));
}

TEST(SessionReconnectMessage, ConnectionThatIsSwallowedIsBuiltAgain) {
  SimulatedWorker worker;
  worker.run(2);
  worker.advance(2s);
  worker.take();
  worker.master_echoes = false;  // as if the master had not let go of the old one
  worker.receive(Reconnect{});
  worker.advance(3500ms);
  worker.master_echoes = true;
  worker.advance(10s);
  const auto words = worker.take();
  EXPECT_EQ(std::count(words.begin(), words.end(), "RebuildLink"), 2);
  EXPECT_EQ(worker.users().at("A"), 2);
  EXPECT_THAT(worker.sent<ClientReady>(), SizeIs(1));
}

TEST(SessionReconnectMessage, RegistersAnewWhenNobodyAnswers) {
  SimulatedWorker worker;
  worker.run(2);
  worker.advance(2s);
  worker.take();
  worker.master_forgets();
  worker.receive(Reconnect{});
  worker.advance(20s);
  const auto words = worker.take();
  EXPECT_LE(std::count(words.begin(), words.end(), "RebuildLink"), 5);
  EXPECT_THAT(worker.sent<ClientReady>(), SizeIs(2));
}

TEST(SessionReconnectMessage, WhileRegisteringIsFollowedByClientReady) {
  SimulatedWorker worker;
  worker.master_acks = false;
  worker.link_up();
  worker.receive(Reconnect{});
  worker.advance(1s);
  EXPECT_THAT(worker.sent<ClientReady>(), SizeIs(2));
  EXPECT_THAT(worker.sent<Heartbeat>(), IsEmpty());
}

TEST(SessionReconnectMessage, UnansweredClientReadyIsTriedOverANewConnection) {
  SimulatedWorker worker;
  worker.run(2);
  worker.master_acks = false;
  worker.receive(Stop{});
  worker.advance(10ms);
  worker.take();
  worker.advance(25s);
  const auto words = worker.take();
  EXPECT_THAT(words, Contains("RebuildLink"));
  EXPECT_GE(std::count(words.begin(), words.end(), "client_ready -1"), 3);
  worker.master_acks = true;
  worker.advance(6s);
  worker.spawn({{"A", 1}});
  worker.advance(10ms);
  EXPECT_THAT(worker.take(), Contains("spawning"));
}

// ---- a suspended process ----

TEST(SessionSuspended, TenSecondsAreHealedByTheNextHeartbeat) {
  SimulatedWorker worker;
  worker.run(2);
  worker.advance(5s);
  worker.record(3);
  worker.take();
  worker.suspend(10s);
  worker.advance(5s);
  EXPECT_THAT(worker.take(), ElementsAre("stats 3"));
  EXPECT_EQ(worker.users().at("A"), 2);
}

TEST(SessionSuspended, NinetySecondsAreNoReasonToSurrenderBeforeAsking) {
  SimulatedWorker worker;
  worker.run(2);
  worker.advance(5s);
  worker.record(3);
  worker.take();
  worker.suspend(90s);
  worker.advance(5s);
  EXPECT_THAT(worker.take(), Not(Contains(kSilence)));
  EXPECT_EQ(worker.reported(), 3u);
  EXPECT_EQ(worker.users().at("A"), 2);
  EXPECT_THAT(worker.sent<ClientReady>(), SizeIs(1));
}

TEST(SessionSuspended, RegistersWhereTheMasterHasDroppedIt) {
  SimulatedWorker worker;
  worker.run(2);
  worker.advance(5s);
  worker.suspend(90s);
  worker.master_forgets();
  worker.advance(5s);
  EXPECT_THAT(worker.sent<ClientReady>(), SizeIs(2));
  EXPECT_EQ(worker.users().at("A"), 0);
  EXPECT_FALSE(worker.has_exited());
}

TEST(SessionSuspended, NinetySecondsWithoutAConnectionAreNoReasonEither) {
  SimulatedWorker worker;
  worker.master_echoes = worker.reachable = false;
  worker.run(2);
  worker.link_down();
  worker.take();
  worker.suspend(90s);
  worker.advance(5s);
  EXPECT_THAT(worker.take(), Not(Contains(kSilence)));
  EXPECT_EQ(worker.users().at("A"), 2);
}

// What was on its way before proves nothing: the master drops a worker after 65 s.
TEST(SessionSuspended, StaleMessagesAreNotAnswered) {
  for (const bool echoes : {true, false}) {
    SimulatedWorker worker;
    worker.master_echoes = echoes;
    worker.users_obey = false;
    worker.register_now();
    worker.advance(3s);
    worker.spawn({{"A", 1}});
    const std::size_t spawning = worker.sent<Spawning>().size();
    worker.suspend(90s);
    worker.master_forgets();
    worker.receive(HeartbeatEcho{});
    worker.spawn({{"A", 2}});
    worker.users_in_place();
    EXPECT_EQ(worker.sent<Spawning>().size(), spawning) << echoes;
    worker.advance(10s);
    EXPECT_THAT(worker.sent<SpawningComplete>(), IsEmpty()) << echoes;
    EXPECT_THAT(worker.sent<ClientReady>(), SizeIs(2)) << echoes;
  }
}

TEST(SessionSuspended, UsersInPlaceAreTheFirstThatIsNoticed) {
  SimulatedWorker worker;
  worker.master_echoes = false;
  worker.users_obey = false;
  worker.register_now();
  worker.spawn({{"A", 1}});
  worker.suspend(90s);
  worker.master_forgets();
  worker.users_in_place();
  EXPECT_THAT(worker.sent<SpawningComplete>(), IsEmpty());
}

TEST(SessionSuspended, QuitIsObeyedHoweverOldItIs) {
  SimulatedWorker worker;
  worker.run(2);
  worker.suspend(90s);
  worker.receive(QuitOrder{});
  worker.advance(1s);
  EXPECT_EQ(worker.take().back(), "Exit 0");
}

}  // namespace
}  // namespace locust::protocol
