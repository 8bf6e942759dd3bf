#include "target/options.h"

#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstddef>

#include "base/cpus.h"

namespace hello {
namespace {

using std::chrono::milliseconds;

// Every option has an environment variable: --max-connections is TARGET_MAX_CONNECTIONS too.
std::string variable(std::string name) {
  name.erase(0, 2);
  for (char& byte : name) {
    byte = byte == '-' ? '_' : static_cast<char>(byte - 'a' + 'A');
  }
  return "TARGET_" + name;
}

template <class Value>
void add(CLI::App& app, const std::string& name, Value& value, Value least, Value most,
         const std::string& help) {
  app.add_option(name, value, help)
      ->envname(variable(name))
      ->check(CLI::Range(least, most))
      ->capture_default_str();
}

// In seconds on the command line; stored after parsing.
struct Seconds {
  Seconds(CLI::App& app, const std::string& name, milliseconds& where, double least, double most,
          const std::string& help)
      : value(std::chrono::duration<double>(where).count()), stored(where) {
    add(app, name, value, least, most, help);
  }
  Seconds(const Seconds&) = delete;
  void store() const { stored = milliseconds(std::llround(value * 1000)); }

  double value;
  milliseconds& stored;
};

void add_limits(CLI::App& app, ServerOptions& server) {
  constexpr std::size_t mebibyte = std::size_t{1} << 20;
  add(app, "--threads", server.threads, 1, 1024, "Threads that serve (default: all usable cores)");
  add(app, "--max-connections", server.max_connections, std::size_t{1}, std::size_t{1'000'000},
      "Connections at once; further ones are answered 503");
  add(app, "--max-header-bytes", server.framing.head_bytes, std::size_t{256}, mebibyte,
      "Request line and headers together; more is answered 414 or 431");
  add(app, "--max-body-bytes", server.framing.body_bytes, std::size_t{0}, 1024 * mebibyte,
      "Body of a request; more is answered 413");
}

}  // namespace

std::variant<Options, Ending> parse_options(int argc, const char* const* argv) {
  Options options;
  ServerOptions& server = options.server;
  server.threads = locust::usable_cpus();

  CLI::App app("A small HTTP service to put load on: /hello/, /metadata/, / and /stats/.",
               "hello-target");
  app.set_version_flag("--version", "hello-target " LOCUSTPP_VERSION);
  app.add_option("--host", server.host, "Address to listen on, such as 0.0.0.0 or ::")
      ->envname(variable("--host"))
      ->capture_default_str();
  add(app, "--port", server.port, 0, 65535, "Port to listen on, 0 for any free one");
  add_limits(app, server);
  const Seconds keep_alive(app, "--keep-alive", server.keep_alive, 1, 86400,
                           "Seconds after which an idle connection is closed: more than the load "
                           "balancer's");
  const Seconds request_timeout(app, "--request-timeout", server.request_timeout, 0.01, 86400,
                                "Seconds for a request to arrive whole, and for its answer to be "
                                "taken");
  const Seconds drain(app, "--drain", options.drain, 0, 3600,
                      "Seconds for which / answers 503 after SIGTERM or SIGINT, before the end");
  const Seconds grace(app, "--grace", server.grace, 0, 3600,
                      "Seconds that requests under way then get to finish");
  app.add_flag("--access-log", server.access_log, "A line on stdout for each answer")
      ->envname(variable("--access-log"));
  const Seconds delay(app, "--delay", options.hello.delay, 0, 3600,
                      "Seconds to wait before answering /hello/, such as 0.25");
  add(app, "--error-rate", options.hello.error_rate, 0.0, 1.0,
      "Part of /hello/ answered 500, evenly spread: 0.1 is each tenth");
  add(app, "--body-bytes", options.hello.body_bytes, std::size_t{0}, std::size_t{100} << 20,
      "Length of the body of /hello/");

  try {
    app.parse(argc, const_cast<char**>(argv));  // CLI11 2.1 does not write to it
  } catch (const CLI::CallForHelp&) {
    return Ending{0, app.help()};
  } catch (const CLI::CallForVersion& version) {
    return Ending{0, std::string(version.what()) + '\n'};
  } catch (const CLI::ParseError& error) {
    std::string sentence = error.what();
    std::replace(sentence.begin(), sentence.end(), '\n', ' ');
    return Ending{2, fmt::format("hello-target: {} (--help lists the options)\n", sentence)};
  }
  for (const Seconds* each : {&keep_alive, &request_timeout, &drain, &grace, &delay}) {
    each->store();
  }
  return options;
}

}  // namespace hello
