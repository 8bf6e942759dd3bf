// What a locustfile sees of the test it runs in: one copy for each shard, on its thread.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>

#include "base/value.h"

namespace locust {

class Environment {
 public:
  using Send = std::function<void(std::string type, Value data)>;

  explicit Environment(Send send) : send_(std::move(send)) {}

  // A message of a type of your own to the master, for its listener (runner.register_message).
  void send_message(std::string type, Value data) { send_(std::move(type), std::move(data)); }

  // The base URL that the master gave with its last order to spawn.
  std::optional<std::string> host;
  // The master's command line and the custom arguments typed into its web UI, as of its last order
  // to spawn; a map. Take copies: what is in it is gone after a co_await, should the next order
  // differ.
  Value parsed_options = Map{};
  // This worker's number at the master, from 0; -1 before it is known.
  std::int64_t worker_index = -1;

 private:
  Send send_;
};

}  // namespace locust
