#include "harness/tinyproxy.h"

#include <fstream>

#include "harness/web.h"

namespace compat {

Tinyproxy::Tinyproxy(TempDir& dir, const std::vector<int>& tunnel_ports, const std::string& user,
                     const std::string& password) {
  const Path file = dir.new_file("tinyproxy", ".conf");
  std::ofstream config(file);
  config << "Port " << port() << "\nListen 127.0.0.1\nAllow 127.0.0.1\n"
         << "Timeout 20\nMaxClients 50\nLogLevel Connect\n";
  for (const int allowed : tunnel_ports) config << "ConnectPort " << allowed << "\n";
  if (!user.empty()) config << "BasicAuth " << user << " " << password << "\n";
  config.close();
  process_.emplace(dir, "tinyproxy",
                   std::vector<std::string>{"/usr/bin/tinyproxy", "-d", "-c", file.string()});
  eventually(
      "tinyproxy to answer",
      [&] {
        if (!process_->running()) return Seen{true, process_->log()};
        return Seen{web_get(port(), "/").status != 0, process_->log()};
      },
      default_limit, 20ms);
}

int Tinyproxy::requests(const std::string& what) const {
  const std::string log = process_->log();
  int count = 0;
  for (auto at = log.find("): " + what); at != std::string::npos;
       at = log.find("): " + what, at + 1)) {
    ++count;
  }
  return count;
}

}  // namespace compat
