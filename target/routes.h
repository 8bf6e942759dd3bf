// What the target answers. Knows cpp-httplib's handlers and nothing of sockets, threads or options
// of the command line, so that another server can carry the same routes.
#pragma once

#include <httplib.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <stop_token>
#include <string>

#include "target/request_counter.h"

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

// The counter must outlive the server. A delay under way ends early, with its usual answer, once
// cut_short is asked to stop.
void add_routes(httplib::Server& server, const HelloOptions& options, RequestCounter& counter,
                std::stop_token cut_short);

// A random UUID (version 4), as Python's str(uuid.uuid4()).
std::string uuid4();

}  // namespace hello
