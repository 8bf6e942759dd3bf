// What --help and --version print.
#pragma once

#include <string>

namespace locust::cli {

std::string usage();         // one line
std::string help_text();     // usage, all options in their groups, where they may be set
std::string version_text();  // one line

}  // namespace locust::cli
