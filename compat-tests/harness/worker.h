// A Locust worker as a process: the native one, or a stock one of a given version.
#pragma once

#include "harness/process.h"

namespace compat {

// python: the Python worker, whatever COMPAT_WORKER says.
enum class WorkerKind { under_test, stock, python };

class Worker {
 public:
  struct Options {
    std::string locustfile = "hello";  // a stem
    int master_port = 0;
    std::string version;  // of the stock worker, where one is used
    WorkerKind kind = WorkerKind::under_test;
    std::vector<std::string> arguments;  // further ones; those of the native worker's own are
    std::vector<std::string> native_arguments;  // kept apart, as a stock worker refuses them
  };

  Worker(TempDir& dir, const Options& options);

  Process& process() { return process_; }
  pid_t pid() const { return process_.pid(); }
  void signal(int number) { process_.signal(number); }
  // SIGTERM, as an orchestrator does; the exit code.
  int quit(Duration limit = default_limit);

 private:
  Process process_;
};

}  // namespace compat
