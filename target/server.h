// Carries cpp-httplib's routes on a reactor for each thread.
//
// cpp-httplib's own loop is not used: a pool smaller than the number of keep-alive connections lets
// the others starve, an idle connection wakes its thread 90 times a second, its listen backlog is
// 5, SO_REUSEPORT hides a busy port, and stopping waits out every idle connection.
#pragma once

#include <httplib.h>

#include <atomic>
#include <cstddef>
#include <memory>
#include <string>

#include "target/answerer.h"
#include "target/server_options.h"

namespace hello {

class Acceptor;
class Reactor;

class Server {
 public:
  // Listens: connections queue up from here on. Throws std::system_error where the address cannot
  // be resolved or the port is taken.
  explicit Server(const ServerOptions& options);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // To add handlers to, before serve(). They run on a reactor's thread, which serves nobody else
  // meanwhile, and must not block; Answerer::set_delay() is for those that answer late.
  httplib::Server& routes() { return answerer_.routes(); }
  Answerer& answerer() { return answerer_; }

  int port() const { return port_; }
  // Open ones, any thread.
  std::size_t connections() const;
  std::string url() const;

  // Until stop(), then until the connections have ended: at most the grace period.
  void serve();
  // Any thread, at any time. Tells the routes only: the load balancer shall look elsewhere.
  void drain() { draining_ = true; }
  const std::atomic<bool>& draining() const { return draining_; }
  // Any thread, at any time. Idle connections are closed, requests under way are answered.
  void stop();

 private:
  struct Threads;

  const ServerOptions options_;
  Answerer answerer_;
  std::atomic<bool> draining_ = false;
  int port_ = 0;
  std::unique_ptr<Threads> threads_;
};

}  // namespace hello
