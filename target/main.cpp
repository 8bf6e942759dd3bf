// hello-target: parses the options, starts the server with its routes, and waits for SIGTERM or
// SIGINT.
#include <fmt/core.h>
#include <sys/resource.h>

#include <csignal>
#include <cstdio>
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

void run(const hello::Options& options) {
  sigset_t signals;
  ::sigemptyset(&signals);
  ::sigaddset(&signals, SIGTERM);
  ::sigaddset(&signals, SIGINT);
  ::pthread_sigmask(SIG_BLOCK, &signals, nullptr);  // before any thread: all inherit it

  hello::RequestCounter counter;
  hello::Server server(options.server);
  hello::add_routes(server.routes(), options.hello, counter, server.cut_short());
  std::jthread serving([&server] { server.serve(); });
  std::puts(("hello-target listening on " + server.url()).c_str());
  std::fflush(stdout);

  int received = 0;
  ::sigwait(&signals, &received);
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
