// Masters that are broken, hostile, replaced or from the future. Each of the malformed messages
// here makes a stock worker deaf for ever while it goes on saying that it is ready.
#include <gmock/gmock.h>

#include <algorithm>
#include <thread>

#include "harness/wire_test_base.h"

namespace compat {
namespace {

using namespace std::string_literals;
using ::testing::HasSubstr;

std::string packed(const Json& value) {
  const std::vector<std::uint8_t> bytes = Json::to_msgpack(value);
  return {bytes.begin(), bytes.end()};
}

std::string triple(const Json& type, const Json& data) {
  return packed(Json::array({type, data, "id"}));
}

struct Malformed {
  const char* name;
  std::vector<std::string> frames;
};

std::string nested(std::size_t depth) {
  // ["spawn", [[[…]]], "id"]
  return "\x93\xa5spawn"s + std::string(depth, '\x91') + "\xc0\xa2id"s;
}

const std::vector<Malformed>& malformed() {
  static const std::vector<Malformed> all = {
      {"the_byte_that_msgpack_never_uses", {"\xc1"}},
      {"empty_frame", {""}},
      {"truncated", {triple("spawn", {{"timestamp", 1.0}}).substr(0, 12)}},
      {"pair", {packed(Json::array({"stop", nullptr}))}},
      {"integer", {packed(42)}},
      {"trailing_byte", {triple("heartbeat", nullptr) + "\x01"}},
      {"bad_utf8_type", {"\x93\xa4\xff\xfe\xfd\xfc\xc0\xa2id"}},
      {"bad_utf8_host", {"\x93\xa5spawn\x82\xa4host\xa2\xff\xfe\xa9timestamp\x01\xa2id"}},
      {"nested_600", {nested(600)}},
      {"nested_100000", {nested(100'000)}},
      {"two_frames", {triple("stop", nullptr), "more"}},
      {"type_is_an_integer", {triple(7, nullptr)}},
      {"type_is_nil", {triple(nullptr, nullptr)}},
      {"ack_with_integer", {triple("ack", 3)}},
      {"ack_with_text_index", {triple("ack", {{"index", "one"}})}},
      {"spawning_complete_with_nil", {triple("spawning_complete", nullptr)}},
      {"update_user_class_with_nil", {triple("update_user_class", nullptr)}},
      {"spawn_with_nil", {triple("spawn", nullptr)}},
      {"spawn_with_a_list", {triple("spawn", Json::array({1, 2}))}},
      {"spawn_without_timestamp", {triple("spawn", {{"user_classes_count", {{"HelloUser", 1}}}})}},
      {"spawn_with_text_timestamp",
       {triple("spawn", {{"timestamp", "now"}, {"user_classes_count", {{"HelloUser", 1}}}})}},
      {"spawn_without_counts", {triple("spawn", {{"timestamp", 1.0}})}},
      {"spawn_with_text_count",
       {triple("spawn", {{"timestamp", 1.6e9},
                         {"user_classes_count", {{"HelloUser", "many"}}},
                         {"host", nullptr},
                         {"stop_timeout", nullptr},
                         {"parsed_options", Json::object()}})}},
      {"array_that_claims_4_billion", {"\xdd\xff\xff\xff\xff"}},
      {"map_that_claims_4_billion", {"\x93\xa5spawn\xdf\xff\xff\xff\xff"}},
      {"text_that_claims_4_gigabytes", {"\x93\xdb\xff\xff\xff\xff"}},
      {"binary_that_claims_4_gigabytes", {"\x93\xa5spawn\xc6\xff\xff\xff\xff"}},
  };
  return all;
}

class WireMalformed : public WireTest, public ::testing::WithParamInterface<std::size_t> {};

TEST_P(WireMalformed, IsLoggedAndTheNextGoodSpawnIsObeyed) {
  const Malformed& message = malformed()[GetParam()];
  start();
  expect_obeys_spawn(2);
  const auto lines = [&] {
    const std::string log = worker().process().log();
    return std::count(log.begin(), log.end(), '\n');
  };
  const auto lines_before = lines();
  master().send_raw(message.frames);
  master().skip_to_now();
  master().next("heartbeat", 10s);
  master().next("heartbeat", 10s);
  EXPECT_TRUE(worker().process().running());
  EXPECT_GT(lines(), lines_before) << "the worker says nothing about it";
  EXPECT_LE(lines(), lines_before + 10) << "the worker says too much about it";
  expect_obeys_spawn(3);
  expect_users(3);
}

INSTANTIATE_TEST_SUITE_P(, WireMalformed, ::testing::Range(std::size_t{0}, malformed().size()),
                         [](const auto& chosen) { return malformed()[chosen.param].name; });

class WireFaults : public WireTest {};

std::int64_t memory(FakeMaster& master) {
  master.skip_to_now();
  return master.next("heartbeat").data.at("current_memory_usage").get<std::int64_t>();
}

TEST_F(WireFaults, MessageOf64MegabytesIsNotKept) {
  start();
  expect_obeys_spawn(2);
  const std::int64_t before = memory(master());
  master().send_raw({triple("spawn", std::string(64 << 20, 'x'))});
  master().listen(3s);
  expect_obeys_spawn(3);
  EXPECT_LT(memory(master()), before + (50 << 20));
}

TEST_F(WireFaults, ThousandsOfMalformedMessagesFillNeitherMemoryNorLog) {
  start();
  expect_obeys_spawn(2);
  const std::int64_t before = memory(master());
  for (int i = 0; i < 5000; ++i) {
    master().send_raw(malformed()[static_cast<std::size_t>(i) % 8].frames);
    if (i % 100 == 0) master().listen(5ms);
  }
  master().listen(2s);
  expect_obeys_spawn(3);
  EXPECT_LT(memory(master()), before + (50 << 20));
  EXPECT_LT(worker().process().log().size(), 2u << 20);
}

// Of a future master: what is not understood is passed over.
TEST_F(WireFaults, UnknownTypesAndKeysAreIgnored) {
  start();
  expect_obeys_spawn(2);
  master().send("something_new", {{"a", 1}});
  master().send("something_new", nullptr);
  master().send("another_new_thing", Json::array({1, 2, 3}));
  master().send("update_user_class", {{"user_class_name", "NoSuchUser"}, {"host", "http://x"}});
  master().send("spawning_complete", {{"user_count", 2}, {"new_key", true}});
  master().send("locustfile", {{"error", "nobody asked"}});
  master().send("spawn", {{"timestamp", master().last_timestamp() + 0.5},
                          {"user_classes_count", {{"HelloUser", 4}}},
                          {"host", master().host()},
                          {"stop_timeout", nullptr},
                          {"parsed_options", {{"new_option", Json::array({1, "x"})}}},
                          {"key_of_a_future_version", {{"deep", nullptr}}}});
  master().next("spawning_complete",
                [](const Received& message) { return message.data.at("user_count") == 4; });
  expect_obeys_spawn(3);
  EXPECT_THAT(worker().process().log(), HasSubstr("something_new"));
}

TEST_F(WireFaults, NegativeCountsStopTheUsers) {
  start();
  expect_obeys_spawn(2);
  master().spawn({{"HelloUser", -5}});
  master().next("spawning_complete",
                [](const Received& message) { return message.data.at("user_count") == 0; });
  expect_obeys_spawn(3);
}

// The master could not read one of our frames. Identity and users stay; no second registration.
TEST_F(WireFaults, ReconnectKeepsIdentityAndUsers) {
  start();
  expect_obeys_spawn(2);
  const std::string identity = master().all().back().identity;
  const std::size_t registrations = master().count("client_ready");
  master().send("reconnect");
  master().listen(2s);
  master().skip_to_now();
  EXPECT_EQ(master().next("heartbeat", 20s).identity, identity);
  expect_obeys_spawn(3);
  EXPECT_EQ(master().count("client_ready"), registrations);
  EXPECT_TRUE(worker().process().running());
}

// A new master on the old address. Its clock may be behind the old one's.
TEST_F(WireFaults, NewMasterWithAnOlderClockIsObeyed) {
  const Target target(dir());
  start();
  master().spawn({{"HelloUser", 2}}, target.url());
  master().next("spawning_complete");
  master().listen(2s);

  restart_master();
  master().next("client_ready", 60s);
  // What it says to a master that does not know it yet must be nothing that kills it.
  for (const Received& message : master().all()) {
    EXPECT_NE(message.type, "spawning");
    EXPECT_NE(message.type, "spawning_complete");
    EXPECT_NE(message.type, "client_stopped");
  }
  eventually("the old run's users to be gone", [&] {
    const std::int64_t before = target.served();
    master().listen(1s);
    return Seen{target.served() == before, "they still send requests"};
  });
  master().skip_to_now();
  master().spawn_at(1000.0, {{"HelloUser", 3}}, target.url());
  master().next("spawning_complete",
                [](const Received& message) { return message.data.at("user_count") == 3; });
}

// A pause of the network or a master that is stopped for a while: users run on and all is reported.
TEST_F(WireFaults, SilentMasterForTenSecondsLosesNothing) {
  const Target target(dir());
  start();
  master().spawn({{"HelloUser", 2}}, target.url(), 5);
  master().next("spawning_complete");
  std::this_thread::sleep_for(10s);
  const std::int64_t served = target.served();
  EXPECT_GT(served, 100) << "the users stopped";
  master().send("quit");
  master().next("quit");
  EXPECT_EQ(worker().process().wait_for_exit(20s), 0);
  std::int64_t reported = 0;
  for (const Received& report : master().all_of("stats")) {
    reported += report.data.at("stats_total").at("num_requests").get<std::int64_t>();
  }
  EXPECT_EQ(reported, target.served());
  EXPECT_EQ(master().count("client_ready"), 1u);
}

// The worker is started first, as an orchestrator may do.
TEST_F(WireFaults, MasterComesLater) {
  start_worker("hello");
  std::this_thread::sleep_for(7s);
  EXPECT_TRUE(worker().process().running()) << worker().process().log();
  restart_master();
  master().wait_for_worker();
  master().listen(2s);
  if (!stock_worker_wanted()) {
    // Copies that queued up would each be taken for a worker that registers in the middle of a run.
    EXPECT_EQ(master().count("client_ready"), 1u);
  }
  expect_obeys_spawn(2);
}

}  // namespace
}  // namespace compat
