// hello-target: parses the options, starts the server with its routes, and waits for SIGTERM or
// SIGINT.
#include <fmt/core.h>
#include <sys/resource.h>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <ctime>
#include <exception>
#include <string>
#include <thread>
#include <variant>

#include "target/options.h"
#include "target/routes.h"
#include "target/server.h"

namespace {

// The usual soft limit of 1024 is less than --max-connections.
void raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0) {
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
  }
}

// At most for that time: a second signal ends it.
void wait_for(const sigset_t& signals, std::chrono::milliseconds time) {
  const timespec limit{time.count() / 1000, time.count() % 1000 * 1'000'000};
  ::sigtimedwait(&signals, nullptr, &limit);
}

void run(const hello::Options& options) {
  sigset_t signals;
  ::sigemptyset(&signals);
  ::sigaddset(&signals, SIGTERM);
  ::sigaddset(&signals, SIGINT);
  ::pthread_sigmask(SIG_BLOCK, &signals, nullptr);  // before any thread: all inherit it
  ::signal(SIGPIPE, SIG_IGN);                       // of the access log

  hello::RequestCounter counter;
  hello::Server server(options.server);
  hello::add_routes(server, options.hello, counter);
  std::jthread serving([&server] { server.serve(); });
  std::puts(("hello-target listening on " + server.url()).c_str());
  std::fflush(stdout);

  int received = 0;
  ::sigwait(&signals, &received);
  if (options.drain.count() > 0) {
    server.drain();
    wait_for(signals, options.drain);
  }
  server.stop();
}

}  // namespace

int main(int argc, char** argv) {
  const auto parsed = hello::parse_options(argc, argv);
  if (const auto* ending = std::get_if<hello::Ending>(&parsed)) {
    fmt::print(ending->exit_code == 0 ? stdout : stderr, "{}", ending->text);
    return ending->exit_code;
  }
  try {
    raise_descriptor_limit();
    run(std::get<hello::Options>(parsed));
  } catch (const std::exception& error) {
    fmt::print(stderr, "hello-target: {}\n", error.what());
    return 1;
  }
  return 0;
}
