// A stock Python Locust master as a process, driven through its web API as a browser drives it.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>

#include "harness/free_port.h"
#include "harness/process.h"

namespace compat {

using Json = nlohmann::json;

// The part of /stats/requests that a failure message needs.
std::string summary(const Json& stats);
// The row "Aggregated".
const Json& total(const Json& stats);
// The row of this name; a row of zeros where there is none yet.
Json entry(const Json& stats, const std::string& name);
std::int64_t requests(const Json& row);
std::int64_t failures(const Json& row);

class Master {
 public:
  struct Options {
    std::string version;
    std::string locustfile = "hello";    // a stem
    std::vector<std::string> arguments;  // such as "-s", "5"
    bool headless = false;
  };

  // Returns when the web interface answers; at once when headless.
  Master(TempDir& dir, Options options);

  int port() const { return port_.number(); }
  const std::string& version() const { return options_.version; }
  Process& process() { return *process_; }

  // Start a test, or change the one that runs.
  void swarm(int users, double rate, const std::string& host);
  // Asks for the end of the test and does not wait for it.
  void stop();
  void reset_stats();
  // /stats/requests: up to 2 s old.
  Json stats() const;
  Json exceptions() const;
  // Master and workers' log lines, {"master": […], "workers": {id: […]}}; from 2.29.0 on.
  Json logs() const;
  // /tasks: {"per_class": {"Alpha": {"ratio": 0.3, …}, …}, "total": …}.
  Json tasks() const;

  // The first answer of /stats/requests that satisfies the predicate.
  Json wait_until(const std::string& what, const std::function<bool(const Json&)>& predicate,
                  Duration limit = default_limit) const;
  // So many workers that are ready to run.
  Json wait_for_workers(std::size_t count, Duration limit = default_limit) const;
  // So many users in all, and no worker that is on the way.
  Json wait_for_users(int count, Duration limit = default_limit) const;
  // The test has ended: no users, and so many workers have reported as ready again.
  Json wait_for_end(std::size_t workers = 1, Duration limit = default_limit) const;
  // `All users spawned: {"Alpha": 1, "Beta": 2} (3 total users)`: the user_classes_count of all
  // workers, as each ramp ended.
  std::vector<std::string> spawned_lines() const;

  // SIGKILL; start_again() then uses the same ports.
  void kill();
  void start_again();
  // SIGTERM; the exit code.
  int quit();

 private:
  Json get(const std::string& path) const;

  TempDir& dir_;
  Options options_;
  FreePort port_;
  FreePort web_port_;
  std::unique_ptr<Process> process_;
};

}  // namespace compat
