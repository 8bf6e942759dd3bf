// The server under load, with its own count of what it answered.
#pragma once

#include <cstdint>

#include "harness/process.h"

namespace compat {

class Target {
 public:
  // `delay`: how long it takes for an answer of /hello/; enough of it keeps the machine idle.
  explicit Target(TempDir& dir, Duration delay = 20ms);

  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }
  int port() const { return port_; }
  // Answers so far, say of "GET /hello/".
  std::int64_t served(const std::string& route = "GET /hello/") const;

 private:
  Process process_;
  int port_ = 0;
};

}  // namespace compat
