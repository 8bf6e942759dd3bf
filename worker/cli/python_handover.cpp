#include "cli/python_handover.h"

#include <fmt/core.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <optional>
#include <sstream>
#include <string_view>
#include <system_error>

namespace locust::cli {

namespace {

std::string value_or(const Environment& environment, const std::string& name,
                     const std::string& otherwise) {
  const std::optional<std::string> value = environment.variable(name);
  return value && !value->empty() ? *value : otherwise;
}

}  // namespace

bool is_for_python(const std::string& file) {
  std::error_code ignored;
  return file == "-" || file.ends_with(".py") || file.starts_with("http://") ||
         file.starts_with("https://") || std::filesystem::is_directory(file, ignored);
}

bool any_for_python(const std::string& files) {
  std::istringstream list(files);
  for (std::string file; std::getline(list, file, ',');) {
    file.erase(0, file.find_first_not_of(' '));
    file.erase(file.find_last_not_of(' ') + 1);
    if (is_for_python(file)) return true;
  }
  return false;
}

std::string named_locustfiles(const std::vector<std::string>& arguments,
                              const Environment& environment) {
  constexpr std::string_view kLong = "--locustfile";
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const std::string& argument = arguments[i];
    const bool separate = argument == "-f" || argument == kLong;
    if (separate && i + 1 < arguments.size()) return arguments[i + 1];
    if (argument.starts_with(kLong) && argument.size() > kLong.size() &&
        argument[kLong.size()] == '=') {
      return argument.substr(kLong.size() + 1);
    }
    if (argument.starts_with("-f") && argument.size() > 2) return argument.substr(2);
  }
  return value_or(environment, "LOCUST_LOCUSTFILE", "");
}

std::vector<std::string> python_command(const std::vector<std::string>& arguments,
                                        const Environment& environment) {
  std::vector<std::string> command = {value_or(environment, "LOCUSTPP_PYTHON", "python3"), "-m",
                                      "locustpp", "--worker"};
  // "locust -f …", as the containers of old start it.
  const bool program_first = !arguments.empty() && arguments.front() == "locust";
  command.insert(command.end(), arguments.begin() + (program_first ? 1 : 0), arguments.end());
  return command;
}

std::string become(const std::vector<std::string>& command) {
  std::vector<char*> arguments;
  for (const std::string& argument : command) {
    arguments.push_back(const_cast<char*>(argument.c_str()));
  }
  arguments.push_back(nullptr);
  ::execvp(arguments[0], arguments.data());
  return fmt::format(
      "this is a Python locustfile, and '{}' cannot be run ({}): set LOCUSTPP_PYTHON to the Python "
      "that locustpp is installed in.",
      command[0], std::strerror(errno));
}

}  // namespace locust::cli
