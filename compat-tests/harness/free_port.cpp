#include "harness/free_port.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstddef>
#include <cstdio>
#include <random>
#include <stdexcept>

namespace compat {
namespace {

constexpr int first_port = 20000;
constexpr int last_port = 31999;

// An abstract Unix socket whose name holds the port: the kernel frees it when the process ends,
// however it ends. -1 where another process has it.
int reserve(int port) {
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const int length = std::snprintf(address.sun_path + 1, sizeof address.sun_path - 1,
                                   "locustpp-compat-port-%d", port);
  const auto size = offsetof(sockaddr_un, sun_path) + 1 + static_cast<std::size_t>(length);
  if (::bind(fd, reinterpret_cast<const sockaddr*>(&address), static_cast<socklen_t>(size)) == 0) {
    return fd;
  }
  ::close(fd);
  return -1;
}

bool bindable(int port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int one = 1;
  ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const bool ok = ::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  ::close(fd);
  return ok;
}

}  // namespace

FreePort::FreePort() {
  std::random_device random;
  std::uniform_int_distribution<int> any(first_port, last_port);
  for (int attempt = 0; attempt < 1000; ++attempt) {
    const int port = any(random);
    const int reservation = reserve(port);
    if (reservation < 0) continue;
    if (bindable(port)) {
      number_ = port;
      reservation_ = reservation;
      return;
    }
    ::close(reservation);
  }
  throw std::runtime_error("no free TCP port between 20000 and 31999");
}

FreePort::~FreePort() { ::close(reservation_); }

}  // namespace compat
