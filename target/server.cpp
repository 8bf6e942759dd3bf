#include "target/server.h"

#include <fmt/core.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <memory>
#include <string_view>
#include <system_error>
#include <thread>
#include <utility>

#include "target/socket_stream.h"

namespace hello {
namespace {

constexpr int backlog = 4096;  // the kernel caps it at net.core.somaxconn

struct AddressInfoDeleter {
  void operator()(addrinfo* info) const { ::freeaddrinfo(info); }
};
using AddressInfo = std::unique_ptr<addrinfo, AddressInfoDeleter>;

[[noreturn]] void fail(int error, const ServerOptions& options) {
  throw std::system_error(error, std::generic_category(),
                          fmt::format("cannot listen on {} port {}", options.host, options.port));
}

AddressInfo resolve(const ServerOptions& options) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const int error =
      ::getaddrinfo(options.host.c_str(), std::to_string(options.port).c_str(), &hints, &found);
  if (error != 0) {
    fail(error == EAI_SYSTEM ? errno : EADDRNOTAVAIL, options);
  }
  return AddressInfo(found);
}

template <class Value>
void set_option(int socket, int level, int name, const Value& value) {
  ::setsockopt(socket, level, name, &value, sizeof value);  // at worst it stays at its default
}

int listen_on(const ServerOptions& options) {
  const AddressInfo addresses = resolve(options);
  int error = EADDRNOTAVAIL;
  for (const addrinfo* it = addresses.get(); it != nullptr; it = it->ai_next) {
    const int listener = ::socket(it->ai_family, it->ai_socktype | SOCK_CLOEXEC, it->ai_protocol);
    if (listener >= 0) {
      set_option(listener, SOL_SOCKET, SO_REUSEADDR, 1);
      if (::bind(listener, it->ai_addr, it->ai_addrlen) == 0 && ::listen(listener, backlog) == 0) {
        return listener;
      }
    }
    error = errno;
    if (listener >= 0) {
      ::close(listener);
    }
  }
  fail(error, options);
}

int port_of(int socket) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  ::getsockname(socket, reinterpret_cast<sockaddr*>(&address), &size);
  // The port is at the same place in both families.
  return ntohs(reinterpret_cast<const sockaddr_in*>(&address)->sin_port);
}

void configure(int connection, std::chrono::milliseconds limit) {
  const timeval time{limit.count() / 1000, limit.count() % 1000 * 1000};
  set_option(connection, IPPROTO_TCP, TCP_NODELAY, 1);
  set_option(connection, SOL_SOCKET, SO_RCVTIMEO, time);
  set_option(connection, SOL_SOCKET, SO_SNDTIMEO, time);
}

}  // namespace

Server::Server(const ServerOptions& options)
    : options_(options), listener_(listen_on(options)), port_(port_of(listener_)) {
  // Both only appear in the header Keep-Alive: this server does not close a connection by count.
  routes_.set_keep_alive_max_count(1'000'000'000);
  routes_.set_keep_alive_timeout(options.keep_alive.count() / 1000);
}

Server::~Server() {
  stop();
  wait_for_connections();
  ::close(listener_);
}

std::string Server::url() const {
  const bool ipv6 = options_.host.find(':') != std::string::npos;
  return ipv6 ? fmt::format("http://[{}]:{}", options_.host, port_)
              : fmt::format("http://{}:{}", options_.host, port_);
}

void Server::serve() {
  while (!stopping_) {
    const int connection = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (connection >= 0) {
      admit(connection);
    } else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
      if (!refusal_told_.exchange(true)) {
        fmt::print(stderr, "hello-target: {}: connections wait\n",
                   std::generic_category().message(errno));
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }  // else stop(), or a connection that its client gave up (ECONNABORTED and the like)
  }
  wait_for_connections();
}

void Server::stop() {
  const std::lock_guard lock(mutex_);
  stopping_ = true;
  ::shutdown(listener_, SHUT_RDWR);  // ends accept4()
  // A thread that waits for its next request sees the end; what has arrived is still answered.
  for (const int connection : connections_) {
    ::shutdown(connection, SHUT_RD);
  }
}

void Server::admit(int connection) {
  configure(connection, options_.keep_alive);
  {
    const std::lock_guard lock(mutex_);
    if (connections_.size() < options_.max_connections) {
      connections_.insert(connection);
      if (stopping_) {
        ::shutdown(connection, SHUT_RD);
      }
    } else {
      return refuse(connection, "--max-connections is reached: further connections are refused");
    }
  }
  try {
    std::thread([this, connection] { converse(connection); }).detach();
  } catch (const std::system_error&) {
    {
      const std::lock_guard lock(mutex_);
      connections_.erase(connection);
    }
    refuse(connection, "no more threads: connections are refused");
  }
}

void Server::refuse(int connection, const char* reason) {
  constexpr std::string_view answer =
      "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
  ::send(connection, answer.data(), answer.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  ::close(connection);
  if (!refusal_told_.exchange(true)) {
    fmt::print(stderr, "hello-target: {}\n", reason);
  }
}

void Server::converse(int connection) {
  auto stream = std::make_unique<SocketStream>(connection);
  bool open = true;
  while (open && stream->wait_for_data()) {
    const bool last = stopping_;
    bool understood = false;
    bool closed = false;
    const bool answered =
        routes_.process_request(*stream, last, closed, [&understood](httplib::Request& request) {
          understood = true;
          // cpp-httplib would compress, even an empty body; the service it stands for does not.
          request.headers.erase("Accept-Encoding");
        });
    // After a request that it could not parse there is no telling where the next one begins.
    open = stream->flush() && answered && understood && !closed && !last;
  }
  forget(connection);
}

void Server::forget(int connection) {
  const std::lock_guard lock(mutex_);
  connections_.erase(connection);
  ::close(connection);
  connection_ended_.notify_all();  // the server may be gone once the lock is
}

void Server::wait_for_connections() {
  std::unique_lock lock(mutex_);
  const auto none_left = [this] { return connections_.empty(); };
  if (connection_ended_.wait_for(lock, options_.grace, none_left)) {
    return;
  }
  for (const int connection : connections_) {
    ::shutdown(connection, SHUT_RDWR);
  }
  lock.unlock();
  cut_short_.request_stop();
  lock.lock();
  connection_ended_.wait(lock, none_left);
}

}  // namespace hello
