#include "harness/relay.h"

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <stdexcept>

#include "harness/eventually.h"

namespace compat {
namespace {

sockaddr_in loopback(int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

bool send_all(int to, const char* data, std::size_t size) {
  return ::send(to, data, size, MSG_NOSIGNAL) == static_cast<ssize_t>(size);
}

}  // namespace

Relay::Relay(int server_port) {
  listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = loopback(0);
  socklen_t size = sizeof address;
  if (::bind(listener_, reinterpret_cast<const sockaddr*>(&address), size) != 0 ||
      ::listen(listener_, 5) != 0 ||
      ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    throw std::runtime_error("a relay cannot listen");
  }
  port_ = ntohs(address.sin_port);
  thread_ = std::thread([this, server_port] { run(server_port); });
}

Relay::~Relay() {
  cut();
  ::shutdown(listener_, SHUT_RDWR);  // nobody may have connected
  thread_.join();
  ::close(listener_);
}

void Relay::run(int server_port) {
  const int client = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
  if (client < 0) return;
  const int server = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const sockaddr_in address = loopback(server_port);
  bool open = ::connect(server, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  char data[16384];
  while (open) {
    pollfd ready[2] = {{client, POLLIN, 0}, {server, POLLIN, 0}};
    ::poll(ready, 2, 5);
    const std::scoped_lock lock(mutex_);
    if (ending_ != Ending::none) break;
    open = send_all(server, forged_.data(), forged_.size());
    forged_.clear();
    for (const int from : {0, 1}) {
      if (ready[from].revents == 0) continue;
      const ssize_t size = ::recv(ready[from].fd, data, sizeof data, 0);
      open = open && size > 0 && send_all(ready[1 - from].fd, data, static_cast<std::size_t>(size));
      if (open && from == 1) passed_ += static_cast<std::size_t>(size);
    }
  }
  const linger at_once{.l_onoff = 1, .l_linger = 0};
  const std::scoped_lock lock(mutex_);
  if (ending_ == Ending::reset) {
    ::setsockopt(client, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  }
  ::close(client);
  ::close(server);
}

std::size_t Relay::passed() {
  const std::scoped_lock lock(mutex_);
  return passed_;
}

void Relay::wait_until_passed(std::size_t bytes) {
  eventually(
      "the server's bytes to pass",
      [&] {
        const std::size_t now = passed();
        return Seen{now >= bytes, std::to_string(now) + " of " + std::to_string(bytes)};
      },
      default_limit, 2ms);
}

void Relay::forge(const std::string& bytes) {
  const std::scoped_lock lock(mutex_);
  forged_ = bytes;
}

void Relay::cut(bool reset) {
  const std::scoped_lock lock(mutex_);
  if (ending_ == Ending::none) ending_ = reset ? Ending::reset : Ending::orderly;
}

}  // namespace compat
