// A folder of a test case's own: logs, working directory and HOME of the processes it starts.
#pragma once

#include "harness/paths.h"

namespace compat {

class TempDir {
 public:
  TempDir();
  // Removes it, unless COMPAT_KEEP is set.
  ~TempDir();
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;

  const Path& path() const { return path_; }
  // A name that was not used before: worker-0.log, worker-1.log.
  Path new_file(const std::string& stem, const std::string& extension);

 private:
  Path path_;
  int files_ = 0;
};

// The whole file; empty where there is none.
std::string read_file(const Path& path);
// The last lines of every log in the folder, to be printed when a test has failed.
std::string log_tails(const Path& folder, std::size_t lines);

}  // namespace compat
