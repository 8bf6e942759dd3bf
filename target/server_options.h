// What can be set about the server; options.cpp gives it names on the command line.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>

#include "target/request_framer.h"

namespace hello {

struct ServerOptions {
  std::string host = "0.0.0.0";
  int port = 8000;  // 0: any free one
  int threads = 1;  // one reactor each
  std::size_t max_connections = 16'384;
  // Longer than the 60 s of a usual load balancer, which must be the one that closes.
  std::chrono::milliseconds keep_alive{75'000};
  // For a request to arrive whole, and for a client to take an answer (or 64 KiB of it).
  std::chrono::milliseconds request_timeout{10'000};
  // What requests under way get to finish when the server stops.
  std::chrono::milliseconds grace{3'000};
  FramingLimits framing{};
  bool access_log = false;
};

}  // namespace hello
