// A program in a process group of its own that writes to a log file and is gone, for sure, when
// this object is: also when a test fails or the test program itself is killed.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "harness/eventually.h"
#include "harness/temp_dir.h"

namespace compat {

class Process {
 public:
  // HOME and the working directory are the case's folder, so that no configuration file of the
  // machine's user is read; LOCUST_* variables are not passed on. `environment`: "NAME=value".
  Process(TempDir& dir, const std::string& name, std::vector<std::string> command,
          const std::vector<std::string>& environment = {});
  // SIGKILL to the whole group.
  ~Process();
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  pid_t pid() const { return pid_; }
  const std::string& name() const { return name_; }
  const Path& log_file() const { return log_; }
  std::string log() const { return read_file(log_); }

  bool running();
  void signal(int number);
  // The first line of the log that holds this text. Throws where the process ends before.
  std::string wait_for_line(const std::string& text, Duration limit = default_limit);
  // Exit code, or 128 + the signal that ended it, as a shell has it. Throws when the limit is over.
  int wait_for_exit(Duration limit = default_limit);
  // SIGKILL and wait.
  void kill();

 private:
  std::string name_;
  Path log_;
  pid_t pid_ = -1;
  std::optional<int> exit_;
};

}  // namespace compat
