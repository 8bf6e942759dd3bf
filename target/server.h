// Carries cpp-httplib's routes over blocking sockets, a thread for each connection.
//
// cpp-httplib's own loop is not used: a pool smaller than the number of keep-alive connections lets
// the others starve, an idle connection wakes its thread 90 times a second, its listen backlog is
// 5, SO_REUSEPORT hides a busy port, and stopping waits out every idle connection.
#pragma once

#include <httplib.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <stop_token>
#include <string>
#include <unordered_set>

namespace hello {

struct ServerOptions {
  std::string host = "0.0.0.0";
  int port = 8000;  // 0: any free one
  std::size_t max_connections = 4096;
  // Longer than the 60 s of a usual load balancer, which must be the one that closes.
  std::chrono::milliseconds keep_alive{75'000};
  // What requests under way get to finish when the server stops.
  std::chrono::milliseconds grace{3'000};
};

class Server {
 public:
  // Listens: connections queue up from here on. Throws std::system_error where the address cannot
  // be resolved or the port is taken.
  explicit Server(const ServerOptions& options);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // To add handlers to, before serve().
  httplib::Server& routes() { return routes_; }
  // Asks to stop when the grace period is over: for handlers that wait.
  std::stop_token cut_short() const { return cut_short_.get_token(); }

  int port() const { return port_; }
  std::string url() const;

  // Until stop(), then until the connections have ended: at most the grace period, unless a handler
  // neither returns nor heeds cut_short().
  void serve();
  // Any thread, at any time. Idle connections are closed at once, requests under way are answered.
  void stop();

 private:
  struct Routes : httplib::Server {
    using httplib::Server::process_request;
  };

  void admit(int connection);
  void refuse(int connection, const char* reason);
  void converse(int connection);
  void forget(int connection);
  void wait_for_connections();

  const ServerOptions options_;
  Routes routes_;
  int listener_ = -1;
  int port_ = 0;
  std::atomic<bool> stopping_ = false;
  std::atomic<bool> refusal_told_ = false;
  std::stop_source cut_short_;

  std::mutex mutex_;
  std::condition_variable connection_ended_;
  std::unordered_set<int> connections_;  // open ones; a descriptor leaves before it is closed
};

}  // namespace hello
