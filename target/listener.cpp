#include "target/listener.h"

#include <fmt/core.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <system_error>

namespace hello {
namespace {

constexpr int backlog = 65'535;  // the kernel caps it at net.core.somaxconn

struct AddressInfoDeleter {
  void operator()(addrinfo* info) const { ::freeaddrinfo(info); }
};
using AddressInfo = std::unique_ptr<addrinfo, AddressInfoDeleter>;

[[noreturn]] void fail(int error, const std::string& host, int port) {
  throw std::system_error(error, std::generic_category(),
                          fmt::format("cannot listen on {} port {}", host, port));
}

AddressInfo resolve(const std::string& host, int port) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const int error = ::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found);
  if (error != 0) {
    fail(error == EAI_SYSTEM ? errno : EADDRNOTAVAIL, host, port);
  }
  return AddressInfo(found);
}

}  // namespace

int listen_on(const std::string& host, int port) {
  const AddressInfo addresses = resolve(host, port);
  int error = EADDRNOTAVAIL;
  for (const addrinfo* it = addresses.get(); it != nullptr; it = it->ai_next) {
    const int listener =
        ::socket(it->ai_family, it->ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, it->ai_protocol);
    if (listener >= 0) {
      const int on = 1;
      ::setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
      if (::bind(listener, it->ai_addr, it->ai_addrlen) == 0 && ::listen(listener, backlog) == 0) {
        return listener;
      }
    }
    error = errno;
    if (listener >= 0) {
      ::close(listener);
    }
  }
  fail(error, host, port);
}

int port_of(int socket) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  ::getsockname(socket, reinterpret_cast<sockaddr*>(&address), &size);
  // The port is at the same place in both families.
  return ntohs(reinterpret_cast<const sockaddr_in*>(&address)->sin_port);
}

std::string url_of(const std::string& host, int port) {
  return host.find(':') != std::string::npos ? fmt::format("http://[{}]:{}", host, port)
                                             : fmt::format("http://{}:{}", host, port);
}

}  // namespace hello
