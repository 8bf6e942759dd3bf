#include "harness/own_network.h"

#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <stdexcept>

namespace compat {
namespace {

bool unshare_all() {
  if (std::getenv("COMPAT_NO_NAMESPACE") != nullptr) return false;
  if (::unshare(CLONE_NEWNET | CLONE_NEWNS) == 0) return true;
  // Everybody may have a user namespace, and in it this; there one stays who one is.
  const auto user = ::geteuid();
  const auto group = ::getegid();
  if (::unshare(CLONE_NEWUSER | CLONE_NEWNET | CLONE_NEWNS) != 0) return false;
  std::ofstream("/proc/self/setgroups") << "deny";
  std::ofstream("/proc/self/uid_map") << user << " " << user << " 1";
  std::ofstream("/proc/self/gid_map") << group << " " << group << " 1";
  std::ofstream("/proc/sys/net/ipv4/ip_unprivileged_port_start") << 53;
  return true;
}

void require(bool done, const char* what) {
  if (done) return;
  throw std::runtime_error(std::string("a network namespace, but it was not possible to ") + what +
                           ": " + std::strerror(errno));
}

void bring_loopback_up() {
  const int fd = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  ifreq request{};
  std::strcpy(request.ifr_name, "lo");
  request.ifr_flags = IFF_UP;
  const int result = ::ioctl(fd, SIOCSIFFLAGS, &request);
  ::close(fd);
  require(result == 0, "bring its loopback interface up");
}

}  // namespace

bool enter_own_network(TempDir& dir) {
  if (!unshare_all()) return false;
  bring_loopback_up();
  const Path file = dir.path() / "resolv.conf";
  std::ofstream(file) << "nameserver 127.0.0.1\n";
  require(::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0,
          "keep its mounts to itself");
  require(::mount(file.c_str(), "/etc/resolv.conf", nullptr, MS_BIND, nullptr) == 0,
          "mount its /etc/resolv.conf");
  return true;
}

}  // namespace compat
