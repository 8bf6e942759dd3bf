// Debian's tinyproxy, for one test case.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "harness/free_port.h"
#include "harness/process.h"
#include "harness/temp_dir.h"

namespace compat {

class Tinyproxy {
 public:
  // Tunnels lead to `tunnel_ports` only. With a user, nobody else is served.
  Tinyproxy(TempDir& dir, const std::vector<int>& tunnel_ports, const std::string& user = {},
            const std::string& password = {});

  int port() const { return port_.number(); }
  Process& process() { return *process_; }
  // How many requests for this it has taken: "CONNECT localhost:443".
  int requests(const std::string& what) const;

 private:
  FreePort port_;
  std::optional<Process> process_;
};

}  // namespace compat
