// A server for tests that runs on the client's own thread: the test says what it receives, sends
// and closes, and when, while the client's loop is driven in between. Nothing sleeps, and nothing
// depends on which thread is faster.
#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <cerrno>
#include <string>
#include <string_view>
#include <utility>

#include "base/event_loop.h"
#include "http/client.h"

namespace locust::http {

// The server's end of one connection.
class Peer {
 public:
  Peer() = default;
  explicit Peer(int socket) : socket_(socket) {}
  Peer(Peer&& other) noexcept : socket_(std::exchange(other.socket_, -1)) {}
  Peer& operator=(Peer&& other) noexcept {
    close();
    socket_ = std::exchange(other.socket_, -1);
    return *this;
  }
  ~Peer() { close(); }

  explicit operator bool() const { return socket_ >= 0; }
  int socket() const { return socket_; }
  // As recv(): -1 where there is nothing now.
  ssize_t receive(char* bytes, std::size_t size) const {
    return ::recv(socket_, bytes, size, MSG_DONTWAIT);
  }
  // How much the network took; a peer that has gone takes all.
  std::size_t send(std::string_view bytes) const {
    const ssize_t sent = ::send(socket_, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent >= 0) return static_cast<std::size_t>(sent);
    return errno == EAGAIN ? 0 : bytes.size();
  }
  void close() {
    if (socket_ >= 0) ::close(std::exchange(socket_, -1));
  }
  void reset() {
    const linger at_once{1, 0};
    ::setsockopt(socket_, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
    close();
  }

 private:
  int socket_ = -1;
};

// An exchange that remembers what happened to it.
class TestExchange final : public Exchange {
 public:
  int calls = 0;
  bool done() const { return calls > 0; }
  using Exchange::cancel;

 private:
  void on_done() override { ++calls; }
};

class TestServer {
 public:
  EventLoop loop;
  int accepted = 0;

  explicit TestServer(int backlog = 128, in_addr_t listen_on = INADDR_LOOPBACK) {
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(listen_on);
    socklen_t size = sizeof(address);
    EXPECT_EQ(::bind(listener_, reinterpret_cast<sockaddr*>(&address), size), 0);
    EXPECT_EQ(::listen(listener_, backlog), 0);
    ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
  }
  ~TestServer() { stop_listening(); }
  TestServer(const TestServer&) = delete;
  TestServer& operator=(const TestServer&) = delete;

  void stop_listening() {
    if (listener_ >= 0) ::close(std::exchange(listener_, -1));
  }
  std::uint16_t port() const { return port_; }
  std::string url(std::string_view host = "127.0.0.1") const {
    return "http://" + std::string(host) + ":" + std::to_string(port_) + "/";
  }
  RequestParts parts(std::string_view method = "GET", std::string_view host = "127.0.0.1") const {
    RequestParts parts;
    parts.method = method;
    parts.url = *parse_url(url(host));
    parts.keep_body = true;
    return parts;
  }

  // Drives the loop until it is so; false after ten seconds.
  template <class Condition>
  bool run_until(Condition condition) {
    const SteadyTime limit = loop.now() + seconds(10);
    while (!condition()) {
      if (loop.now() > limit) return false;
      loop.io().run_one_for(milliseconds(1));
    }
    return true;
  }
  bool run_until_done(const TestExchange& exchange) {
    return run_until([&] { return exchange.done(); });
  }
  // Gives the client what is due within this time.
  void run_for(SteadyDuration time) { loop.io().run_for(time); }

  // The next connection, also one that the client has closed already.
  Peer accept() {
    int socket = -1;
    EXPECT_TRUE(run_until([&] { return (socket = accept_now()) >= 0; })) << "no connection";
    return Peer(socket);
  }
  Peer accept_if_any() { return Peer(accept_now()); }
  bool connection_waits() { return static_cast<bool>(accept_if_any()); }
  // The head of a request and, where it has a Content-Length, the body. What the client sent until
  // then where it closes before that.
  std::string request(const Peer& peer) {
    std::string bytes;
    EXPECT_TRUE(run_until([&] {
      char buffer[65536];
      const ssize_t size = peer.receive(buffer, sizeof(buffer));
      if (size > 0) bytes.append(buffer, static_cast<std::size_t>(size));
      return size == 0 || is_whole(bytes);
    })) << "no request";
    return bytes;
  }
  // A connection with a request received.
  Peer accept_request() {
    Peer peer = accept();
    request(peer);
    return peer;
  }
  void send(const Peer& peer, std::string_view bytes) {
    EXPECT_TRUE(run_until([&] {
      bytes.remove_prefix(peer.send(bytes));
      return bytes.empty();
    })) << "the client does not read";
  }
  // Closes the server's direction, and returns when the client's side knows it.
  void finish(const Peer& peer) {
    ::shutdown(peer.socket(), SHUT_WR);
    EXPECT_TRUE(run_until([&] {
      tcp_info info{};
      socklen_t size = sizeof(info);
      ::getsockopt(peer.socket(), IPPROTO_TCP, TCP_INFO, &info, &size);
      return info.tcpi_state != TCP_ESTABLISHED && info.tcpi_state != TCP_FIN_WAIT1;
    }));
  }
  // Whether the client closes the connection, after whatever it sent.
  bool closed_by_client(const Peer& peer) {
    return run_until([&] {
      char buffer[65536];
      const ssize_t size = peer.receive(buffer, sizeof(buffer));
      return size == 0 || (size < 0 && errno != EAGAIN);
    });
  }
  // Whether nothing has come and it is open.
  static bool is_quiet(const Peer& peer) {
    char byte;
    return peer.receive(&byte, 1) < 0 && errno == EAGAIN;
  }

 private:
  int accept_now() {
    const int socket = ::accept(listener_, nullptr, nullptr);
    if (socket < 0) return socket;
    ++accepted;
    const int on = 1;
    ::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    return socket;
  }
  static bool is_whole(const std::string& bytes) {
    const auto head = bytes.find("\r\n\r\n");
    if (head == std::string::npos) return false;
    const auto length = bytes.find("Content-Length: ");
    const std::size_t body = length < head ? std::stoul(bytes.substr(length + 16)) : 0;
    return bytes.size() >= head + 4 + body;
  }

  int listener_ = -1;
  std::uint16_t port_ = 0;
};

// What socket() fails with in this program (see resolver_test.cpp), always or for IPv6; 0: not.
inline std::atomic<int> socket_error = 0;
inline std::atomic<int> socket_error_ipv6 = 0;

// While it lives, there are no descriptors for new sockets. (Not by setrlimit: the sanitizers need
// descriptors themselves.)
class NoDescriptors {
 public:
  NoDescriptors() { socket_error = EMFILE; }
  ~NoDescriptors() { socket_error = 0; }
};

constexpr std::string_view kOk = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

}  // namespace locust::http
