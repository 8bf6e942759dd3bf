// What the target answers: cpp-httplib's handlers. Knows nothing of sockets, threads or options of
// the command line.
#pragma once

#include <httplib.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>

#include "target/request_counter.h"
#include "target/server.h"

namespace hello {

// How /hello/ stands in for a slower, failing or larger service.
struct HelloOptions {
  std::chrono::milliseconds delay{0};
  double error_rate = 0;  // 0 to 1: this part of the answers is a 500
  std::size_t body_bytes = 0;
};

// Which requests are to fail, spread evenly and the same in every run: with a rate of 0.25 each
// fourth. Exact to a millionth: after n requests exactly floor(n * rate) have failed. Any thread.
class FailureSchedule {
 public:
  explicit FailureSchedule(double rate);
  bool next_fails();

 private:
  std::uint64_t per_million_;
  std::atomic<std::uint64_t> requests_ = 0;
};

// The counter must outlive the server.
void add_routes(Server& server, const HelloOptions& options, RequestCounter& counter);

// A random UUID (version 4), as Python's str(uuid.uuid4()).
std::string uuid4();

}  // namespace hello
