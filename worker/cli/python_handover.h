// Python locustfiles are run by the Python package: locust-worker becomes it.
#pragma once

#include <string>
#include <vector>

#include "cli/config_file.h"

namespace locust::cli {

// Whether this locustfile is one for Python: x.py, a folder of them, one from the master ("-") or
// from a URL.
bool is_for_python(const std::string& file);
// The same of a list of them, separated by commas, as -f takes it.
bool any_for_python(const std::string& files);

// The locustfiles that the command line, or else the environment, names. Other arguments need not
// be known here: a Python locustfile may define its own. Empty where none is named.
std::string named_locustfiles(const std::vector<std::string>& arguments,
                              const Environment& environment);

// What to execute: LOCUSTPP_PYTHON, else python3, with these arguments (without the program's
// name).
std::vector<std::string> python_command(const std::vector<std::string>& arguments,
                                        const Environment& environment);

// Becomes that command. Comes back only where it cannot be executed, with the sentence that says
// so.
std::string become(const std::vector<std::string>& command);

}  // namespace locust::cli
