#include "target/options.h"

#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstddef>

namespace hello {

std::variant<Options, Ending> parse_options(int argc, const char* const* argv) {
  Options options;
  double delay = 0;
  double keep_alive = std::chrono::duration<double>(options.server.keep_alive).count();

  CLI::App app("A small HTTP service to put load on: /hello/, /metadata/, / and /stats/.",
               "hello-target");
  app.set_version_flag("--version", "hello-target " LOCUSTPP_VERSION);
  app.add_option("--host", options.server.host, "Address to listen on")
      ->envname("TARGET_HOST")
      ->capture_default_str();
  app.add_option("--port", options.server.port, "Port to listen on, 0 for any free one")
      ->envname("TARGET_PORT")
      ->check(CLI::Range(0, 65535))
      ->capture_default_str();
  app.add_option("--max-connections", options.server.max_connections,
                 "Connections served at once, each by a thread; further ones are answered 503")
      ->envname("TARGET_MAX_CONNECTIONS")
      ->check(CLI::Range(std::size_t{1}, std::size_t{100'000}))
      ->capture_default_str();
  app.add_option("--keep-alive", keep_alive, "Seconds after which an idle connection is closed")
      ->envname("TARGET_KEEP_ALIVE")
      ->check(CLI::Range(1.0, 86400.0))
      ->capture_default_str();
  app.add_option("--delay", delay, "Seconds to wait before answering /hello/, such as 0.25")
      ->envname("TARGET_DELAY")
      ->check(CLI::Range(0.0, 3600.0))
      ->capture_default_str();
  app.add_option("--error-rate", options.hello.error_rate,
                 "Part of /hello/ answered 500, evenly spread: 0.1 is each tenth")
      ->envname("TARGET_ERROR_RATE")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str();
  app.add_option("--body-bytes", options.hello.body_bytes, "Length of the body of /hello/")
      ->envname("TARGET_BODY_BYTES")
      ->check(CLI::Range(std::size_t{0}, std::size_t{100} << 20))
      ->capture_default_str();

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
  const auto rounded = [](double seconds) {
    return std::chrono::milliseconds(std::llround(seconds * 1000));
  };
  options.hello.delay = rounded(delay);
  options.server.keep_alive = rounded(keep_alive);
  return options;
}

}  // namespace hello
