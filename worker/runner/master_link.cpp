#include "runner/master_link.h"

#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>
#include <random>
#include <stdexcept>
#include <zmq.hpp>

#include "base/utf8.h"

namespace locust::runner {

namespace {

constexpr int kLinger = 2000;                 // ms, at the end of the process
constexpr int kReconnectInterval = 100;       // ms
constexpr int kMostReconnectInterval = 1000;  // ms
constexpr std::int64_t kMostMessageBytes = 64 * 1024 * 1024;
// A master drops a connection that has been silent for so long, so that this identity can come back
// after a half-open one. Longer than the 60 s for which a worker waits: until then nothing that was
// sent may be thrown away.
constexpr int kHeartbeatInterval = 10'000;  // ms
constexpr int kHeartbeatTimeout = 65'000;   // ms
// How long ZeroMQ may try before it gets a new socket to try with: it gives up for good after a
// breach of the protocol, and a name may have addresses of both kinds while the master listens on
// one, so that the other kind is tried then.
constexpr SteadyDuration kPatience = seconds(4);

}  // namespace

struct MasterLink::Sockets {
  zmq::context_t context{1};
  std::optional<zmq::socket_t> dealer;
  std::optional<zmq::socket_t> monitor;
  int opened = 0;  // times
};

MasterLink::MasterLink(std::string host, int port, std::string identity)
    : host_(std::move(host)),
      port_(port),
      identity_(std::move(identity)),
      sockets_(std::make_unique<Sockets>()),
      ipv6_(host_.find(':') != std::string::npos) {}

MasterLink::~MasterLink() {
  if (sockets_->dealer) sockets_->dealer->set(zmq::sockopt::linger, kLinger);
}

void MasterLink::open() {
  wanted_ = true;
  opened_ = {};
  try {
    make_sockets();
  } catch (const zmq::error_t&) {
    drop_sockets();
  }
}

void MasterLink::make_sockets() {
  sockets_->dealer.emplace(sockets_->context, zmq::socket_type::dealer);
  zmq::socket_t& dealer = *sockets_->dealer;
  dealer.set(zmq::sockopt::routing_id, identity_);
  dealer.set(zmq::sockopt::linger, 0);
  // Queue for a connection that stands only: else a late or restarted master gets everything that
  // was meant for another.
  dealer.set(zmq::sockopt::immediate, true);
  dealer.set(zmq::sockopt::tcp_keepalive, 1);
  dealer.set(zmq::sockopt::tcp_keepalive_idle, 30);
  dealer.set(zmq::sockopt::heartbeat_ivl, kHeartbeatInterval);
  dealer.set(zmq::sockopt::heartbeat_timeout, kHeartbeatTimeout);
  dealer.set(zmq::sockopt::heartbeat_ttl, kHeartbeatTimeout);
  dealer.set(zmq::sockopt::reconnect_ivl, kReconnectInterval);
  dealer.set(zmq::sockopt::reconnect_ivl_max, kMostReconnectInterval);
  dealer.set(zmq::sockopt::maxmsgsize, kMostMessageBytes);
  dealer.set(zmq::sockopt::ipv6, ipv6_);
  // A name of its own each time: the last one is free only when ZeroMQ's reaper thread has come by,
  // and whoever is too early never hears of a connection again.
  const std::string endpoint = fmt::format("inproc://monitor-{}", ++sockets_->opened);
  if (zmq_socket_monitor(dealer.handle(), endpoint.c_str(),
                         ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_DISCONNECTED) != 0) {
    throw zmq::error_t();
  }
  sockets_->monitor.emplace(sockets_->context, zmq::socket_type::pair);
  sockets_->monitor->connect(endpoint);
  const bool literal_ipv6 = host_.find(':') != std::string::npos && !host_.starts_with('[');
  try {
    dealer.connect(literal_ipv6 ? fmt::format("tcp://[{}]:{}", host_, port_)
                                : fmt::format("tcp://{}:{}", host_, port_));
  } catch (const zmq::error_t& error) {
    throw std::invalid_argument(
        fmt::format("{}:{} is not an address of a master: {}", host_, port_, error.what()));
  }
}

void MasterLink::close() {
  wanted_ = false;
  drop_sockets();
}

void MasterLink::drop_sockets() {
  up_ = false;
  if (sockets_->dealer) zmq_socket_monitor(sockets_->dealer->handle(), nullptr, 0);
  sockets_->monitor.reset();
  sockets_->dealer.reset();
}

bool MasterLink::send(std::string_view frame) {
  if (!up_) return false;
  return sockets_->dealer->send(zmq::buffer(frame), zmq::send_flags::dontwait).has_value();
}

void MasterLink::wait(const std::vector<int>& descriptors, SteadyTime until, SteadyTime now) {
  std::vector<zmq::pollitem_t> items;
  if (sockets_->monitor) {
    items.push_back({sockets_->dealer->handle(), 0, ZMQ_POLLIN, 0});
    items.push_back({sockets_->monitor->handle(), 0, ZMQ_POLLIN, 0});
  }
  for (const int descriptor : descriptors) items.push_back({nullptr, descriptor, ZMQ_POLLIN, 0});
  const auto left = std::chrono::ceil<milliseconds>(std::max(until - now, SteadyDuration::zero()));
  zmq_poll(items.data(), static_cast<int>(items.size()), left.count());
}

std::vector<LinkEvent> MasterLink::take_events(SteadyTime now) {
  std::vector<LinkEvent> events;
  if (!wanted_) return events;
  if (opened_ == SteadyTime()) opened_ = now;
  zmq::message_t message;
  // Frames first: those of a connection that has been lost since came before its end. (The frames
  // of a connection made just now follow in the next round.)
  while (sockets_->dealer && sockets_->dealer->recv(message, zmq::recv_flags::dontwait)) {
    events.emplace_back(Frame{message.to_string()});
  }
  while (sockets_->monitor && sockets_->monitor->recv(message, zmq::recv_flags::dontwait)) {
    std::uint16_t event = 0;
    if (message.size() >= sizeof(event)) std::memcpy(&event, message.data(), sizeof(event));
    (void)sockets_->monitor->recv(message, zmq::recv_flags::none);  // the address
    if (event == ZMQ_EVENT_HANDSHAKE_SUCCEEDED) {
      up_ = true;
      events.emplace_back(LinkUp{});
    } else if (event == ZMQ_EVENT_DISCONNECTED && up_) {
      up_ = false;
      opened_ = now;
      events.emplace_back(LinkDown{});
    }
  }
  if (!up_ && now - opened_ > kPatience) {
    const bool is_name = host_.find_first_not_of("0123456789.") != std::string::npos &&
                         host_.find(':') == std::string::npos;
    if (is_name) ipv6_ = !ipv6_;
    close();
    open();
    opened_ = now;
  }
  return events;
}

std::string make_worker_id() {
  constexpr std::string_view kHex = "0123456789abcdef";
  constexpr std::size_t kMostHostName = 200;  // a ZeroMQ identity holds 255 bytes
  std::array<char, 256> name{};
  gethostname(name.data(), name.size() - 1);
  std::string id = sanitize_utf8(name.data());
  if (id.empty()) id = "localhost";
  id = sanitize_utf8(id.substr(0, kMostHostName)) + "_";
  std::random_device random;
  for (int i = 0; i < 32; ++i) {
    unsigned digit = random() & 0xfU;
    if (i == 12) digit = 4;                   // RFC 9562, 5.4: version 4 …
    if (i == 16) digit = 8 | (digit & 0x3U);  // … of its variant
    id += kHex[digit];
  }
  return id;
}

}  // namespace locust::runner
