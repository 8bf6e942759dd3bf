// What waits for the Python thread, in order, and a descriptor that its event loop watches.
#pragma once

#include <cstdint>
#include <mutex>
#include <string>
#include <variant>
#include <vector>

#include "base/clock.h"
#include "base/log.h"
#include "base/value.h"
#include "stats/report.h"

namespace locust::python {

// A message for Locust's WorkerRunner, as if the master had sent it.
struct PythonMessage {
  std::string type;
  Value data;
  std::uint64_t job = 0;  // of a spawn: to be given back when it is done
};
struct PythonLog {
  log::Level level;
  std::string logger;
  std::string text;
};
// A report that the listeners of report_to_master want to add something to.
struct PythonReport {
  std::uint64_t ticket = 0;
  stats::Report report;
};
using PythonItem = std::variant<PythonMessage, PythonLog, PythonReport>;

class Inbox {
 public:
  Inbox();
  ~Inbox();
  Inbox(const Inbox&) = delete;
  Inbox& operator=(const Inbox&) = delete;

  // Any thread; never waits for Python.
  void put(PythonItem item, SteadyTime now);
  // Readable while there is something to take.
  int fd() const { return fd_; }
  std::vector<PythonItem> take();
  // Log lines that have been waiting since before `since`: somebody else has to write them.
  std::vector<PythonLog> withdraw_logs(SteadyTime since);

 private:
  struct Waiting {
    SteadyTime since;
    PythonItem item;
  };
  int fd_;
  std::mutex mutex_;
  std::vector<Waiting> waiting_;
};

}  // namespace locust::python
