// The program: from the command line to the exit code, for the locustfiles that are linked into it.
#pragma once

#include <map>
#include <string>

#include "user/user_class.h"

namespace locust::cli {

// By stem: "hello" of hello.cpp.
using Locustfiles = std::map<std::string, UserClasses (*)()>;

// What main() returns. Exit codes are Locust's: 0; 1 for a locustfile or user class that is not
// there; 2 for a bad command line; 255 for a master that cannot be reached.
int worker_main(int argc, const char* const* argv, const Locustfiles& locustfiles);

}  // namespace locust::cli
