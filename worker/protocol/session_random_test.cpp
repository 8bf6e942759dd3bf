// Anything in any order: the driver checks at each step what a stock master must never be sent
// (nothing but client_ready before the ack, nothing of users between client_stopped and the ack,
// nothing without a connection, no spawning_complete before the users are there) and that the
// worker never spins.
#include <random>

#include "protocol/test_session_driver.h"

namespace locust::protocol {
namespace {

class RandomLife {
 public:
  explicit RandomLife(unsigned seed) : random_(seed), worker_(settings()) {
    worker_.users_obey = chance(50);
    worker_.shards_answer = chance(80);
    worker_.master_echoes = chance(80);
    worker_.master_acks = chance(90);
    if (chance(80)) worker_.register_now();
  }

  void live(int events) {
    for (int i = 0; i < events && !worker_.has_exited(); ++i) {
      one_event();
      worker_.advance(milliseconds(below(10) == 0 ? below(70'000) : below(3'000)));
      EXPECT_LE(worker_.reported(), recorded_) << "reported twice";
    }
  }

  // Whatever has happened, a master that behaves gets its users.
  void expect_recovery() {
    if (worker_.has_exited()) return;
    worker_.users_obey = worker_.shards_answer = worker_.reachable = true;
    worker_.master_echoes = worker_.master_acks = true;
    for (int i = 0; i < 1000; ++i) worker_.answer_report();
    worker_.users_in_place();
    worker_.link_down();
    worker_.master_forgets();
    worker_.advance(1s);
    worker_.link_up();
    worker_.advance(120s);
    ASSERT_EQ(worker_.has_exited(), quit_ordered_);
    if (quit_ordered_) return;
    worker_.take();
    worker_.spawn_at(4e9, {{"A", 5}, {"B", 6}});
    worker_.advance(1s);
    EXPECT_THAT(worker_.take(), testing::Contains("spawning_complete A=5 B=6 total 11"));
    worker_.record(77);
    const std::uint64_t before = worker_.reported();
    worker_.receive(Stop{});
    worker_.advance(30s);
    EXPECT_EQ(worker_.reported() - before, 77u);
    EXPECT_EQ(text_of(worker_.users()), "A=0 B=0");
  }

 private:
  SessionSettings settings() {
    SessionSettings result = worker_with_a_and_b();
    result.reset_stats = chance(20);
    result.additional_wait = seconds(below(3));
    return result;
  }
  int below(int limit) { return std::uniform_int_distribution<int>(0, limit - 1)(random_); }
  bool chance(int percent) { return below(100) < percent; }

  void one_event() {
    switch (below(21)) {
      case 0:
        return worker_.is_connected() ? worker_.link_down() : worker_.link_up();
      case 1:
        if (!worker_.is_connected()) worker_.link_up();
        return;
      case 2:
        return worker_.master_forgets();
      case 3:
        return worker_.receive(Ack{below(5)});
      case 4:
      case 5:
        return worker_.spawn({{"A", below(9) - 1}, {"B", below(5)}}, below(20));
      case 6:
        return worker_.spawn_at(1'700'000'000, {{"A", below(9)}, {"Ghost", 1}});
      case 7:
        return worker_.receive(Stop{});
      case 8:
        return worker_.receive(HeartbeatEcho{});
      case 9:
        return worker_.receive(AllSpawned{3});
      case 10:
        return worker_.receive(Reconnect{});
      case 11:
        return worker_.receive(CustomFromMaster{"x", nullptr});
      case 12:
        return worker_.bad_frame("noise");
      case 13:
        return worker_.users_in_place();
      case 14:
        return worker_.answer_report();
      case 15:
        return worker_.user_error({"boom", "trace"}, 30);
      case 16:
        return worker_.send_custom("x");
      case 17:
        return worker_.suspend(seconds(below(100)));
      case 18:
        recorded_ += 5;
        return worker_.record(5);
      case 19:
        return flip();
      default:
        if (chance(10)) {
          quit_ordered_ = true;
          worker_.receive(QuitOrder{});
        }
    }
  }
  void flip() {
    switch (below(5)) {
      case 0:
        worker_.users_obey = !worker_.users_obey;
        return;
      case 1:
        worker_.shards_answer = !worker_.shards_answer;
        return;
      case 2:
        worker_.master_echoes = !worker_.master_echoes;
        return;
      case 3:
        worker_.master_acks = !worker_.master_acks;
        return;
      default:
        worker_.reachable = !worker_.reachable;
    }
  }

  std::mt19937 random_;
  SimulatedWorker worker_;
  std::uint64_t recorded_ = 0;
  bool quit_ordered_ = false;
};

TEST(SessionRandom, NeverBreaksAMasterAndAlwaysRecovers) {
  for (unsigned seed = 1; seed <= 500; ++seed) {
    SCOPED_TRACE(fmt::format("seed {}", seed));
    RandomLife life(seed);
    life.live(50);
    life.expect_recovery();
    if (testing::Test::HasFailure()) break;
  }
}

}  // namespace
}  // namespace locust::protocol
