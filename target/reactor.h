// One thread of the server: its event loop, its connections, and the buffers they share.
#pragma once

#include <array>
#include <atomic>
#include <boost/intrusive/list.hpp>
#include <cstddef>
#include <memory>
#include <string>

#include "base/event_loop.h"
#include "target/access_log.h"
#include "target/answerer.h"
#include "target/connection.h"
#include "target/server_options.h"

namespace hello {

// Everything but connections(), adopt() and stop() belongs to the thread in run().
class Reactor {
 public:
  Reactor(const ServerOptions& options, Answerer& answerer);
  ~Reactor();
  Reactor(const Reactor&) = delete;
  Reactor& operator=(const Reactor&) = delete;

  // Until stop(), then until its connections have ended, at most the grace period.
  void run() { loop_.run(); }
  // Any thread, at any time. Idle connections are closed soon, requests under way are answered.
  void stop();
  // Any thread: takes over a connection that was just accepted.
  void adopt(int socket);
  // Any thread.
  std::size_t connections() const { return open_.load(std::memory_order_relaxed); }

  locust::EventLoop& loop() { return loop_; }
  const ServerOptions& options() const { return options_; }
  Answerer& answerer() { return answerer_; }
  bool stopping() const { return stopping_; }

  // Where every connection reads into, and writes its answers before they are sent. Nothing in them
  // outlives a callback.
  std::array<char, std::size_t{64} << 10>& input() { return *input_; }
  std::string& output() { return output_; }
  // Only where --access-log is set: see AccessLog::add().
  void log(int socket, std::string_view request, std::string_view answer);
  // A connection is closed and out of the list.
  void closed();

 private:
  class GraceTimer;
  void begin_stop();
  void end_grace();

  const ServerOptions& options_;
  Answerer& answerer_;
  locust::EventLoop loop_;
  std::unique_ptr<std::array<char, std::size_t{64} << 10>> input_;
  std::string output_;
  AccessLog access_log_;
  boost::intrusive::list<Connection, boost::intrusive::constant_time_size<false>> connections_;
  std::unique_ptr<GraceTimer> grace_;
  bool stopping_ = false;
  std::atomic<std::size_t> open_ = 0;  // those on their way here included
};

}  // namespace hello
