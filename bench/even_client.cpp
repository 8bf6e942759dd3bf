// The client of the rows "target_even" and "target_idle": keep-alive connections that each ask
// again as soon as they have their answer, or ask once and then wait.
//
// Usage: even-client PORT CONNECTIONS SECONDS. Prints, as JSON, how many answers the connections
// got (fewest, median, most) and how many broke. SECONDS 0: each asks once; after "ready" on stdout
// all stay open until stdin ends.
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::string_view request = "GET /hello/ HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n";

struct Connection {
  int socket = -1;
  long answers = 0;
  bool broken = false;
};

int connect_to(int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const int made = ::socket(AF_INET, SOCK_STREAM, 0);
  if (made < 0 || ::connect(made, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
    std::perror("even-client: connect");
    std::exit(1);
  }
  const int on = 1;
  ::setsockopt(made, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return made;
}

bool ask(const Connection& connection) {
  return ::send(connection.socket, request.data(), request.size(), MSG_NOSIGNAL) ==
         static_cast<ssize_t>(request.size());
}

// An answer here is short and comes in one piece.
bool take_answer(Connection& connection) {
  char buffer[4096];
  const ssize_t size = ::recv(connection.socket, buffer, sizeof buffer, 0);
  const bool good = size > 15 && std::string_view(buffer, 15) == "HTTP/1.1 200 OK" &&
                    std::string_view(buffer, static_cast<std::size_t>(size)).ends_with("\r\n\r\n");
  connection.answers += good ? 1 : 0;
  return good;
}

void report(std::vector<Connection>& all, double seconds) {
  std::sort(all.begin(), all.end(),
            [](const auto& left, const auto& right) { return left.answers < right.answers; });
  long sum = 0;
  long broken = 0;
  for (const Connection& each : all) {
    sum += each.answers;
    broken += each.broken ? 1 : 0;
  }
  std::printf(
      "{\"requests\": %ld, \"seconds\": %.3f, \"fewest\": %ld, \"median\": %ld, "
      "\"most\": %ld, \"broken\": %ld}\n",
      sum, seconds, all.front().answers, all[all.size() / 2].answers, all.back().answers, broken);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) return 2;
  const int port = std::atoi(argv[1]);
  const double seconds = std::atof(argv[3]);
  std::vector<Connection> all(static_cast<std::size_t>(std::max(1, std::atoi(argv[2]))));
  const int watch = ::epoll_create1(0);
  for (Connection& each : all) {
    each.socket = connect_to(port);
    epoll_event event{EPOLLIN, {&each}};
    ::epoll_ctl(watch, EPOLL_CTL_ADD, each.socket, &event);
  }
  for (Connection& each : all) ask(each);
  const auto began = Clock::now();
  const auto elapsed = [began] {
    return std::chrono::duration<double>(Clock::now() - began).count();
  };
  std::size_t done = 0;
  std::vector<epoll_event> events(512);
  while (seconds > 0 ? elapsed() < seconds : done < all.size()) {
    const int count = ::epoll_wait(watch, events.data(), static_cast<int>(events.size()), 100);
    for (int i = 0; i < count; ++i) {
      auto& each = *static_cast<Connection*>(events[static_cast<std::size_t>(i)].data.ptr);
      ++done;
      if (take_answer(each) && (seconds <= 0 || ask(each))) continue;
      each.broken = true;
      ::epoll_ctl(watch, EPOLL_CTL_DEL, each.socket, nullptr);
    }
  }
  if (seconds > 0) {
    report(all, elapsed());
    return 0;
  }
  std::puts("ready");
  std::fflush(stdout);
  while (std::getchar() != EOF) {
  }
  report(all, elapsed());
  return 0;
}
