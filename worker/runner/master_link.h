// The ZeroMQ connection to a master: a DEALER whose identity is the worker's id (rpc/zmqrpc.py).
// The only place that knows ZeroMQ. Belongs to the control thread and never waits but in wait().
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/clock.h"

namespace locust::runner {

// What has happened on the link, in order.
struct LinkUp {};    // the ZMTP handshake with a master is done
struct LinkDown {};  // the connection is lost; it is tried again for ever
struct Frame {
  std::string bytes;
};
using LinkEvent = std::variant<LinkUp, LinkDown, Frame>;

class MasterLink {
 public:
  // Throws std::invalid_argument where host and port make no address.
  MasterLink(std::string host, int port, std::string identity);
  // What has been sent still leaves, for at most 2 s.
  ~MasterLink();
  MasterLink(const MasterLink&) = delete;
  MasterLink& operator=(const MasterLink&) = delete;

  // Connects in the background; the name is resolved anew at every attempt. What the machine has
  // not to give at the moment (descriptors) is asked for again later.
  void open();
  void close();

  // Queues a frame. False where there is no connection, or a master that does not read has let
  // too many gather.
  bool send(std::string_view frame);

  // Returns when something has happened on the link, one of the descriptors is readable, or the
  // time has come.
  void wait(const std::vector<int>& descriptors, SteadyTime until, SteadyTime now);
  std::vector<LinkEvent> take_events(SteadyTime now);

 private:
  struct Sockets;
  void make_sockets();
  void drop_sockets();

  const std::string host_;
  const int port_;
  const std::string identity_;
  std::unique_ptr<Sockets> sockets_;
  bool wanted_ = false;  // open
  bool up_ = false;
  bool ipv6_;
  SteadyTime opened_{};
};

// hostname_uuid4hex: the master tells hosts apart by what stands before the first underscore
// (dispatch.py).
std::string make_worker_id();

}  // namespace locust::runner
