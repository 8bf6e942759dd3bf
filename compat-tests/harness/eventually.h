// Waiting for something another process does: generous limits, and a failure says what was seen
// last.
#pragma once

#include <chrono>
#include <stdexcept>
#include <string>
#include <thread>

namespace compat {

using namespace std::chrono_literals;
using Duration = std::chrono::milliseconds;

inline constexpr Duration default_limit = 40s;

// What a probe found, and how to show it to a person.
struct Seen {
  bool done = false;
  std::string state;
};

// Asks the probe until it is done. Throws, which ends the test case, when the limit is over. A
// probe that throws is asked again: a server may be starting.
template <typename Probe>
void eventually(const std::string& what, Probe probe, Duration limit = default_limit,
                Duration pause = 100ms) {
  const auto end = std::chrono::steady_clock::now() + limit;
  std::string last;
  while (true) {
    try {
      Seen seen = probe();
      if (seen.done) return;
      last = std::move(seen.state);
    } catch (const std::exception& error) {
      last = error.what();
    }
    if (std::chrono::steady_clock::now() >= end) break;
    std::this_thread::sleep_for(pause);
  }
  throw std::runtime_error("waited " + std::to_string(limit.count()) + " ms in vain for: " + what +
                           "\nlast seen: " + last);
}

}  // namespace compat
