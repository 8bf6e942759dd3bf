// How a connection comes to its socket: resolves the name, races the addresses (RFC 8305), and asks
// a proxy for a tunnel. Internal to http/.
#pragma once

#include <array>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/smart_ptr/intrusive_ptr.hpp>
#include <boost/smart_ptr/intrusive_ref_counter.hpp>
#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/event_loop.h"
#include "http/client.h"
#include "http/resolver.h"

namespace locust::http {

// Used once, and held by an intrusive_ptr. Its owner cancels it before the client goes.
class Connector final
    : private Timer,
      public boost::intrusive_ref_counter<Connector, boost::thread_unsafe_counter> {
 public:
  using Socket = boost::asio::basic_stream_socket<boost::asio::generic::stream_protocol,
                                                  boost::asio::io_context::executor_type>;
  // A connected socket, or a failure's text.
  using Done = std::function<void(Socket socket, std::string failure)>;

  // After so long without an answer the next address is tried as well (RFC 8305, 5).
  static constexpr SteadyDuration kHeadStart = milliseconds(250);

  Connector(ClientContext& context, const ClientSettings& settings, const Origin& origin)
      : context_(context), settings_(settings), origin_(origin) {}
  // Calls `done` once unless it is cancelled before, maybe from within start().
  void start(Done done);
  void cancel();

 private:
  using Endpoint = boost::asio::generic::stream_protocol::endpoint;

  bool read_settings();
  void find_endpoints();
  void race(std::vector<Endpoint> endpoints);
  void try_next();
  void tried(std::size_t index, int error);
  int open(Socket& socket, const Endpoint& endpoint);
  int bind(Socket& socket, int family);
  std::string failure_to_connect() const;
  void fire() override { try_next(); }

  void open_tunnel();
  void read_tunnel();

  void succeed();
  void fail(std::string failure);

  ClientContext& context_;
  const ClientSettings& settings_;
  const Origin origin_;
  Done done_;  // null once it is over

  std::vector<boost::asio::ip::address> sources_;
  std::vector<Endpoint> targets_;  // of the settings
  std::optional<Origin> proxy_;
  std::size_t turn_ = 0;

  std::vector<Endpoint> endpoints_;
  std::vector<Socket> sockets_;  // of the endpoints that have been tried
  std::vector<int> errors_;      // errno of each of these; 0: none so far
  std::size_t running_ = 0;
  std::optional<Socket> connected_;

  std::string tunnel_request_;
  std::string tunnel_answer_;
  std::array<char, 1024> tunnel_bytes_;
};

}  // namespace locust::http
