// For the tests: a TCP connection that says and shows exactly what is on the wire.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace hello {

// Reads give up after 5 s.
class RawClient {
 public:
  explicit RawClient(int port) : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const timeval limit{5, 0};
    ::setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connected_ = ::connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
  }
  ~RawClient() { ::close(socket_); }
  RawClient(const RawClient&) = delete;
  RawClient& operator=(const RawClient&) = delete;

  bool connected() const { return connected_; }
  void send(std::string_view text) { ::send(socket_, text.data(), text.size(), MSG_NOSIGNAL); }
  // Up to and including the blank line; as much as came where the connection ends before.
  std::string read_head() {
    while (received_.find("\r\n\r\n") == std::string::npos && receive() > 0) {
    }
    const auto blank = received_.find("\r\n\r\n");
    const auto end = blank == std::string::npos ? received_.size() : blank + 4;
    std::string head = received_.substr(0, end);
    received_.erase(0, end);
    return head;
  }
  // Until exactly this many bytes have come behind what was read before; less where it ends before.
  std::string read(std::size_t size) {
    while (received_.size() < size && receive() > 0) {
    }
    std::string text = received_.substr(0, size);
    received_.erase(0, text.size());
    return text;
  }
  // All up to the end of the connection.
  std::string read_all() {
    while (receive() > 0) {
    }
    return std::exchange(received_, {});
  }
  void shut_down_sending() { ::shutdown(socket_, SHUT_WR); }
  // True where the other side closed in order, not after 5 s of silence.
  bool read_end() {
    ssize_t count = 0;
    while ((count = receive()) > 0) {
    }
    return count == 0;
  }

 private:
  ssize_t receive() {
    char buffer[4096];
    const ssize_t count = ::recv(socket_, buffer, sizeof buffer, 0);
    if (count > 0) {
      received_.append(buffer, static_cast<std::size_t>(count));
    }
    return count;
  }

  int socket_;
  bool connected_ = false;
  std::string received_;
};

}  // namespace hello
