// The end of a test and of the worker (runners.py: WorkerRunner.handle_message, stop and quit).
#include "protocol/test_session_driver.h"

namespace locust::protocol {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;
using testing::StartsWith;

constexpr const char* kQuitMessage = "INFO: Got quit message from master, shutting down...";

TEST(SessionStop, LastReportGoesBeforeClientStopped) {
  SimulatedWorker worker;
  worker.run(2);
  worker.record(11);
  worker.receive(Stop{});
  worker.advance(10ms);
  EXPECT_THAT(worker.take(), ElementsAre("ChangeUsers A=0 B=0", "stats 11", "client_stopped",
                                         "client_ready -1", "SetWorkerIndex 0"));
  worker.advance(5s);
  EXPECT_EQ(worker.sent<Heartbeat>().back().state, WorkerState::ready);
}

// A stock worker sleeps for stop_timeout and the additional wait after client_stopped.
TEST(SessionStop, ClientReadyComesAfterTheStopTimeout) {
  SessionSettings settings = worker_with_a_and_b();
  settings.additional_wait = 2s;
  SimulatedWorker worker(settings);
  worker.run(2, 10);
  worker.users_obey = false;
  worker.receive(Stop{});
  worker.advance(4s);
  EXPECT_THAT(worker.take(), ElementsAre("ChangeUsers A=0 B=0"));
  worker.users_in_place();
  worker.advance(10ms);
  EXPECT_THAT(worker.take(), ElementsAre("client_stopped"));
  worker.advance(11900ms);
  EXPECT_THAT(worker.take(), IsEmpty());
  worker.advance(200ms);
  EXPECT_THAT(worker.take(), ElementsAre("client_ready -1", "SetWorkerIndex 0"));
}

// #2621: a stop timeout longer than the master's patience.
TEST(SessionStop, HeartbeatsGoOnWhileUsersEnd) {
  SimulatedWorker worker;
  worker.run(2, 150);
  worker.users_obey = false;
  worker.receive(Stop{});
  const std::size_t before = worker.sent<Heartbeat>().size();
  worker.advance(120s);
  EXPECT_EQ(worker.sent<Heartbeat>().size() - before, 120u);
  EXPECT_THAT(worker.take(), ElementsAre("ChangeUsers A=0 B=0"));
}

TEST(SessionStop, UsersGetTheStopTimeoutOfTheSpawn) {
  SimulatedWorker worker;
  worker.run(2, 7.5);
  worker.receive(Stop{});
  for (const auto& event : worker.take_all()) {
    if (const auto* change = std::get_if<ChangeUsers>(&event.action)) {
      EXPECT_EQ(change->stop_timeout, 7500ms);
      return;
    }
  }
  FAIL() << "users were not stopped";
}

TEST(SessionStop, SilenceBetweenClientStoppedAndTheAck) {
  SimulatedWorker worker;
  worker.run(2, 20);
  worker.receive(Stop{});
  worker.advance(10ms);
  worker.take();
  const std::size_t beats = worker.sent<Heartbeat>().size();
  worker.spawn({{"A", 5}});
  worker.receive(Ack{0});  // of an earlier client_ready
  worker.spawn({{"A", 5}});
  worker.record(3);
  worker.user_error({"late", "trace"});
  worker.send_custom("late");
  worker.advance(19s);
  EXPECT_THAT(worker.take(), testing::Each(Not(HasSubstr("spawning"))));
  EXPECT_EQ(worker.users().at("A"), 0);
  EXPECT_THAT(worker.sent<Heartbeat>(), SizeIs(beats));
  worker.advance(5s);
  EXPECT_EQ(worker.sent<CustomToMaster>().size(), 1u);
}

TEST(SessionStop, SecondStopChangesNothing) {
  SimulatedWorker worker;
  worker.run(2);
  worker.users_obey = false;
  worker.receive(Stop{});
  worker.receive(Stop{});
  worker.users_in_place();
  worker.receive(Stop{});
  worker.advance(1s);
  EXPECT_THAT(worker.sent<ClientStopped>(), SizeIs(1));
  EXPECT_THAT(worker.sent<ClientReady>(), SizeIs(2));
}

TEST(SessionStop, StopWithoutATestIsAnsweredAsWell) {
  SimulatedWorker worker;
  worker.register_now();
  worker.receive(Stop{});
  worker.advance(10ms);
  EXPECT_THAT(worker.take(), ElementsAre("ChangeUsers A=0 B=0", "client_stopped", "client_ready -1",
                                         "SetWorkerIndex 0"));
}

TEST(SessionStop, StopDuringTheRampCancelsTheJob) {
  SimulatedWorker worker;
  worker.users_obey = false;
  worker.register_now();
  worker.spawn({{"A", 100}});
  worker.advance(100ms);
  worker.receive(Stop{});
  worker.users_in_place();
  worker.advance(1s);
  EXPECT_THAT(worker.sent<SpawningComplete>(), IsEmpty());
  EXPECT_THAT(worker.sent<ClientStopped>(), SizeIs(1));
  EXPECT_EQ(text_of(worker.users()), "A=0 B=0");
}

TEST(SessionStop, SpawnDuringTheStopStartsNoUsers) {
  SimulatedWorker worker;
  worker.run(2);
  worker.users_obey = false;
  worker.receive(Stop{});
  worker.spawn({{"A", 9}});
  worker.users_in_place();
  worker.advance(1s);
  EXPECT_EQ(text_of(worker.users()), "A=0 B=0");
  EXPECT_THAT(worker.take(), AllOf(Contains("client_stopped"), Not(Contains("spawning"))));
}

TEST(SessionStop, FiveTestsInARow) {
  SimulatedWorker worker;
  worker.register_now();
  for (int test = 1; test <= 5; ++test) {
    worker.spawn({{"A", test}, {"B", 0}});
    worker.advance(100ms);
    worker.record(10);
    worker.advance(5s);
    worker.record(1);
    worker.receive(Stop{});
    worker.advance(1s);
    EXPECT_EQ(worker.reported(), static_cast<std::uint64_t>(test) * 11);
    EXPECT_THAT(worker.take(),
                ElementsAre("spawning", "ClearStats", "ConfigureTest http://target",
                            fmt::format("ChangeUsers A={} B=0", test),
                            fmt::format("spawning_complete A={0} B=0 total {0}", test), "stats 10",
                            "ChangeUsers A=0 B=0", "stats 1", "client_stopped", "client_ready -1",
                            "SetWorkerIndex 0"));
  }
}

TEST(SessionStop, UsersThatNeverEndDoNotHoldUpTheStop) {
  SimulatedWorker worker;
  worker.run(2, 3);
  worker.users_obey = false;
  worker.record(4);
  worker.receive(Stop{});
  worker.advance(7900ms);
  EXPECT_THAT(worker.sent<ClientStopped>(), IsEmpty());
  worker.record(5);
  worker.advance(200ms);
  EXPECT_THAT(worker.sent<ClientStopped>(), SizeIs(1));
  EXPECT_EQ(worker.reported(), 9u) << "the tail of the others is reported all the same";
  EXPECT_THAT(worker.take(), Contains(AllOf(StartsWith("ERROR: "), HasSubstr("A"))));
}

TEST(SessionStop, ShardsThatNeverAnswerDoNotHoldUpTheStop) {
  SimulatedWorker worker;
  worker.run(2);
  worker.users_obey = worker.shards_answer = false;
  worker.receive(Stop{});
  worker.advance(30s);
  EXPECT_THAT(worker.sent<ClientStopped>(), SizeIs(1));
  EXPECT_THAT(worker.sent<ClientReady>(), SizeIs(2));
}

// The last report of the first test comes in the middle of the second.
TEST(SessionStop, LateReportEndsNoOtherTest) {
  SimulatedWorker worker;
  worker.run(2);
  worker.shards_answer = false;
  worker.receive(Stop{});
  worker.advance(30s);
  worker.spawn({{"A", 3}});
  worker.advance(10ms);
  worker.users_obey = false;
  worker.receive(Stop{});
  for (int i = 0; i < 100; ++i) worker.answer_report();
  EXPECT_THAT(worker.sent<ClientStopped>(), SizeIs(1)) << "users run";
  worker.users_in_place();
  worker.answer_report();
  EXPECT_THAT(worker.sent<ClientStopped>(), SizeIs(2));
}

// ---- quit ----

TEST(SessionQuit, ReportsBeforeAndAfterTheUsersAreStopped) {
  SimulatedWorker worker;
  worker.run(2);
  worker.users_obey = worker.shards_answer = false;
  worker.record(6);
  worker.receive(QuitOrder{});
  std::vector<std::string> words;
  for (const auto& event : worker.take_all()) words.push_back(event.words());
  EXPECT_THAT(words, ElementsAre(kQuitMessage, "CollectReport", "ChangeUsers A=0 B=0"));
  worker.answer_report();
  EXPECT_THAT(worker.take(), ElementsAre("stats 6"));
  worker.record(2);
  worker.users_in_place();
  worker.answer_report();
  EXPECT_THAT(worker.take(), ElementsAre("stats 2", "quit", "Exit 0"));
}

TEST(SessionQuit, SigtermInMidRunLosesNothing) {
  SimulatedWorker worker;
  worker.run(2);
  for (int i = 0; i < 10; ++i) {
    worker.record(7);
    worker.advance(700ms);
  }
  worker.record(3);
  worker.quit();
  worker.advance(1s);
  EXPECT_TRUE(worker.has_exited());
  EXPECT_EQ(worker.reported(), 73u);
  EXPECT_EQ(text_of(worker.users()), "A=0 B=0");
  const auto words = worker.take();
  EXPECT_EQ(words[words.size() - 2], "quit");
  EXPECT_EQ(words.back(), "Exit 0");
}

TEST(SessionQuit, QuitWhenIdle) {
  SimulatedWorker worker;
  worker.register_now();
  worker.receive(QuitOrder{});
  worker.advance(100ms);
  EXPECT_THAT(worker.take(), ElementsAre(kQuitMessage, "ChangeUsers A=0 B=0", "quit", "Exit 0"));
}

TEST(SessionQuit, QuitDuringTheRamp) {
  SimulatedWorker worker;
  worker.users_obey = false;
  worker.register_now();
  worker.spawn({{"A", 50}});
  worker.receive(QuitOrder{});
  worker.users_in_place();
  worker.advance(100ms);
  EXPECT_THAT(worker.sent<SpawningComplete>(), IsEmpty());
  EXPECT_EQ(worker.take().back(), "Exit 0");
}

TEST(SessionQuit, QuitDuringAStopWaitsForTheUsers) {
  SimulatedWorker worker;
  worker.run(2, 5);
  worker.users_obey = false;
  worker.receive(Stop{});
  worker.quit();
  worker.advance(4s);
  EXPECT_FALSE(worker.has_exited());
  worker.record(1);
  worker.users_in_place();
  worker.advance(10ms);
  EXPECT_TRUE(worker.has_exited());
  EXPECT_EQ(worker.reported(), 1u);
  EXPECT_THAT(worker.sent<ClientStopped>(), IsEmpty());
}

TEST(SessionQuit, QuitAfterClientStopped) {
  SimulatedWorker worker;
  worker.run(2, 60);
  worker.receive(Stop{});
  worker.advance(1s);
  worker.quit();
  worker.advance(1s);
  EXPECT_EQ(worker.take().back(), "Exit 0");
  EXPECT_THAT(worker.sent<ClientReady>(), SizeIs(1));
}

// It must not spin while it waits for its users either.
TEST(SessionQuit, QuitWhileRegistering) {
  SimulatedWorker worker;
  worker.run(2, 10);
  worker.master_acks = false;
  worker.receive(Stop{});
  worker.advance(13s);
  worker.users_obey = false;
  worker.quit();
  worker.advance(14s);
  EXPECT_THAT(worker.sent<ClientReady>(), SizeIs(2));
  worker.users_in_place();
  worker.advance(10ms);
  EXPECT_EQ(worker.take().back(), "Exit 0");
}

TEST(SessionQuit, SecondQuitChangesNothing) {
  SimulatedWorker worker;
  worker.run(2);
  worker.users_obey = false;
  worker.quit();
  worker.quit();
  worker.receive(QuitOrder{});
  worker.receive(Stop{});
  worker.spawn({{"A", 9}});
  worker.users_in_place();
  worker.advance(10ms);
  EXPECT_THAT(worker.sent<Quit>(), SizeIs(1));
  EXPECT_EQ(worker.users().at("A"), 0);
}

TEST(SessionQuit, UsersThatNeverEndDoNotHoldUpTheExit) {
  SimulatedWorker worker;
  worker.run(2, 3);
  worker.users_obey = worker.shards_answer = false;
  worker.quit();
  worker.advance(30s);
  EXPECT_TRUE(worker.has_exited());
  EXPECT_EQ(worker.take().back(), "Exit 0");
}

TEST(SessionQuit, QuitWithoutAConnection) {
  SimulatedWorker worker;
  worker.run(2);
  worker.link_down();
  worker.quit();
  worker.advance(1s);
  EXPECT_EQ(worker.take().back(), "Exit 0");
  EXPECT_THAT(worker.sent<Quit>(), IsEmpty());
}

}  // namespace
}  // namespace locust::protocol
