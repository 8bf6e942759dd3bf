#include "target/acceptor.h"

#include <fmt/core.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <limits>
#include <string_view>
#include <system_error>
#include <utility>

namespace hello {
namespace {

// After these many the connections that have been accepted get their turn.
constexpr int batch = 64;
// How long new connections wait in the kernel's queue while there is no descriptor for them.
constexpr std::chrono::milliseconds pause_time{50};

// All but a few of the descriptors that this process may have: something else may need one.
std::size_t most_connections() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) {
    return std::numeric_limits<std::size_t>::max();
  }
  return std::max<std::size_t>(limit.rlim_cur, 33) - 32;
}

}  // namespace

Acceptor::Acceptor(Reactors& reactors, int listener)
    : reactors_(reactors),
      most_(most_connections()),
      acceptor_(reactors.front()->loop().io().get_executor(), boost::asio::ip::tcp::v4(),
                listener) {}

void Acceptor::start() {
  acceptor_.async_wait(boost::asio::socket_base::wait_read,
                       [this](const boost::system::error_code& error) {
                         if (!error) {
                           accept_all();
                         }
                       });
}

void Acceptor::stop() {
  if (acceptor_.is_open()) {
    while (accept_one()) {
    }
    disarm();
    boost::system::error_code ignored;
    acceptor_.close(ignored);
  }
}

void Acceptor::accept_all() {
  for (int count = 0; count < batch; ++count) {
    if (!acceptor_.is_open() || !accept_one()) {
      break;
    }
  }
  if (acceptor_.is_open() && !armed()) {
    start();
  }
}

// False: there is none, or no descriptor for it.
bool Acceptor::accept_one() {
  if (open() >= most_) {
    pause(EMFILE);
    return false;
  }
  const int socket =
      ::accept4(acceptor_.native_handle(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
  if (socket >= 0) {
    admit(socket);
    return true;
  }
  if (errno == EAGAIN) {
    return false;
  }
  if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
    pause(errno);
    return false;
  }
  return true;  // the client gave it up meanwhile (ECONNABORTED and the like)
}

void Acceptor::pause(int error) {
  say_once((std::generic_category().message(error) + ": new connections wait").c_str());
  auto& loop = reactors_.front()->loop();
  loop.arm(*this, loop.now() + pause_time);
}

std::size_t Acceptor::open() const {
  std::size_t sum = 0;
  for (const auto& reactor : reactors_) {
    sum += reactor->connections();
  }
  return sum;
}

void Acceptor::admit(int socket) {
  if (open() < reactors_.front()->options().max_connections) {
    Reactor* fewest = nullptr;
    for (std::size_t i = 0; i < reactors_.size(); ++i) {
      Reactor* const reactor = reactors_[(next_ + i) % reactors_.size()].get();
      if (fewest == nullptr || reactor->connections() < fewest->connections()) {
        fewest = reactor;
      }
    }
    ++next_;
    return fewest->adopt(socket);
  }
  constexpr std::string_view answer =
      "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
  ::send(socket, answer.data(), answer.size(), MSG_NOSIGNAL);
  ::close(socket);
  say_once("--max-connections is reached: further connections are refused");
}

void Acceptor::say_once(const char* sentence) {
  if (!std::exchange(told_, true)) {
    fmt::print(stderr, "hello-target: {}\n", sentence);
  }
}

}  // namespace hello
