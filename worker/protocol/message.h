// Every message between a Locust master and its worker, as plain values (runners.py of 2.13.0 to
// 2.47.0). They cannot express what kills a stock master: no heartbeat without a number for the
// CPU, no version that is neither a string nor -1.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/value.h"
#include "stats/report.h"

namespace locust::protocol {

// User class name → users.
using UserCounts = std::map<std::string, std::int64_t>;

inline std::int64_t total(const UserCounts& counts) {
  std::int64_t sum = 0;
  for (const auto& [name, count] : counts) sum += count;
  return sum;
}

// ---- from the master ----

// Answer to client_ready. Masters before 2.11.0 send no index.
struct Ack {
  std::optional<std::int64_t> index;
};

// How many users of each class this worker shall run from now on.
struct Spawn {
  double timestamp = 0;  // the master's time.time(); orders spawn messages
  UserCounts user_classes_count;
  std::optional<std::string> host;
  double stop_timeout = 0;  // seconds
  Value parsed_options;     // a map; empty where the master has none
};

// All workers have spawned; once for a ramp (masters from 2.29.0 on).
struct AllSpawned {
  std::int64_t user_count = 0;  // of all workers
};

struct Stop {};
struct QuitOrder {};
struct HeartbeatEcho {};
// The master could not read a frame of this worker and asks for a new connection.
struct Reconnect {};

// The class picker's settings (2.25.0 on): {"user_class_name": …, "host": …, "weight": …, …}.
struct UpdateUserClass {
  std::string user_class_name;
  Value attributes;  // the whole map
};

// The answer to a `locustfile` request (-f -), which only Python workers can use.
struct LocustfileAnswer {
  Value data;
};

// A type that Locust does not define: for the listeners of the locustfile.
struct CustomFromMaster {
  std::string type;
  Value data;
};

using FromMaster = std::variant<Ack, Spawn, AllSpawned, Stop, QuitOrder, HeartbeatEcho, Reconnect,
                                UpdateUserClass, LocustfileAnswer, CustomFromMaster>;

// ---- to the master ----

struct ClientReady {
  std::optional<std::string> version;  // nothing: the integer -1, "any version will do"
};

// Asks for the master's locustfile (-f -); always with a version, for 2.31.0 to 2.32.2.
struct LocustfileRequest {
  std::string version;
};

struct Spawning {};

struct SpawningComplete {
  UserCounts user_classes_count;  // all classes of the worker, those with 0 too
  std::int64_t user_count = 0;
};

enum class WorkerState { ready, spawning, running };

struct Heartbeat {
  WorkerState state = WorkerState::ready;
  double current_cpu_usage = 0;            // percent of one core, of the busiest thread
  std::uint64_t current_memory_usage = 0;  // bytes resident
};

struct Stats {
  stats::Report report;
  UserCounts user_classes_count;
  std::int64_t user_count = 0;
  Map extra;  // what a locustfile adds (report_to_master): keys that are none of the above
};

// An exception in a user's task; the master groups by traceback.
struct Exception {
  std::string msg;
  std::string traceback;
};

// All recent log lines, not only the new ones (masters from 2.29.0 on).
struct Logs {
  std::vector<std::string> lines;
};

struct ClientStopped {};
struct Quit {};

struct CustomToMaster {
  std::string type;
  Value data;
};

using ToMaster = std::variant<ClientReady, LocustfileRequest, Spawning, SpawningComplete, Heartbeat,
                              Stats, Exception, Logs, ClientStopped, Quit, CustomToMaster>;

}  // namespace locust::protocol
