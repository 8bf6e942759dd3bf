// Accepts connections on the first reactor's thread and deals them to the reactors: each to the one
// with the fewest, so that even a handful of connections keeps all of them busy.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <cstddef>
#include <memory>
#include <vector>

#include "base/timer_queue.h"
#include "target/reactor.h"

namespace hello {

using Reactors = std::vector<std::unique_ptr<Reactor>>;

class Acceptor final : private locust::Timer {
 public:
  // Owns the listening socket.
  Acceptor(Reactors& reactors, int listener);

  // From here on: the thread of the first reactor, or before it runs.
  void start();
  // Takes what has arrived, then closes the door.
  void stop();

 private:
  void fire() override { start(); }
  void accept_all();
  bool accept_one();
  void admit(int socket);
  void pause(int error);
  std::size_t open() const;
  void say_once(const char* sentence);

  Reactors& reactors_;
  const std::size_t most_;  // connections that leave some descriptors free
  boost::asio::basic_socket_acceptor<boost::asio::ip::tcp, boost::asio::io_context::executor_type>
      acceptor_;
  std::size_t next_ = 0;  // among equals
  bool told_ = false;
};

}  // namespace hello
