// A master made of a bare ROUTER socket, for what a real one will not do on demand: malformed
// frames, silence, old timestamps, thousands of orders a second.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "harness/eventually.h"

namespace compat {

using Json = nlohmann::json;

struct Received {
  std::chrono::steady_clock::time_point time;
  std::string identity;
  std::string type;
  Json data;  // integer keys of maps as strings
  std::string node_id;
};

class FakeMaster {
 public:
  // What it does by itself; a case that needs it otherwise switches it off.
  struct Habits {
    bool acknowledge = true;      // client_ready
    bool echo_heartbeats = true;  // of workers it has acknowledged, as masters since 2.19.0 do
  };

  explicit FakeMaster(int port);
  FakeMaster(int port, Habits habits);
  ~FakeMaster();
  FakeMaster(const FakeMaster&) = delete;
  FakeMaster& operator=(const FakeMaster&) = delete;

  // Everything that was received so far.
  const std::vector<Received>& all() const { return all_; }
  std::vector<Received> all_of(const std::string& type) const;
  std::size_t count(const std::string& type) const { return all_of(type).size(); }

  // Receives for so long.
  void listen(Duration time);
  // Receives until a message that was not waited for before has this type (and satisfies the
  // predicate); messages before it are passed over. Throws when the limit is over.
  Received next(const std::string& type, Duration limit = default_limit);
  Received next(const std::string& type, const std::function<bool(const Received&)>& predicate,
                Duration limit = default_limit);
  // Receives until the worker has sent client_ready (and, by habit, has its ack).
  void wait_for_worker() { next("client_ready"); }

  // To the worker heard last.
  void send(const std::string& type, const Json& data = nullptr);
  // Frames after the identity, as they are.
  void send_raw(const std::vector<std::string>& frames);
  // A spawn message with a timestamp that is newer than all before, in the manner of 2.47.0.
  // An empty host: the one of set_host().
  void spawn(const Json& user_classes_count, const std::string& host = "", double stop_timeout = 0);
  void spawn_at(double timestamp, const Json& user_classes_count, const std::string& host = "",
                double stop_timeout = 0);
  void set_host(std::string host) { host_ = std::move(host); }
  const std::string& host() const { return host_; }
  double last_timestamp() const { return timestamp_; }
  // Forgets what was received and not waited for.
  void skip_to_now() { read_ = all_.size(); }

 private:
  struct Socket;

  // Waits at most so long for one message.
  void receive(Duration limit);
  void answer(const Received& message);

  Habits habits_;
  std::unique_ptr<Socket> socket_;
  std::vector<Received> all_;
  std::size_t read_ = 0;
  std::string identity_;
  std::set<std::string> acknowledged_;
  std::string host_;
  double timestamp_ = 1.7e9;
};

}  // namespace compat
