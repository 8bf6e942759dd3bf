#include "harness/fake_master.h"

#include <fmt/format.h>

#include <msgpack.hpp>
#include <zmq.hpp>

namespace compat {
namespace {

using Clock = std::chrono::steady_clock;

// msgpack's own maps may have integer keys (response_times), which JSON cannot: they become text.
Json to_json(const msgpack::object& object) {
  switch (object.type) {
    case msgpack::type::NIL:
      return nullptr;
    case msgpack::type::BOOLEAN:
      return object.via.boolean;
    case msgpack::type::POSITIVE_INTEGER:
      return object.via.u64;
    case msgpack::type::NEGATIVE_INTEGER:
      return object.via.i64;
    case msgpack::type::FLOAT32:
    case msgpack::type::FLOAT64:
      return object.via.f64;
    case msgpack::type::STR:
      return std::string(object.via.str.ptr, object.via.str.size);
    case msgpack::type::ARRAY: {
      Json result = Json::array();
      for (const msgpack::object& item : object.via.array) result.push_back(to_json(item));
      return result;
    }
    case msgpack::type::MAP: {
      Json result = Json::object();
      for (const msgpack::object_kv& item : object.via.map) {
        const Json key = to_json(item.key);
        result[key.is_string() ? key.get<std::string>() : key.dump()] = to_json(item.val);
      }
      return result;
    }
    default:
      throw std::runtime_error("a worker sent bin or ext, which Locust never does");
  }
}

std::string packed(const Json& value) {
  const std::vector<std::uint8_t> bytes = Json::to_msgpack(value);
  return {bytes.begin(), bytes.end()};
}

}  // namespace

struct FakeMaster::Socket {
  zmq::context_t context;
  zmq::socket_t router{context, zmq::socket_type::router};
};

FakeMaster::FakeMaster(int port) : FakeMaster(port, Habits{}) {}

FakeMaster::FakeMaster(int port, Habits habits)
    : habits_(habits), socket_(std::make_unique<Socket>()) {
  socket_->router.set(zmq::sockopt::linger, 1000);
  socket_->router.bind(fmt::format("tcp://127.0.0.1:{}", port));
}

FakeMaster::~FakeMaster() = default;

std::vector<Received> FakeMaster::all_of(const std::string& type) const {
  std::vector<Received> result;
  for (const Received& message : all_) {
    if (message.type == type) result.push_back(message);
  }
  return result;
}

void FakeMaster::receive(Duration limit) {
  std::vector<zmq::pollitem_t> items = {{socket_->router.handle(), 0, ZMQ_POLLIN, 0}};
  if (zmq::poll(items, limit) == 0) return;
  zmq::message_t identity;
  zmq::message_t payload;
  if (!socket_->router.recv(identity)) return;
  int frames = 0;
  while (socket_->router.get(zmq::sockopt::rcvmore)) {
    if (!socket_->router.recv(payload)) return;
    ++frames;
  }
  if (frames != 1) throw std::runtime_error(fmt::format("a worker sent {} frames, not 1", frames));
  const msgpack::object_handle handle = msgpack::unpack(payload.data<char>(), payload.size());
  const Json triple = to_json(handle.get());
  if (!triple.is_array() || triple.size() != 3) {
    throw std::runtime_error("a worker sent no triple: " + triple.dump());
  }
  Received message{Clock::now(), identity.to_string(), triple[0].get<std::string>(), triple[1],
                   triple[2].get<std::string>()};
  if (message.identity != message.node_id) {
    throw std::runtime_error("node_id " + message.node_id + " is not the identity " +
                             message.identity);
  }
  identity_ = message.identity;
  all_.push_back(message);
  answer(message);
}

void FakeMaster::answer(const Received& message) {
  if (message.type == "client_ready" && habits_.acknowledge) {
    acknowledged_.insert(message.identity);
    send("ack", {{"index", 0}});
  }
  if (message.type == "heartbeat" && habits_.echo_heartbeats &&
      acknowledged_.count(message.identity) > 0) {
    send("heartbeat");
  }
}

void FakeMaster::listen(Duration time) {
  const auto end = Clock::now() + time;
  for (auto left = time; left > 0ms;
       left = std::chrono::duration_cast<Duration>(end - Clock::now())) {
    receive(left);
  }
}

Received FakeMaster::next(const std::string& type, Duration limit) {
  return next(
      type, [](const Received&) { return true; }, limit);
}

Received FakeMaster::next(const std::string& type,
                          const std::function<bool(const Received&)>& predicate, Duration limit) {
  const auto end = Clock::now() + limit;
  const std::size_t first = read_;
  while (true) {
    while (read_ < all_.size()) {
      const Received& message = all_[read_++];
      if (message.type == type && predicate(message)) return message;
    }
    const auto left = std::chrono::duration_cast<Duration>(end - Clock::now());
    if (left <= 0ms) break;
    receive(left);
  }
  std::string seen;
  for (std::size_t i = first; i < all_.size(); ++i) {
    if (all_[i].type != "heartbeat") {
      seen += "\n  " + all_[i].type + " " + all_[i].data.dump().substr(0, 300);
    }
  }
  throw std::runtime_error(fmt::format("no {} within {} ms; received, besides heartbeats:{}", type,
                                       limit.count(), seen.empty() ? " nothing" : seen));
}

void FakeMaster::send(const std::string& type, const Json& data) {
  send_raw({packed(Json::array({type, data, identity_}))});
}

void FakeMaster::send_raw(const std::vector<std::string>& frames) {
  if (identity_.empty()) throw std::runtime_error("no worker has been heard yet");
  socket_->router.send(zmq::buffer(identity_), zmq::send_flags::sndmore);
  for (std::size_t i = 0; i < frames.size(); ++i) {
    socket_->router.send(zmq::buffer(frames[i]),
                         i + 1 < frames.size() ? zmq::send_flags::sndmore : zmq::send_flags::none);
  }
}

void FakeMaster::spawn(const Json& user_classes_count, const std::string& host,
                       double stop_timeout) {
  spawn_at(timestamp_ + 1, user_classes_count, host, stop_timeout);
}

void FakeMaster::spawn_at(double timestamp, const Json& user_classes_count, const std::string& host,
                          double stop_timeout) {
  timestamp_ = std::max(timestamp_, timestamp);
  send("spawn", {{"timestamp", timestamp},
                 {"user_classes_count", user_classes_count},
                 {"host", host.empty() ? host_ : host},
                 {"stop_timeout", stop_timeout},
                 {"parsed_options", {{"web_base_path", ""}, {"tags", nullptr}}}});
}

}  // namespace compat
