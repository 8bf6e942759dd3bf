// The command line and environment of hello-target.
#pragma once

#include <chrono>
#include <string>
#include <variant>

#include "target/routes.h"
#include "target/server_options.h"

namespace hello {

struct Options {
  ServerOptions server;
  HelloOptions hello;
  // How long / answers 503 before the server stops.
  std::chrono::milliseconds drain{0};
};

// The command line asks for no server: print the text (to stdout where the code is 0) and exit.
struct Ending {
  int exit_code;
  std::string text;
};

std::variant<Options, Ending> parse_options(int argc, const char* const* argv);

}  // namespace hello
