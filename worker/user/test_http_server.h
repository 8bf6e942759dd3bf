// A server on loopback for the tests of HttpSession: the path says what it answers. /status/404,
// /size/10, /after/5 (milliseconds), /echo (the path again), /head (the request's head), /peer (the
// client's address), /digest (200 to an answered challenge), /latin (a text that is no UTF-8),
// /to/size/10 (a redirect there), /sum (how many bytes of a body with
// Content-Length came), /close (no answer), /never.
#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace locust::test {

class HttpServer {
 public:
  // At a path instead of a port.
  explicit HttpServer(const std::string& path)
      : listener_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof(address.sun_path) - 1);
    EXPECT_EQ(::bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
    ::listen(listener_, 64);
    acceptor_ = std::thread([this] { accept(); });
  }
  HttpServer() : listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
    socklen_t size = sizeof(address);
    ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    ::listen(listener_, 64);
    acceptor_ = std::thread([this] { accept(); });
  }
  ~HttpServer() {
    ::shutdown(listener_, SHUT_RDWR);
    acceptor_.join();
    {
      const std::lock_guard lock(mutex_);
      for (const int socket : sockets_) ::shutdown(socket, SHUT_RDWR);
    }
    for (std::thread& thread : connections_) thread.join();
    for (const int socket : sockets_) ::close(socket);
    ::close(listener_);
  }
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  int port() const { return port_; }
  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }
  // The paths asked for, in the order in which they arrived.
  std::vector<std::string> seen() {
    const std::lock_guard lock(mutex_);
    return seen_;
  }

 private:
  void accept() {
    for (int socket = 0; (socket = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC)) >= 0;) {
      const std::lock_guard lock(mutex_);
      sockets_.push_back(socket);
      connections_.emplace_back([this, socket] { serve(socket); });
    }
  }
  void serve(int socket) {
    std::string in;
    std::array<char, 4096> chunk{};
    for (;;) {
      const auto end = in.find("\r\n\r\n");
      if (end == std::string::npos) {
        const ssize_t n = ::recv(socket, chunk.data(), chunk.size(), 0);
        if (n <= 0) return;
        in.append(chunk.data(), static_cast<std::size_t>(n));
        continue;
      }
      const auto begin = in.find(' ') + 1;
      const std::string path = in.substr(begin, in.find(' ', begin) - begin);
      const std::string head = in.substr(0, end + 4);
      in.erase(0, end + 4);
      {
        const std::lock_guard lock(mutex_);
        seen_.push_back(path);
      }
      if (path == "/close") {
        ::shutdown(socket, SHUT_RDWR);
        return;
      }
      if (path == "/never") continue;
      if (path == "/sum") {
        const std::string sum = with_body(std::to_string(take_body(socket, head, in)));
        ::send(socket, sum.data(), sum.size(), MSG_NOSIGNAL);
        continue;
      }
      const std::string out = answer(path, head, socket);
      ::send(socket, out.data(), out.size(), MSG_NOSIGNAL);
    }
  }
  // Reads and forgets the body that follows the head; its bytes.
  static std::size_t take_body(int socket, const std::string& head, std::string& in) {
    const std::string name = "Content-Length: ";
    const std::size_t length = std::stoul(head.substr(head.find(name) + name.size()));
    std::size_t taken = std::min(length, in.size());
    in.erase(0, taken);
    std::array<char, 65536> chunk{};
    while (taken < length) {
      const ssize_t n = ::recv(socket, chunk.data(), std::min(chunk.size(), length - taken), 0);
      if (n <= 0) return taken;
      taken += static_cast<std::size_t>(n);
    }
    return taken;
  }
  static std::string answer(const std::string& path, const std::string& head, int socket) {
    if (path == "/head") return with_body(head);
    if (path == "/peer") return with_body(peer_of(socket));
    if (path == "/digest" && head.find("Authorization: Digest username=") == std::string::npos) {
      return "HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n"
             "WWW-Authenticate: Digest realm=\"shop\", nonce=\"n\", qop=\"auth\"\r\n\r\n";
    }
    return answer(path);
  }
  static std::string with_body(const std::string& body) {
    return "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
  }
  static std::string peer_of(int socket) {
    sockaddr_in address{};
    socklen_t size = sizeof(address);
    ::getpeername(socket, reinterpret_cast<sockaddr*>(&address), &size);
    std::array<char, INET_ADDRSTRLEN> text{};
    return ::inet_ntop(AF_INET, &address.sin_addr, text.data(), text.size());
  }
  static std::string answer(const std::string& path) {
    if (path == "/latin") {
      return "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 4\r\n\r\ncaf\xe9";
    }
    if (path.rfind("/to/", 0) == 0) {
      return "HTTP/1.1 302 Found\r\nLocation: " + path.substr(3) + "\r\nContent-Length: 0\r\n\r\n";
    }
    const auto number = [&](const char* prefix) {
      return path.starts_with(prefix) ? std::stoi(path.substr(std::string(prefix).size())) : -1;
    };
    int status = 200;
    std::string body = path;
    if (const int asked = number("/status/"); asked >= 0) {
      status = asked;
      body.clear();
    } else if (const int size = number("/size/"); size >= 0) {
      body.assign(static_cast<std::size_t>(size), 'x');
    } else if (const int wait = number("/after/"); wait >= 0) {
      std::this_thread::sleep_for(std::chrono::milliseconds(wait));
    }
    // These have no body, and no length of one either.
    if (status == 204 || status == 304) {
      return "HTTP/1.1 " + std::to_string(status) + " As Asked\r\n\r\n";
    }
    return "HTTP/1.1 " + std::to_string(status) +
           " As Asked\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
  }

  int listener_;
  int port_ = 0;
  std::mutex mutex_;
  std::vector<int> sockets_;
  std::vector<std::string> seen_;
  std::vector<std::thread> connections_;
  std::thread acceptor_;
};

}  // namespace locust::test
