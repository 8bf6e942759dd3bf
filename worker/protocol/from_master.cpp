// What each message from a master must hold (runners.py, WorkerRunner.handle_message).
#include "protocol/from_master.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <string_view>
#include <utility>

#include "base/utf8.h"

namespace locust::protocol {
namespace {

using Decoded = std::variant<FromMaster, DecodeError>;

// No process can hold so many users; it keeps sums of counts far from overflow.
constexpr std::int64_t kMaxUsersOfAClass = 1'000'000'000;
// 31 years, in seconds; keeps the time of a stop within every clock's range.
constexpr double kMaxStopTimeout = 1e9;

DecodeError error(std::string reason) { return {std::move(reason)}; }

// A name from outside, for a log line: not longer than a line can bear.
std::string shown(std::string_view name) {
  constexpr std::size_t kLongest = 200;
  if (name.size() <= kLongest) return repr(name);
  return repr(sanitize_utf8(name.substr(0, kLongest))) + "...";
}

// The value under the key; nil and missing are alike.
const Value* present(const Value& data, std::string_view key) {
  const Value* value = data.find(key);
  return value == nullptr || value->is_nil() ? nullptr : value;
}

Decoded ack(const Value& data) {
  if (data.is_nil()) return Ack{};
  if (data.as_map() == nullptr) return error("ack with data that is not a map");
  const Value* index = present(data, "index");
  if (index == nullptr) return Ack{};
  if (index->as_int() == nullptr) return error("ack with an index that is not an integer");
  return Ack{*index->as_int()};
}

// Empty where all is well. A negative count means no users, as in Locust.
std::string read_user_counts(const Value& value, UserCounts& counts) {
  const Map* map = value.as_map();
  if (map == nullptr) return "spawn with a user_classes_count that is not a map";
  for (const auto& [key, count] : *map) {
    const std::string* name = key.as_string();
    if (name == nullptr) return "spawn with a user class name that is not text";
    if (std::holds_alternative<std::uint64_t>(count.variant()) ||
        (count.as_int() != nullptr && *count.as_int() > kMaxUsersOfAClass)) {
      return "spawn with an impossible number of users of " + shown(*name);
    }
    if (count.as_int() == nullptr) {
      return "spawn with a number of users that is not an integer for " + shown(*name);
    }
    counts.insert_or_assign(*name, std::max<std::int64_t>(*count.as_int(), 0));
  }
  return {};
}

Decoded spawn(const Value& data) {
  if (data.as_map() == nullptr) return error("spawn with data that is not a map");
  Spawn spawn;
  const Value* timestamp = present(data, "timestamp");
  if (timestamp == nullptr) return error("spawn without a timestamp");
  if (!timestamp->is_number()) return error("spawn with a timestamp that is not a number");
  spawn.timestamp = timestamp->as_double();
  // Infinity would make every later spawn look old, and NaN none.
  if (!std::isfinite(spawn.timestamp)) return error("spawn with a timestamp that is not finite");

  const Value* counts = present(data, "user_classes_count");
  if (counts == nullptr) return error("spawn without a user_classes_count");
  if (auto reason = read_user_counts(*counts, spawn.user_classes_count); !reason.empty()) {
    return error(std::move(reason));
  }

  if (const Value* host = present(data, "host")) {
    if (host->as_string() == nullptr) return error("spawn with a host that is not text");
    spawn.host = *host->as_string();
  }
  if (const Value* timeout = present(data, "stop_timeout")) {
    if (!timeout->is_number()) return error("spawn with a stop_timeout that is not a number");
    const double limit = timeout->as_double();
    spawn.stop_timeout = std::isnan(limit) ? 0 : std::clamp(limit, 0.0, kMaxStopTimeout);
  }
  spawn.parsed_options = Map{};
  if (const Value* options = present(data, "parsed_options")) {
    if (options->as_map() == nullptr) {
      return error("spawn with parsed_options that are not a map");
    }
    spawn.parsed_options = *options;
  }
  return spawn;
}

Decoded spawning_complete(const Value& data) {
  const Value* count = present(data, "user_count");
  if (count == nullptr) return error("spawning_complete without a user_count");
  if (count->as_int() == nullptr) {
    return error("spawning_complete with a user_count that is not an integer");
  }
  return AllSpawned{*count->as_int()};
}

Decoded update_user_class(Value data) {
  const Value* name = present(data, "user_class_name");
  if (name == nullptr) return error("update_user_class without a user_class_name");
  if (name->as_string() == nullptr) {
    return error("update_user_class with a user_class_name that is not text");
  }
  std::string user_class = *name->as_string();
  return UpdateUserClass{std::move(user_class), std::move(data)};
}

}  // namespace

Decoded interpret(std::string type, Value data) {
  if (type == "heartbeat") return HeartbeatEcho{};
  if (type == "spawn") return spawn(data);
  if (type == "ack") return ack(data);
  if (type == "stop") return Stop{};
  if (type == "quit") return QuitOrder{};
  if (type == "reconnect") return Reconnect{};
  if (type == "spawning_complete") return spawning_complete(data);
  if (type == "update_user_class") return update_user_class(std::move(data));
  if (type == "locustfile") return LocustfileAnswer{std::move(data)};
  return CustomFromMaster{std::move(type), std::move(data)};
}

}  // namespace locust::protocol
