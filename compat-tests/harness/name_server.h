// Debian's Knot DNS as the name server of two zones: locust.test has the records that a case gives
// it, broken.test cannot be loaded (SERVFAIL). All other names it refuses.
//
// www.locust.test is what Route 53 calls weighted: an alias, without a TTL, of near.locust.test in
// three of four answers, of far.locust.test in the others.
#pragma once

#include <optional>
#include <string>

#include "harness/process.h"
#include "harness/temp_dir.h"

namespace compat {

class NameServer {
 public:
  // At 127.0.0.1. `records` are lines of a zone file: "web 60 A 127.0.0.2".
  NameServer(TempDir& dir, int port, const std::string& records);
  // These instead, from now on.
  void change(const std::string& records);
  // Whether it answers.
  void silence(bool silent);

 private:
  void write(const std::string& records);

  Path folder_;
  int serial_ = 0;
  std::optional<Process> process_;
};

}  // namespace compat
