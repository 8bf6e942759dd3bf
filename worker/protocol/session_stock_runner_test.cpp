// A session beneath Locust's own WorkerRunner: what it leaves to it, what it tells it, and what
// locustfiles may change.
#include "protocol/test_session_driver.h"

namespace locust::protocol {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;
using testing::StartsWith;

SessionSettings beneath_stock_runner() {
  SessionSettings settings = worker_with_a_and_b();
  settings.stock_runner = true;
  return settings;
}

template <class T>
std::vector<T> actions_of(const std::vector<SimulatedWorker::Event>& events) {
  std::vector<T> found;
  for (const auto& event : events) {
    if (const T* one = std::get_if<T>(&event.action)) found.push_back(*one);
  }
  return found;
}

TEST(SessionStockRunner, LeavesTheFirstConnectionToItsPatience) {
  SimulatedWorker worker(beneath_stock_runner());
  worker.master_acks = false;
  worker.link_up();
  worker.advance(400s);
  EXPECT_FALSE(worker.has_exited());
  const auto events = worker.take_all();
  EXPECT_THAT(actions_of<WriteLog>(events), IsEmpty());
  EXPECT_THAT(worker.sent<ClientReady>(), SizeIs(81)) << "CONNECT_TIMEOUT is 5 s";
}

TEST(SessionStockRunner, WritesNoLineThatLocustWrites) {
  SimulatedWorker worker(beneath_stock_runner());
  worker.run(1);
  worker.user_error({"bad", "traceback"});
  worker.receive(QuitOrder{});
  worker.advance(1s);
  const auto events = worker.take_all();
  EXPECT_THAT(actions_of<WriteLog>(events), IsEmpty());
  EXPECT_THAT(worker.sent<Exception>(), SizeIs(1));
}

TEST(SessionStockRunner, IsToldWhyUsersChange) {
  using Cause = ChangeUsers::Cause;
  SimulatedWorker worker(beneath_stock_runner());
  worker.register_now();
  worker.spawn({{"A", 2}});
  worker.receive(Stop{});
  worker.advance(1s);
  worker.spawn({{"A", 2}});
  worker.advance(1s);
  worker.master_forgets();
  worker.link_down();
  worker.link_up();
  worker.advance(5s);
  worker.receive(QuitOrder{});
  std::vector<Cause> causes;
  for (const ChangeUsers& change : actions_of<ChangeUsers>(worker.take_all())) {
    causes.push_back(change.cause);
    ASSERT_EQ(change.order != nullptr, change.cause == Cause::order);
    if (change.order) {
      EXPECT_EQ(change.order->host, "http://target");
    }
  }
  EXPECT_THAT(causes,
              ElementsAre(Cause::order, Cause::stop, Cause::order, Cause::loss, Cause::quit));
}

TEST(SessionStockRunner, CollectingIsUrgentOnlyWhenTheWorkerLeaves) {
  SimulatedWorker worker(beneath_stock_runner());
  worker.run(1);
  worker.receive(Stop{});
  worker.advance(4s);
  for (const CollectReport& one : actions_of<CollectReport>(worker.take_all())) {
    EXPECT_FALSE(one.urgent);
  }
  worker.receive(QuitOrder{});
  worker.advance(1s);
  const auto last = actions_of<CollectReport>(worker.take_all());
  ASSERT_THAT(last, SizeIs(2));
  EXPECT_TRUE(last[0].urgent && last[1].urgent);
}

// ---- what locustfiles change ----

TEST(SessionIntervals, HeartbeatsAndReportsFollow) {
  SimulatedWorker worker(beneath_stock_runner());
  worker.run(1);
  worker.session().set_intervals({10s, 1s, 60s, 5s}, worker.now());
  worker.advance(10s);
  worker.take_all();
  const std::size_t heartbeats = worker.sent<Heartbeat>().size();
  const std::size_t reports = worker.sent<Stats>().size();
  worker.advance(60s);
  EXPECT_EQ(worker.sent<Heartbeat>().size() - heartbeats, 6u);
  EXPECT_EQ(worker.sent<Stats>().size() - reports, 60u)
      << "a sign of the master every 10 s is fresh";
}

TEST(SessionIntervals, RareTicksAreNoSuspension) {
  SimulatedWorker worker(beneath_stock_runner());
  worker.run(1);
  worker.session().set_intervals({90s, 90s, 600s, 5s}, worker.now());
  worker.advance(300s);
  EXPECT_THAT(worker.take(), Not(Contains(StartsWith("RebuildLink"))));
  EXPECT_EQ(worker.users().at("A"), 1);
}

TEST(SessionIntervals, SilenceLastsAsLongAsTheyAllow) {
  SimulatedWorker worker(beneath_stock_runner());
  worker.run(1);
  worker.session().set_intervals({1s, 3s, 20s, 5s}, worker.now());
  worker.advance(2s);
  worker.master_echoes = false;
  worker.advance(25s);
  EXPECT_THAT(worker.take(), Contains("ERROR: Didn't get heartbeat from master in over 20s"));
}

TEST(SessionUserClasses, ThatAreAddedLaterAreKnown) {
  SimulatedWorker worker(beneath_stock_runner());
  worker.register_now();
  worker.session().set_user_classes({"A", "B", "C"});
  worker.spawn({{"C", 1}});
  EXPECT_THAT(worker.take(), Contains("ChangeUsers C=1"));
}

// ---- reports with additions ----

TEST(SessionExtra, TravelsWithItsReport) {
  SimulatedWorker worker(beneath_stock_runner());
  worker.run(1);
  worker.shards_answer = false;
  worker.advance(6s);
  worker.answer_report(Map{{"pages", 1}});
  worker.answer_report(Map{{"pages", 2}});
  const auto sent = worker.sent<Stats>();
  ASSERT_GE(sent.size(), 2u);
  EXPECT_EQ(sent[sent.size() - 2].extra, (Map{{"pages", 1}}));
  EXPECT_EQ(sent.back().extra, (Map{{"pages", 2}}));
}

TEST(SessionExtra, IsNotLostWhileTheMasterIsAway) {
  SimulatedWorker worker(beneath_stock_runner());
  worker.run(1);
  worker.shards_answer = false;
  const std::size_t before = worker.sent<Stats>().size();
  worker.link_down();
  for (int i = 0; i < 3; ++i) {
    worker.record(10);
    worker.advance(3s);
    worker.answer_report(Map{{"pages", i}});
  }
  worker.link_up();
  worker.advance(100ms);
  const auto sent = worker.sent<Stats>();
  ASSERT_EQ(sent.size() - before, 3u);
  EXPECT_EQ(sent.back().extra, (Map{{"pages", 2}}));
  EXPECT_EQ(worker.reported(), 30u);
}

// ---- log lines ----

// As those of a stock worker: at once, whatever the master is.
TEST(SessionSendLogs, LeaveAsSoonAsTheMasterIsThere) {
  SimulatedWorker worker(beneath_stock_runner());
  worker.send_logs({"one"});
  worker.send_logs({"one", "two"});
  EXPECT_THAT(worker.sent<Logs>(), IsEmpty());
  worker.register_now();
  ASSERT_THAT(worker.sent<Logs>(), SizeIs(1));
  EXPECT_THAT(worker.sent<Logs>()[0].lines, ElementsAre("one", "two"));
  worker.send_logs({"three"});
  EXPECT_THAT(worker.sent<Logs>(), SizeIs(2));
  worker.advance(60s);
  EXPECT_THAT(worker.sent<Logs>(), SizeIs(2));
}

TEST(SessionSendLogs, WaitForTheConnectionToComeBack) {
  SimulatedWorker worker(beneath_stock_runner());
  worker.register_now();
  worker.link_down();
  worker.send_logs({"one"});
  worker.advance(2s);
  EXPECT_THAT(worker.sent<Logs>(), IsEmpty());
  worker.link_up();
  worker.advance(2s);
  EXPECT_THAT(worker.sent<Logs>(), SizeIs(1));
}

TEST(SessionSendLogs, ANewMasterGetsThemToo) {
  SimulatedWorker worker(beneath_stock_runner());
  worker.register_now();
  worker.send_logs({"one"});
  worker.link_down();
  worker.master_forgets();
  worker.link_up();
  worker.advance(5s);
  ASSERT_THAT(worker.sent<ClientReady>(), SizeIs(2));
  ASSERT_THAT(worker.sent<Logs>(), SizeIs(2));
  EXPECT_THAT(worker.sent<Logs>()[1].lines, ElementsAre("one"));
}

TEST(SessionBlocker, IsNamedWhereUsersDoNotEnd) {
  SimulatedWorker worker(beneath_stock_runner());
  worker.users_obey = false;
  worker.register_now();
  worker.spawn({{"A", 1}}, 2);
  worker.receive(Stop{});
  worker.session().set_blocker("a task of A (x.py:3, in f)");
  worker.advance(6900ms);
  EXPECT_THAT(worker.take(), Not(Contains(HasSubstr("did not end in time"))));
  worker.advance(200ms);
  EXPECT_THAT(worker.take(), Contains(HasSubstr("They wait for a task of A (x.py:3, in f).")));
}

}  // namespace
}  // namespace locust::protocol
