#include "harness/name_server.h"

#include <fmt/format.h>
#include <signal.h>
#include <sys/wait.h>

#include <fstream>

namespace compat {
namespace {

constexpr const char* config = R"(
server:
    rundir: "{folder}"
    listen: 127.0.0.1@{port}
    udp-workers: 1
    tcp-workers: 1
    background-workers: 1
log:
  - target: stdout
    any: info
database:
    storage: "{folder}"
mod-geoip:
  - id: weights
    config-file: "{folder}/weights.conf"
    mode: weighted
    ttl: 0
template:
  - id: default
    storage: "{folder}"
    zonefile-sync: -1
    zonefile-load: whole
    journal-content: none
zone:
  - domain: locust.test
    file: locust.zone
    module: mod-geoip/weights
  - domain: broken.test
    file: none.zone
)";

constexpr const char* weights = R"(
www.locust.test:
  - weight: 3
    CNAME: near.locust.test.
  - weight: 1
    CNAME: far.locust.test.
)";

}  // namespace

NameServer::NameServer(TempDir& dir, int port, const std::string& records)
    : folder_(dir.path() / "dns") {
  std::filesystem::create_directory(folder_);
  std::ofstream(folder_ / "weights.conf") << weights;
  std::ofstream(folder_ / "knot.conf") << fmt::format(
      fmt::runtime(config), fmt::arg("folder", folder_.string()), fmt::arg("port", port));
  write(records);
  process_.emplace(
      dir, "knotd",
      std::vector<std::string>{"/usr/sbin/knotd", "-c", (folder_ / "knot.conf").string()});
  process_->wait_for_line("server started");
}

void NameServer::change(const std::string& records) {
  write(records);
  process_->signal(SIGHUP);
  process_->wait_for_line(fmt::format(" -> {}, ", serial_));
}

void NameServer::silence(bool silent) {
  process_->signal(silent ? SIGSTOP : SIGCONT);
  if (!silent) return;
  // All of its threads, which takes a moment.
  eventually(
      "knotd to stop",
      [&] {
        siginfo_t info{};
        ::waitid(P_PID, static_cast<id_t>(process_->pid()), &info, WSTOPPED | WNOHANG);
        return Seen{info.si_pid != 0, process_->log()};
      },
      default_limit, 2ms);
}

void NameServer::write(const std::string& records) {
  std::ofstream(folder_ / "locust.zone")
      << "$ORIGIN locust.test.\n@ 0 SOA ns admin " << ++serial_ << " 3600 600 86400 0\n"
      << "@ 0 NS ns\nns 0 A 127.0.0.1\n"
      << records;
}

}  // namespace compat
