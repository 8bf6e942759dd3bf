// `locust-worker URL`: a first number with neither a file nor a master. Users ask for one page
// again and again, without waiting; their statistics are printed as Locust prints them.
#pragma once

#include <string>

#include "cli/options.h"

namespace locust::cli {

// Runs it, and returns the exit code: that of --exit-code-on-error where a request has failed, or
// none was answered. SIGTERM and SIGINT, which must be blocked, end it early.
int run_locally(const Options& options);

}  // namespace locust::cli
