// What golden frames do not show: missing and wrong fields, hostile bytes, and values that no
// master may ever be sent. Byte strings are written by hand from the msgpack specification.
#include "protocol/codec.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cmath>
#include <limits>

#include "protocol/datetime.h"

namespace locust::protocol {
namespace {

using namespace std::chrono;
using namespace std::string_literals;
using testing::HasSubstr;

// A frame as a Python master packs it, made with our own writer (which golden_test.cpp holds to
// Python's bytes).
std::string frame(const std::string& type, const Value& data) {
  return encode(CustomToMaster{type, data}, "id");
}

TEST(Codec, PacksAndUnpacksValuesOnTheirOwn) {
  const Value value = Map{{"a", Array{1, 2.5, nullptr}}, {3, "x"}};
  // 91: what Python's msgpack writes for (value,).
  const auto read = unpack("\x91" + pack(value));
  ASSERT_TRUE(std::holds_alternative<Array>(read));
  EXPECT_EQ(std::get<Array>(read), (Array{value}));
  EXPECT_TRUE(std::holds_alternative<DecodeError>(unpack("")));
  EXPECT_TRUE(std::holds_alternative<DecodeError>(unpack(pack(value)))) << "no array";
  EXPECT_TRUE(std::holds_alternative<DecodeError>(unpack("\x91\x01\x01")));
}

TEST(Codec, WritesWhatALocustfileAddsToAReportBeforeLocustsOwnKeys) {
  Stats stats;
  stats.extra = Map{{"pages", 7}};
  const std::string bytes = encode(stats, "w");
  // ["stats", {"pages": 7, "stats": [], …
  EXPECT_TRUE(bytes.starts_with("\x93\xa5stats\x86\xa5pages\x07\xa5stats\x90\xabstats_total"s))
      << bytes;
}

std::string reason(const std::string& bytes) {
  const auto decoded = decode(bytes);
  const auto* error = std::get_if<DecodeError>(&decoded);
  return error == nullptr ? "(decoded)" : error->reason;
}

template <class Message>
Message decoded(const std::string& bytes) {
  auto result = decode(bytes);
  if (const auto* error = std::get_if<DecodeError>(&result)) {
    ADD_FAILURE() << error->reason;
    return {};
  }
  const auto* message = std::get_if<Message>(&std::get<FromMaster>(result));
  EXPECT_NE(message, nullptr);
  return message == nullptr ? Message{} : *message;
}

Map spawn_data() {
  return {{"timestamp", 1.5},
          {"user_classes_count", Map{{"A", 2}}},
          {"host", "http://h"},
          {"stop_timeout", 3.0},
          {"parsed_options", Map{{"tags", nullptr}}}};
}

Map without(Map map, std::string_view key) {
  std::erase_if(map, [key](const auto& entry) { return *entry.first.as_string() == key; });
  return map;
}

Map with(const Map& map, std::string_view key, Value value) {
  Map changed = without(map, key);
  changed.emplace_back(key, std::move(value));
  return changed;
}

std::string spawn_reason(std::string_view key, Value value) {
  return reason(frame("spawn", with(spawn_data(), key, std::move(value))));
}

// ---- from the master ----

TEST(Decode, AckWithAndWithoutIndex) {
  EXPECT_EQ(decoded<Ack>(frame("ack", Map{{"index", 4}})).index, 4);
  EXPECT_EQ(decoded<Ack>(frame("ack", {})).index, std::nullopt);
  EXPECT_EQ(decoded<Ack>(frame("ack", Map{})).index, std::nullopt);
  EXPECT_EQ(reason(frame("ack", 3)), "ack with data that is not a map");
  EXPECT_EQ(reason(frame("ack", Map{{"index", "0"}})), "ack with an index that is not an integer");
}

TEST(Decode, SpawnWithAllParts) {
  const auto spawn = decoded<Spawn>(frame("spawn", spawn_data()));
  EXPECT_EQ(spawn.timestamp, 1.5);
  EXPECT_EQ(spawn.user_classes_count, (UserCounts{{"A", 2}}));
  EXPECT_EQ(spawn.host, "http://h");
  EXPECT_EQ(spawn.stop_timeout, 3);
  EXPECT_EQ(spawn.parsed_options, Value(Map{{"tags", nullptr}}));
}

TEST(Decode, SpawnMayLackWhatLocustLetsItLack) {
  const Map least{{"timestamp", 7}, {"user_classes_count", Map{}}, {"a later field", 1}};
  const Map nils{{"timestamp", 7},
                 {"user_classes_count", Map{}},
                 {"host", nullptr},
                 {"stop_timeout", nullptr},
                 {"parsed_options", nullptr}};
  for (const Map& data : {least, nils}) {
    const auto spawn = decoded<Spawn>(frame("spawn", data));
    EXPECT_EQ(spawn.timestamp, 7);
    EXPECT_EQ(spawn.host, std::nullopt);
    EXPECT_EQ(spawn.stop_timeout, 0);
    EXPECT_EQ(spawn.parsed_options, Value(Map{}));
  }
}

TEST(Decode, SpawnThatCannotBeObeyedSaysWhy) {
  EXPECT_EQ(reason(frame("spawn", {})), "spawn with data that is not a map");
  EXPECT_EQ(reason(frame("spawn", without(spawn_data(), "timestamp"))),
            "spawn without a timestamp");
  EXPECT_EQ(spawn_reason("timestamp", nullptr), "spawn without a timestamp");
  EXPECT_EQ(spawn_reason("timestamp", "now"), "spawn with a timestamp that is not a number");
  EXPECT_EQ(spawn_reason("timestamp", true), "spawn with a timestamp that is not a number");
  for (const double endless : {HUGE_VAL, -HUGE_VAL, std::nan("")}) {
    EXPECT_EQ(spawn_reason("timestamp", endless), "spawn with a timestamp that is not finite");
  }
  EXPECT_EQ(reason(frame("spawn", without(spawn_data(), "user_classes_count"))),
            "spawn without a user_classes_count");
  EXPECT_EQ(spawn_reason("user_classes_count", Array{}),
            "spawn with a user_classes_count that is not a map");
  EXPECT_EQ(spawn_reason("host", 1), "spawn with a host that is not text");
  EXPECT_EQ(spawn_reason("stop_timeout", "5s"), "spawn with a stop_timeout that is not a number");
  EXPECT_EQ(spawn_reason("parsed_options", Array{}),
            "spawn with parsed_options that are not a map");
}

TEST(Decode, SpawnCounts) {
  const auto counts = [](Value count) {
    return frame("spawn", with(spawn_data(), "user_classes_count", Map{{"A", std::move(count)}}));
  };
  const auto users = [&](Value count) {
    return decoded<Spawn>(counts(std::move(count))).user_classes_count.at("A");
  };
  EXPECT_EQ(users(0), 0);
  EXPECT_EQ(users(1'000'000'000), 1'000'000'000);
  EXPECT_EQ(users(-1), 0);
  EXPECT_EQ(users(INT64_MIN), 0);
  EXPECT_EQ(reason(counts(std::int64_t{1'000'000'001})),
            "spawn with an impossible number of users of 'A'");
  EXPECT_EQ(reason(counts(UINT64_MAX)), "spawn with an impossible number of users of 'A'");
  for (const Value& bad : {Value(1.0), Value("1"), Value(), Value(true), Value(Map{})}) {
    EXPECT_EQ(reason(counts(bad)), "spawn with a number of users that is not an integer for 'A'");
  }
  EXPECT_EQ(spawn_reason("user_classes_count", Map{{1, 1}}),
            "spawn with a user class name that is not text");
}

TEST(Decode, AVeryLongNameDoesNotFloodTheLog) {
  const Map counts{{std::string(1'000'000, 'x'), "many"}};
  EXPECT_LT(spawn_reason("user_classes_count", counts).size(), 300u);
}

TEST(Decode, StopTimeoutIsAlwaysATimeThatAClockCanHold) {
  const auto timeout = [](Value value) {
    return decoded<Spawn>(frame("spawn", with(spawn_data(), "stop_timeout", std::move(value))))
        .stop_timeout;
  };
  EXPECT_EQ(timeout(2), 2);
  EXPECT_EQ(timeout(-1.0), 0);
  EXPECT_EQ(timeout(std::nan("")), 0);
  EXPECT_EQ(timeout(HUGE_VAL), 1e9);
}

TEST(Decode, SpawningCompleteAndUpdateUserClassNeedTheirData) {
  EXPECT_EQ(decoded<AllSpawned>(frame("spawning_complete", Map{{"user_count", 9}})).user_count, 9);
  EXPECT_EQ(reason(frame("spawning_complete", {})), "spawning_complete without a user_count");
  EXPECT_EQ(reason(frame("spawning_complete", Map{{"user_count", 1.0}})),
            "spawning_complete with a user_count that is not an integer");

  const Map settings{{"user_class_name", "A"}, {"weight", 3}};
  const auto update = decoded<UpdateUserClass>(frame("update_user_class", settings));
  EXPECT_EQ(update.user_class_name, "A");
  EXPECT_EQ(update.attributes, Value(settings));
  EXPECT_EQ(reason(frame("update_user_class", {})), "update_user_class without a user_class_name");
  EXPECT_EQ(reason(frame("update_user_class", Map{{"weight", 3}})),
            "update_user_class without a user_class_name");
  EXPECT_EQ(reason(frame("update_user_class", Map{{"user_class_name", 1}})),
            "update_user_class with a user_class_name that is not text");
}

TEST(Decode, OrdersCarryNoDataOrAny) {
  for (const Value& data : {Value(), Value(Map{{"from the future", 1}}), Value(3)}) {
    decoded<Stop>(frame("stop", data));
    decoded<QuitOrder>(frame("quit", data));
    decoded<HeartbeatEcho>(frame("heartbeat", data));
    decoded<Reconnect>(frame("reconnect", data));
  }
}

TEST(Decode, UnknownTypesAreForTheLocustfile) {
  for (const char* type : {"acknowledge_users", "Spawn", "", "client_ready"}) {
    const auto custom = decoded<CustomFromMaster>(frame(type, Array{1, "two"}));
    EXPECT_EQ(custom.type, type);
    EXPECT_EQ(custom.data, Value(Array{1, "two"}));
  }
}

TEST(Decode, ValuesOfEveryKindComeBackAsTheyWent) {
  const Map data{{"nil", nullptr},
                 {"yes", true},
                 {"no", false},
                 {"negative", INT64_MIN},
                 {"big", UINT64_MAX},
                 {"float", 0.1},
                 {"text", "grüße"},
                 {"raw", Binary{"\0\xff"s}},
                 {"list", Array{1, Array{}, Map{}}},
                 {7, "integer key"},
                 {nullptr, 0},
                 {1.5, 0},
                 {Binary{"k"}, 0},
                 {"then", DateTime{-1us}}};
  EXPECT_EQ(decoded<CustomFromMaster>(frame("x", data)).data, Value(data));
}

// ---- datetimes ----

TEST(DateTimes, TextBothWays) {
  const auto at = [](year_month_day date, microseconds time) {
    return DateTime{sys_days{date}.time_since_epoch() + time};
  };
  const std::pair<DateTime, const char*> cases[] = {
      {at(2026y / January / 31, 23h + 59min + 58s + 7us), "20260131T23:59:58.000007"},
      {at(1969y / July / 20, 20h + 17min + 40s + 250ms), "19690720T20:17:40.250000"},
      {at(1y / January / 1, 0us), "00010101T00:00:00.000000"},
      {at(9999y / December / 31, 24h - 1us), "99991231T23:59:59.999999"},
      {at(2024y / February / 29, 0us), "20240229T00:00:00.000000"},
  };
  for (const auto& [time, text] : cases) {
    EXPECT_EQ(datetime_text(time), text);
    EXPECT_EQ(datetime_from(text), time);
  }
  EXPECT_EQ(datetime_from("20260131T00:00:00.5"), at(2026y / January / 31, 500ms));
}

TEST(DateTimes, WhatPythonCouldNotReadIsNeverWritten) {
  EXPECT_EQ(datetime_text({microseconds::min()}), "00010101T00:00:00.000000");
  EXPECT_EQ(datetime_text({microseconds::max()}), "99991231T23:59:59.999999");
}

TEST(DateTimes, WhatIsNoneIsRefused) {
  for (const char* text :
       {"", "2026", "20260131", "20260131T00:00:00", "20260131T00:00:00.", "20260230T00:00:00.0",
        "20261301T00:00:00.0", "20260100T00:00:00.0", "00000101T00:00:00.0", "20260131T24:00:00.0",
        "20260131T00:60:00.0", "20260131T00:00:60.0", "20260131 00:00:00.0",
        "20260131T00:00:00.0000001", "20260131T00:00:00.-1", "2026013aT00:00:00.0",
        "20260131T00:00:00.000000Z"}) {
    EXPECT_EQ(datetime_from(text), std::nullopt) << text;
  }
}

// A frame whose data is this map, written by hand: our writer would disarm its keys.
std::string hand_made(const std::string& map) { return "\x93\xa1x"s + map + "\xc0"; }
const auto kMarker = "\xac__datetime__"s;
const auto kAsStr = "\xa6"s + "as_str";

TEST(DateTimes, AnyMapThatHoldsTheMarkerBecomesOne) {
  const auto text = "\xb8"s + "20260131T23:59:58.000007";
  const DateTime expected{sys_days{2026y / January / 31}.time_since_epoch() + 23h + 59min + 58s +
                          7us};
  for (const auto& map : {"\x82"s + kMarker + "\xc3" + kAsStr + text,
                          "\x83\x01\x02"s + kAsStr + text + kMarker + "\xc2"}) {
    EXPECT_EQ(decoded<CustomFromMaster>(hand_made(map)).data, Value(expected));
  }
}

TEST(DateTimes, AMalformedOneStaysAMap) {
  const auto with_text = hand_made("\x82"s + kMarker + "\xc3" + kAsStr + "\xa3" + "now");
  EXPECT_EQ(decoded<CustomFromMaster>(with_text).data,
            Value(Map{{"__datetime__", true}, {"as_str", "now"}}));
  const auto with_number = hand_made("\x82"s + kMarker + "\xc3" + kAsStr + "\x01");
  EXPECT_EQ(decoded<CustomFromMaster>(with_number).data,
            Value(Map{{"__datetime__", true}, {"as_str", 1}}));
  EXPECT_EQ(decoded<CustomFromMaster>(hand_made("\x81"s + kMarker + "\xc3")).data,
            Value(Map{{"__datetime__", true}}));
}

TEST(DateTimes, AnObjectIdStaysAMapBothWays) {
  const Map id{{"__ObjectId__", true}, {"as_str", "65b2c8f0a1b2c3d4e5f60718"}};
  EXPECT_EQ(decoded<CustomFromMaster>(frame("x", id)).data, Value(id));
}

// ---- hostile bytes ----

TEST(Decode, HostileBytesAreRefusedWithAReason) {
  const std::pair<std::string, const char*> cases[] = {
      {"", "an empty frame"},
      {"\xc1", "bytes that are not msgpack"},
      {"\x93\xa1x\xc1\xc0", "bytes that are not msgpack"},
      {"\x93\xa4stop"s.substr(0, 4), "a frame that ends too early"},
      {"\x92\xa4stop\xc0", "not an array of three"},
      {"\x94\xa4stop\xc0\xc0\xc0", "not an array of three"},
      {"\x90", "not an array of three"},
      {"\x07", "not an array of three"},
      {"\xc0", "not an array of three"},
      {"\x80", "not an array of three"},
      {"\xa4stop", "not an array of three"},
      {"\x93\x01\xc0\xc0", "a message type that is not text"},
      {"\x93\xc4\x01x\xc0\xc0", "a message type that is not text"},
      {"\x93\xa4stop\xc0\xc0\xc0", "bytes after the end of the message"},
      {"\x93\xa1\xff\xc0\xc0", "a string that is not UTF-8"},
      {"\x93\xa1x\xa1\x80\xc0", "a string that is not UTF-8"},
      {"\x93\xa1x\xc0\xa1\xc3", "a string that is not UTF-8"},
      {"\x93\xa1x\xd4\x01\x00\xc0"s, "a msgpack extension type, which Locust does not use"},
      {"\x93\xa1x\x81\x90\xc0\xc0", "a map with a key that is a map or an array"},
      {"\x93\xa1x\x81\x80\xc0\xc0", "a map with a key that is a map or an array"},
  };
  for (const auto& [bytes, expected] : cases) {
    EXPECT_EQ(reason(bytes), expected) << testing::PrintToString(bytes);
  }
}

TEST(Decode, DeepNestingIsRefused) {
  const auto nested = [](std::size_t depth) {
    return "\x93\xa1x"s + std::string(depth, '\x91') + "\xc0\xc0";
  };
  EXPECT_EQ(reason(nested(63)), "(decoded)");
  EXPECT_EQ(reason(nested(64)), "values nested more than 64 deep");
  EXPECT_EQ(reason(nested(600)), "values nested more than 64 deep");
  EXPECT_EQ(reason(std::string(100'000, '\x91')), "values nested more than 64 deep");
  std::string maps = "\x93\xa1x";
  for (int i = 0; i < 600; ++i) maps += "\x81\xa1k";
  EXPECT_EQ(reason(maps), "values nested more than 64 deep");
}

TEST(Decode, HeadersThatPromiseGigabytesCostNothing) {
  EXPECT_EQ(reason("\xdd\xff\xff\xff\xff"), "more than a million values");
  EXPECT_EQ(reason("\xdf\xff\xff\xff\xff"), "more than a million values");
  EXPECT_EQ(reason("\x93\xa1x\xdd\xff\xff\xff\xff"), "more than a million values");
  EXPECT_EQ(reason("\x93\xa1x\xdf\x7f\xff\xff\xff"), "more than a million values");
  EXPECT_EQ(reason("\x93\xa1x\xdd\x00\x0f\x00\x00"s), "a frame that ends too early");
  EXPECT_EQ(reason("\x93\xa1x\xc6\xff\xff\xff\xff"), "a frame that ends too early");
  EXPECT_EQ(reason("\x93\xa1x\xdb\xff\xff\xff\xff"), "a frame that ends too early");
  EXPECT_EQ(reason("\x93\xa1x\xc9\xff\xff\xff\xff\x01"), "a frame that ends too early");
}

TEST(Decode, ManySmallValuesAreLimitedInAll) {
  // 20 arrays of 60,000 nils: each is allowed, all of them are not.
  std::string bytes = "\x93\xa1x\xdc\x00\x14"s;
  for (int i = 0; i < 20; ++i) bytes += "\xdc\xea\x60" + std::string(60'000, '\xc0');
  EXPECT_EQ(reason(bytes), "more than a million values");
}

TEST(Decode, LongStringsAreLimited) {
  const auto of_length = [](std::uint32_t size) {
    std::string bytes = "\x93\xa1x\xdb";
    for (int shift = 24; shift >= 0; shift -= 8) bytes += static_cast<char>(size >> shift);
    return bytes + std::string(size, 'a') + "\xc0";
  };
  EXPECT_EQ(reason(of_length(16u << 20)), "(decoded)");
  EXPECT_EQ(reason(of_length((16u << 20) + 1)), "a string of more than 16 MiB");
}

// ---- to the master ----

TEST(Encode, ClientReadyWithoutAVersionIsTheIntegerMinusOne) {
  EXPECT_EQ(encode(ClientReady{}, "w"),
            "\x93\xac"
            "client_ready\xff\xa1w");
  EXPECT_EQ(encode(ClientReady{"2.47.0"}, "w"),
            "\x93\xac"
            "client_ready\xa6"
            "2.47.0\xa1w");
}

TEST(Encode, HeartbeatIsAStateAFloatAndAnInteger) {
  EXPECT_EQ(encode(Heartbeat{WorkerState::running, 0, 1}, "w"),
            "\x93\xa9heartbeat\x83\xa5state\xa7running"
            "\xb1"
            "current_cpu_usage\xcb\0\0\0\0\0\0\0\0"
            "\xb4"
            "current_memory_usage\x01\xa1w"s);
  EXPECT_THAT(encode(Heartbeat{WorkerState::ready, 0, 1}, "w"), HasSubstr("\xa5ready"));
  EXPECT_THAT(encode(Heartbeat{WorkerState::spawning, 0, 1}, "w"), HasSubstr("\xa8spawning"));
}

TEST(Encode, BadBytesInAnyTextBecomeReplacementCharacters) {
  const auto bad = "a\xff"s;
  const auto good = "\xa4"s + "a\xEF\xBF\xBD";
  EXPECT_THAT(encode(Exception{bad, bad}, "w"), HasSubstr("msg" + good + "\xa9traceback" + good));
  EXPECT_THAT(encode(Logs{{bad}}, bad), HasSubstr("logs\x91" + good + good));
  EXPECT_THAT(encode(CustomToMaster{bad, Map{{bad, bad}}}, "w"),
              HasSubstr(good + "\x81" + good + good));
  EXPECT_THAT(encode(SpawningComplete{{{bad, 1}}, 1}, "w"), HasSubstr("\x81" + good + "\x01"));

  Stats message;
  message.report.stats.resize(1);
  message.report.stats[0].name = bad;
  message.report.errors["key"] = {bad, bad, bad, 1, 1, 1};
  const std::string bytes = encode(message, "w");
  EXPECT_THAT(bytes, HasSubstr("\x8e\xa4name" + good));
  EXPECT_THAT(bytes, HasSubstr("\x86\xa4name" + good + "\xa6method" + good +
                               "\xa5"
                               "error" +
                               good));
}

// Locust begins with the integer 0 and adds floats to it; max(0, 0.0) is the first of them.
TEST(Encode, TimesAreIntegerZeroUntilThereIsOne) {
  const auto entry = [](std::uint64_t requests, std::uint64_t none) {
    Stats message;
    message.report.total.num_requests = requests;
    message.report.total.num_none_requests = none;
    if (requests > none) message.report.total.min_response_time = 0.0;
    return encode(message, "w");
  };
  const auto zero = "\xcb\0\0\0\0\0\0\0\0"s;
  for (const auto& bytes : {entry(0, 0), entry(3, 3)}) {
    EXPECT_THAT(bytes, HasSubstr("total_response_time\0\xb1max_response_time\0\xb1"
                                 "min_response_time\xc0"s));
  }
  EXPECT_THAT(entry(3, 2), HasSubstr("total_response_time" + zero + "\xb1max_response_time\0"s +
                                     "\xb1min_response_time" + zero));
}

// Python's decoder takes such a map for a datetime or an ObjectId; where it is none, it raises in
// the master's only receiving loop.
TEST(Encode, AMapThatWouldKillTheMasterIsDisarmed) {
  EXPECT_EQ(decoded<CustomFromMaster>(frame("x", Map{{"__datetime__", 1}})).data,
            Value(Map{{"___datetime__", 1}}));
  EXPECT_EQ(
      decoded<CustomFromMaster>(frame("x", Array{Map{{"__datetime__", true}, {"as_str", "now"}}}))
          .data,
      Value(Array{Map{{"___datetime__", true}, {"as_str", "now"}}}));
  EXPECT_EQ(
      decoded<CustomFromMaster>(frame("x", Map{{"__ObjectId__", true}, {"as_str", "?"}})).data,
      Value(Map{{"___ObjectId__", true}, {"as_str", "?"}}));
}

TEST(Encode, KeysThatPythonCannotHashAreSentAsText) {
  const Map data{{Array{1, "a"}, 1}, {Map{}, 2}, {DateTime{0us}, 3}};
  EXPECT_EQ(decoded<CustomFromMaster>(frame("x", data)).data,
            Value(Map{{"[1, 'a']", 1}, {"{}", 2}, {"datetime.datetime(1970, 1, 1, 0, 0)", 3}}));
}

TEST(Encode, BottomlessValuesEndInNil) {
  Value deep = 1;
  for (int i = 0; i < 600; ++i) {
    Array around;
    around.push_back(std::move(deep));
    deep = Value(std::move(around));
  }
  EXPECT_EQ(encode(CustomToMaster{"x", deep}, "w"),
            "\x93\xa1x" + std::string(501, '\x91') + "\xc0\xa1w");
}

}  // namespace
}  // namespace locust::protocol
