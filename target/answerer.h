// Turns whole requests into answers by cpp-httplib's routes. Shared by all reactors: once they run,
// nothing in it changes but the flags.
#pragma once

#include <httplib.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <string>
#include <string_view>

namespace hello {

class Answerer {
 public:
  explicit Answerer(std::chrono::milliseconds keep_alive);

  httplib::Server& routes() { return routes_; }

  // How long a request waits before its handler runs, by path (with its query). Any thread.
  using Delay = std::function<std::chrono::milliseconds(std::string_view target)>;
  void set_delay(Delay delay) { delay_ = std::move(delay); }
  std::chrono::milliseconds delay(std::string_view target) const {
    return delay_ ? delay_(target) : std::chrono::milliseconds(0);
  }

  // Called for each request that is refused before a route sees it. Any thread.
  void set_refused_handler(std::function<void()> handler) { on_refused_ = std::move(handler); }

  // Adds the answer to `output`. Any thread.
  void answer(std::string_view request, bool keep_alive, std::string& output);
  // Adds a bare answer, after which the connection ends.
  void refuse(int status, std::string& output) const;

 private:
  struct Routes : httplib::Server {
    using httplib::Server::process_request;
  };

  Routes routes_;
  Delay delay_;
  std::function<void()> on_refused_;
  const std::function<void(httplib::Request&)> prepare_;
  const std::function<void(httplib::Request&)> prepare_last_;
};

}  // namespace hello
