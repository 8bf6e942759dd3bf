// Our bytes against those of real masters and workers (golden/record.py): every recorded master
// frame decodes to what Python reads in it, and every worker frame is written byte for byte as
// Python writes it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "protocol/codec.h"
#include "protocol/test_golden_frames.h"

namespace locust::protocol {
namespace {

using namespace std::string_literals;

const Value& at(const Value& map, std::string_view key) {
  const Value* value = map.find(key);
  if (value == nullptr) throw std::out_of_range(std::string(key));
  return *value;
}
std::string text(const Value& map, std::string_view key) { return *at(map, key).as_string(); }
std::int64_t integer(const Value& map, std::string_view key) { return *at(map, key).as_int(); }
std::uint64_t count(const Value& map, std::string_view key) {
  return static_cast<std::uint64_t>(integer(map, key));
}
std::optional<double> number_or_nil(const Value& map, std::string_view key) {
  const Value& value = at(map, key);
  return value.is_nil() ? std::nullopt : std::optional(value.as_double());
}

UserCounts user_counts(const Value& map) {
  UserCounts counts;
  for (const auto& [name, users] : *map.as_map()) counts[*name.as_string()] = *users.as_int();
  return counts;
}

std::map<std::int64_t, std::uint64_t> counters(const Value& map) {
  std::map<std::int64_t, std::uint64_t> counters;
  for (const auto& [key, n] : *map.as_map()) {
    counters[*key.as_int()] = static_cast<std::uint64_t>(*n.as_int());
  }
  return counters;
}

stats::EntryReport entry_report(const Value& map) {
  stats::EntryReport entry;
  entry.name = text(map, "name");
  entry.method = text(map, "method");
  entry.last_request_timestamp = number_or_nil(map, "last_request_timestamp");
  entry.start_time = at(map, "start_time").as_double();
  entry.num_requests = count(map, "num_requests");
  entry.num_none_requests = count(map, "num_none_requests");
  entry.num_failures = count(map, "num_failures");
  entry.total_response_time = at(map, "total_response_time").as_double();
  entry.max_response_time = at(map, "max_response_time").as_double();
  entry.min_response_time = number_or_nil(map, "min_response_time");
  entry.total_content_length = count(map, "total_content_length");
  entry.response_times = counters(at(map, "response_times"));
  entry.num_reqs_per_sec = counters(at(map, "num_reqs_per_sec"));
  entry.num_fail_per_sec = counters(at(map, "num_fail_per_sec"));
  return entry;
}

Stats stats_message(const Value& data) {
  Stats message;
  for (const Value& entry : *at(data, "stats").as_array()) {
    message.report.stats.push_back(entry_report(entry));
  }
  message.report.total = entry_report(at(data, "stats_total"));
  for (const auto& [key, error] : *at(data, "errors").as_map()) {
    message.report.errors[*key.as_string()] = {text(error, "name"),
                                               text(error, "method"),
                                               text(error, "error"),
                                               count(error, "occurrences"),
                                               at(error, "first_seen").as_double(),
                                               at(error, "last_seen").as_double()};
  }
  message.user_classes_count = user_counts(at(data, "user_classes_count"));
  message.user_count = integer(data, "user_count");
  return message;
}

WorkerState worker_state(const std::string& name) {
  if (name == "ready") return WorkerState::ready;
  if (name == "spawning") return WorkerState::spawning;
  if (name == "running") return WorkerState::running;
  throw std::invalid_argument(name);
}

// The message that a worker frame holds, from what Python read in it.
ToMaster message_of(const std::string& type, const Value& data) {
  if (type == "client_ready") return ClientReady{*data.as_string()};
  if (type == "locustfile") return LocustfileRequest{text(data, "version")};
  if (type == "spawning") return Spawning{};
  if (type == "spawning_complete") {
    return SpawningComplete{user_counts(at(data, "user_classes_count")),
                            integer(data, "user_count")};
  }
  if (type == "heartbeat") {
    return Heartbeat{worker_state(text(data, "state")), at(data, "current_cpu_usage").as_double(),
                     count(data, "current_memory_usage")};
  }
  if (type == "stats") return stats_message(data);
  if (type == "exception") return Exception{text(data, "msg"), text(data, "traceback")};
  if (type == "logs") {
    Logs logs;
    for (const Value& line : *at(data, "logs").as_array()) logs.lines.push_back(*line.as_string());
    return logs;
  }
  if (type == "client_stopped") return ClientStopped{};
  if (type == "quit") return Quit{};
  return CustomToMaster{type, data};
}

// Empty where they are equal; else where they part, in place of kilobytes of escapes.
std::string difference(const std::string& ours, const std::string& golden) {
  if (ours == golden) return "";
  const auto [a, b] = std::mismatch(ours.begin(), ours.end(), golden.begin(), golden.end());
  const auto at = static_cast<std::size_t>(a - ours.begin());
  const std::size_t from = at < 30 ? 0 : at - 30;
  return "byte " + std::to_string(at) + ": ours " + testing::PrintToString(ours.substr(from, 60)) +
         ", golden " + testing::PrintToString(golden.substr(from, 60));
}

std::vector<GoldenFrame> frames_from(bool master) {
  std::vector<GoldenFrame> frames;
  for (GoldenFrame& frame : golden_frames()) {
    if (frame.from_master == master) frames.push_back(std::move(frame));
  }
  return frames;
}

std::string label(const GoldenFrame& frame) { return frame.version + " " + frame.name; }

bool older_than(const GoldenFrame& frame, int minor) {
  return std::stoi(frame.version.substr(2)) < minor;  // 2.13.0 → 13
}

TEST(Golden, BothEndsOfTheVersionRangeAreRecordedWithEveryKindOfFrame) {
  std::map<std::string, std::set<std::string>> names;
  for (const GoldenFrame& frame : golden_frames()) {
    names[frame.version].insert((frame.from_master ? "master " : "worker ") + frame.name);
  }
  for (const char* version : {"2.13.0", "2.47.0"}) {
    EXPECT_THAT(
        names[version],
        testing::IsSupersetOf(
            {"master ack", "master greet", "master quit", "master reconnect", "master spawn_2",
             "master spawn_6", "master stop", "worker client_ready", "worker client_stopped",
             "worker exception", "worker greeting", "worker greeting_without_data",
             "worker heartbeat_ready", "worker heartbeat_running", "worker quit", "worker spawning",
             "worker spawning_complete", "worker stats_idle", "worker stats_with_errors"}));
  }
  EXPECT_THAT(
      names["2.47.0"],
      testing::IsSupersetOf({"master heartbeat", "master locustfile", "master spawning_complete",
                             "master update_user_class", "worker locustfile", "worker logs"}));
}

TEST(Golden, WorkerFramesAreWrittenByteForByteAsPythonWritesThem) {
  for (const GoldenFrame& frame : frames_from(false)) {
    SCOPED_TRACE(label(frame));
    const Array& parts = *frame.value.as_array();
    const ToMaster message = message_of(*parts[0].as_string(), parts[1]);
    EXPECT_EQ(difference(encode(message, *parts[2].as_string()), frame.plain), "");
  }
}

TEST(Golden, OnlyStatsDifferFromTheRecordedBytes) {
  for (const GoldenFrame& frame : frames_from(false)) {
    SCOPED_TRACE(label(frame));
    if (!frame.name.starts_with("stats")) {
      EXPECT_EQ(frame.plain, frame.bytes);
    }
    // From 2.44.0 on, the one difference left is the order of counters and errors.
    if (!older_than(frame, 44)) {
      EXPECT_EQ(frame.plain.size(), frame.bytes.size());
    }
  }
}

TEST(Golden, WorkersDateTimeIsWrittenFromAValue) {
  int seen = 0;
  for (const GoldenFrame& frame : frames_from(false)) {
    if (frame.name != "greeting" || older_than(frame, 20)) continue;
    SCOPED_TRACE(label(frame));
    const Array& parts = *frame.value.as_array();
    Map data = *parts[1].as_map();
    ASSERT_EQ(data.back().first, Value("when"));
    using namespace std::chrono;
    data.back().second =
        DateTime{sys_days{2026y / January / 31}.time_since_epoch() + 23h + 59min + 58s + 7us};
    const std::string ours = encode(CustomToMaster{"greeting", data}, *parts[2].as_string());
    EXPECT_EQ(difference(ours, frame.bytes), "");
    ++seen;
  }
  EXPECT_GT(seen, 0);
}

template <class Message>
void expect_kind(const FromMaster& message) {
  EXPECT_TRUE(std::holds_alternative<Message>(message));
}

void expect_spawn(const FromMaster& message, const GoldenFrame& frame) {
  ASSERT_TRUE(std::holds_alternative<Spawn>(message));
  const auto& spawn = std::get<Spawn>(message);
  const Value& data = (*frame.value.as_array())[1];
  EXPECT_EQ(spawn.timestamp, at(data, "timestamp").as_double());
  EXPECT_GT(spawn.timestamp, 1.7e9);
  EXPECT_EQ(spawn.user_classes_count, user_counts(at(data, "user_classes_count")));
  EXPECT_EQ(spawn.host, "http://127.0.0.1:8000");
  EXPECT_EQ(spawn.stop_timeout, 0);
  EXPECT_EQ(spawn.parsed_options, at(data, "parsed_options"));
  EXPECT_EQ(text(spawn.parsed_options, "locustfile"), "scenario.py");
  EXPECT_EQ(integer(spawn.parsed_options, "expect_workers"), 1);
  if (frame.name == "spawn_6") {
    EXPECT_EQ(spawn.user_classes_count, (UserCounts{{"AlphaUser", 4}, {"BetaUser", 2}}));
  }
}

// The scenario's own message: values of every kind.
void expect_greet(const FromMaster& message, const GoldenFrame& frame) {
  ASSERT_TRUE(std::holds_alternative<CustomFromMaster>(message));
  const auto& custom = std::get<CustomFromMaster>(message);
  EXPECT_EQ(custom.type, "greet");
  Map expected{{"list", Array{1, Map{{"nested", nullptr}}}},
               {7, "an integer key"},
               {"raw", Binary{"\x80"}},
               {"big", UINT64_MAX}};
  if (!older_than(frame, 20)) {
    using namespace std::chrono;
    expected.emplace_back("when", DateTime{sys_days{1969y / July / 20}.time_since_epoch() + 20h +
                                           17min + 40s + 250ms});
  }
  EXPECT_EQ(custom.data, Value(expected));
}

void expect_update(const FromMaster& message, const GoldenFrame& frame) {
  ASSERT_TRUE(std::holds_alternative<UpdateUserClass>(message));
  const auto& update = std::get<UpdateUserClass>(message);
  EXPECT_EQ(update.user_class_name, "BetaUser");
  EXPECT_EQ(update.attributes, (*frame.value.as_array())[1]);
  EXPECT_EQ(integer(update.attributes, "weight"), 3);
}

void expect_message(const FromMaster& message, const GoldenFrame& frame) {
  if (frame.name.starts_with("spawn_")) return expect_spawn(message, frame);
  if (frame.name == "greet") return expect_greet(message, frame);
  if (frame.name == "update_user_class") return expect_update(message, frame);
  if (frame.name == "stop") return expect_kind<Stop>(message);
  if (frame.name == "quit") return expect_kind<QuitOrder>(message);
  if (frame.name == "heartbeat") return expect_kind<HeartbeatEcho>(message);
  if (frame.name == "reconnect") return expect_kind<Reconnect>(message);
  if (frame.name == "ack") {
    ASSERT_TRUE(std::holds_alternative<Ack>(message));
    EXPECT_EQ(std::get<Ack>(message).index, 0);
  } else if (frame.name == "spawning_complete") {
    ASSERT_TRUE(std::holds_alternative<AllSpawned>(message));
    EXPECT_EQ(std::get<AllSpawned>(message).user_count, 6);
  } else if (frame.name == "locustfile") {
    ASSERT_TRUE(std::holds_alternative<LocustfileAnswer>(message));
    EXPECT_EQ(std::get<LocustfileAnswer>(message).data, (*frame.value.as_array())[1]);
  } else {
    ADD_FAILURE() << "not expected from a master";
  }
}

TEST(Golden, MasterFramesDecodeToWhatPythonReadsInThem) {
  for (const GoldenFrame& frame : frames_from(true)) {
    SCOPED_TRACE(label(frame));
    const auto decoded = decode(frame.bytes);
    ASSERT_TRUE(std::holds_alternative<FromMaster>(decoded))
        << std::get<DecodeError>(decoded).reason;
    expect_message(std::get<FromMaster>(decoded), frame);
  }
}

// ---- damaged frames ----

TEST(Golden, EveryTruncationIsRefusedWithAReason) {
  for (const GoldenFrame& frame : golden_frames()) {
    if (frame.version != "2.47.0") continue;
    SCOPED_TRACE(label(frame));
    const std::string_view bytes = frame.bytes;
    for (std::size_t length = 0; length < bytes.size(); ++length) {
      // A buffer of its own, so that a sanitizer sees a read beyond its end.
      const std::vector<char> part(bytes.begin(), bytes.begin() + static_cast<long>(length));
      const auto decoded = decode({part.data(), part.size()});
      ASSERT_TRUE(std::holds_alternative<DecodeError>(decoded)) << length;
      ASSERT_NE(std::get<DecodeError>(decoded).reason, "");
    }
  }
}

TEST(Golden, EveryTrailingByteIsRefused) {
  for (const GoldenFrame& frame : golden_frames()) {
    SCOPED_TRACE(label(frame));
    for (const char* tail : {"\xc0", "\x93", "a"}) {
      const auto decoded = decode(frame.bytes + tail);
      ASSERT_TRUE(std::holds_alternative<DecodeError>(decoded));
      EXPECT_EQ(std::get<DecodeError>(decoded).reason, "bytes after the end of the message");
    }
  }
}

// Every other byte at every place of the short frames; at every place of the long ones, one.
TEST(Golden, NoChangedByteDoesHarm) {
  for (GoldenFrame& frame : golden_frames()) {
    if (frame.version != "2.47.0") continue;
    SCOPED_TRACE(label(frame));
    const bool is_short = frame.bytes.size() <= 60;
    for (std::size_t i = 0; i < frame.bytes.size(); ++i) {
      const char before = frame.bytes[i];
      const int one = 1 + static_cast<int>(i * 37 % 255);
      for (int flip = is_short ? 1 : one; flip <= (is_short ? 0xff : one); ++flip) {
        frame.bytes[i] = static_cast<char>(before ^ flip);
        const auto decoded = decode(frame.bytes);
        if (const auto* error = std::get_if<DecodeError>(&decoded)) {
          ASSERT_NE(error->reason, "") << "byte " << i;
        }
      }
      frame.bytes[i] = before;
    }
  }
}

}  // namespace
}  // namespace locust::protocol
