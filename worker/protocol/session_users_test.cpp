// Spawn messages (runners.py: WorkerRunner.handle_message, start_worker).
#include "protocol/test_session_driver.h"

namespace locust::protocol {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
using testing::StartsWith;

constexpr const char* kDiscarded =
    "INFO: Discard spawn message with older or equal timestamp than timestamp of previous spawn "
    "message";

TEST(SessionUsers, FirstSpawnBeginsATest) {
  SimulatedWorker worker;
  worker.register_now();
  worker.spawn({{"A", 2}, {"B", 1}});
  worker.advance(10ms);
  EXPECT_THAT(worker.take(),
              ElementsAre("spawning", "ClearStats", "ConfigureTest http://target",
                          "ChangeUsers A=2 B=1", "spawning_complete A=2 B=1 total 3"));
}

TEST(SessionUsers, TestIsConfiguredWithWhatTheMasterSends) {
  SimulatedWorker worker;
  worker.register_now();
  worker.spawn_at(1'800'000'000, {{"A", 1}}, 0, Map{{"my_argument", "x"}});
  for (const auto& event : worker.take_all()) {
    if (const auto* test = std::get_if<ConfigureTest>(&event.action)) {
      ASSERT_NE(test->parsed_options.find("my_argument"), nullptr);
      EXPECT_EQ(*test->parsed_options.find("my_argument"), Value("x"));
      return;
    }
  }
  FAIL() << "no test was begun";
}

TEST(SessionUsers, FurtherSpawnsOfATestChangeUsersAndSettings) {
  SimulatedWorker worker;
  worker.run(1);
  worker.spawn({{"A", 5}, {"B", 2}});
  worker.advance(1s);
  worker.spawn({{"A", 0}, {"B", 1}});
  worker.advance(10ms);
  EXPECT_THAT(
      worker.take(),
      ElementsAre("spawning", "ConfigureTest http://target", "ChangeUsers A=5 B=2",
                  "spawning_complete A=5 B=2 total 7", "spawning", "ConfigureTest http://target",
                  "ChangeUsers A=0 B=1", "spawning_complete A=0 B=1 total 1"));
}

// All classes of the worker, also where the master names one only.
TEST(SessionUsers, SpawningCompleteNamesAllClasses) {
  SimulatedWorker worker;
  worker.register_now();
  worker.spawn({{"B", 1}});
  worker.advance(10ms);
  EXPECT_EQ(worker.take().back(), "spawning_complete A=0 B=1 total 1");
}

TEST(SessionUsers, SpawningCompleteWaitsForTheUsers) {
  SimulatedWorker worker;
  worker.users_obey = false;
  worker.register_now();
  worker.spawn({{"A", 1}});
  worker.advance(20s);
  EXPECT_THAT(worker.sent<SpawningComplete>(), IsEmpty());
  worker.users_in_place();
  EXPECT_THAT(worker.sent<SpawningComplete>(), SizeIs(1));
}

TEST(SessionUsers, OlderAndEqualTimestampsAreAnsweredAndDiscarded) {
  SimulatedWorker worker;
  worker.register_now();
  worker.spawn_at(2'000'000'000, {{"A", 3}});
  worker.advance(10ms);
  worker.take();
  worker.spawn_at(2'000'000'000, {{"A", 9}});
  worker.spawn_at(1'999'999'999.5, {{"A", 9}});
  worker.advance(10ms);
  EXPECT_THAT(worker.take(), ElementsAre("spawning", kDiscarded, "spawning", kDiscarded));
  EXPECT_EQ(worker.users().at("A"), 3);
}

TEST(SessionUsers, NewerSpawnReplacesARunningJob) {
  SimulatedWorker worker;
  worker.users_obey = false;
  worker.register_now();
  worker.spawn({{"A", 1}});
  worker.spawn({{"A", 2}});
  worker.spawn({{"A", 3}});
  worker.users_in_place();
  EXPECT_THAT(worker.sent<Spawning>(), SizeIs(3));
  EXPECT_THAT(worker.sent<SpawningComplete>(), SizeIs(1));
  EXPECT_EQ(worker.take().back(), "spawning_complete A=3 B=0 total 3");
}

TEST(SessionUsers, JobsThatWereReplacedOrAreDoneCountForNothing) {
  SimulatedWorker worker;
  worker.users_obey = false;
  worker.register_now();
  std::vector<std::uint64_t> jobs;
  worker.spawn({{"A", 1}});
  worker.spawn({{"A", 2}});
  for (const auto& event : worker.take_all()) {
    if (const auto* change = std::get_if<ChangeUsers>(&event.action)) jobs.push_back(change->job);
  }
  ASSERT_THAT(jobs, SizeIs(2));
  EXPECT_THAT(worker.session().on_users_in_place(jobs[0], worker.now()), IsEmpty());
  EXPECT_THAT(worker.session().on_users_in_place(jobs[1] + 1, worker.now()), IsEmpty());
  worker.users_in_place();
  EXPECT_THAT(worker.sent<SpawningComplete>(), SizeIs(1));
  EXPECT_THAT(worker.session().on_users_in_place(jobs[1], worker.now()), IsEmpty());
}

TEST(SessionUsers, SpawnStormEndsAtTheLastCount) {
  SimulatedWorker worker;
  worker.register_now();
  for (int i = 0; i < 10'000; ++i) {
    worker.spawn({{"A", (i * 7919) % 10'001}, {"B", i % 3}});
    worker.advance(1ms);
  }
  worker.spawn({{"A", 17}, {"B", 4}});
  worker.advance(10ms);
  EXPECT_EQ(text_of(worker.users()), "A=17 B=4");
  EXPECT_THAT(worker.sent<Spawning>(), SizeIs(10'001));
}

TEST(SessionUsers, NegativeCountsMeanNone) {
  SimulatedWorker worker;
  worker.register_now();
  worker.spawn({{"A", -3}, {"B", 1}});
  worker.advance(10ms);
  EXPECT_THAT(worker.take(),
              testing::IsSupersetOf({"ChangeUsers A=0 B=1", "spawning_complete A=0 B=1 total 1"}));
}

TEST(SessionUsers, UnknownClassIsToldOnceATestAndCountsNothing) {
  SimulatedWorker worker;
  worker.register_now();
  for (int i = 0; i < 3; ++i) {
    worker.spawn({{"A", 1}, {"Ghost", 2}});
    worker.advance(1s);
  }
  const auto told = worker.sent<Exception>();
  ASSERT_THAT(told, SizeIs(1));
  EXPECT_THAT(told[0].msg, AllOf(HasSubstr("Ghost"), HasSubstr("A, B")));
  EXPECT_FALSE(told[0].traceback.empty());
  EXPECT_EQ(worker.take().back(), "spawning_complete A=1 B=0 Ghost=0 total 1");

  worker.receive(Stop{});
  worker.advance(1s);
  worker.spawn({{"A", 1}, {"Ghost", 2}});
  worker.advance(1s);
  EXPECT_THAT(worker.sent<Exception>(), SizeIs(2)) << "a new test, a new person at the web UI";
}

TEST(SessionUsers, AllSpawnedResetsTheStatisticsIfAsked) {
  for (const bool reset : {false, true}) {
    SessionSettings settings = worker_with_a_and_b();
    settings.reset_stats = reset;
    SimulatedWorker worker(settings);
    worker.run(1);
    worker.advance(2s);  // the first report is behind us
    const std::uint64_t before = worker.reported();
    worker.record(10);
    worker.receive(AllSpawned{1});
    worker.record(5);
    worker.advance(4s);
    EXPECT_EQ(worker.reported() - before, reset ? 5u : 15u);
  }
}

TEST(SessionUsers, AllSpawnedResetsAReportThatIsBeingCollected) {
  SessionSettings settings = worker_with_a_and_b();
  settings.reset_stats = true;
  SimulatedWorker worker(settings);
  worker.run(1);
  worker.shards_answer = false;
  worker.advance(3s);
  worker.record(10);
  const SteadyTime now = worker.now();
  worker.receive(AllSpawned{1});
  worker.record(10);  // what the shards had when they were asked
  worker.answer_report();
  EXPECT_EQ(worker.reported(), 0u);
  EXPECT_EQ(worker.now(), now);
}

TEST(SessionUsers, UpdatesOnlyClassesItHas) {
  SimulatedWorker worker;
  worker.register_now();
  worker.receive(UpdateUserClass{"A", Map{{"user_class_name", "A"}, {"weight", 3}}});
  worker.receive(UpdateUserClass{"Ghost", Map{{"user_class_name", "Ghost"}}});
  EXPECT_THAT(worker.take(),
              ElementsAre("UpdateUserClass A", AllOf(StartsWith("WARNING: "), HasSubstr("Ghost"))));
}

}  // namespace
}  // namespace locust::protocol
