// What sets options besides the command line: environment variables and configuration files in
// the syntax that Locust reads, `key = value` lines or TOML's table [tool.locust].
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <variant>
#include <vector>

namespace locust::cli {

// The outside world as parse() sees it. Relative file names are those of the current directory.
struct Environment {
  std::function<std::optional<std::string>(const std::string& name)> variable;
  // The file's text, or why it cannot be read.
  std::function<std::variant<std::string, std::error_code>(const std::string& path)> read_file;
};

Environment process_environment();

// What a key was set to: one text (a flag's is "true" or the like), or a list of them.
using ConfigValue = std::variant<std::string, std::vector<std::string>>;
using ConfigItems = std::vector<std::pair<std::string, ConfigValue>>;  // in the file's order

struct ConfigError {
  std::string message;  // one sentence, in Locust's words where Locust has the same error
};

// The lines of a *.conf file. `name` is for messages. A key that is given twice is listed twice.
std::variant<ConfigItems, ConfigError> parse_config(std::string_view name, std::string_view text);
// The table [tool.locust] of a TOML file; no items where the file has none.
std::variant<ConfigItems, ConfigError> parse_toml(std::string_view name, std::string_view text);

// "[a, b]" as Locust reads it: JSON, or else comma-separated text without quotes. Objects inside
// become their JSON text. Nothing where the text is not in brackets.
std::optional<std::vector<std::string>> parse_list(std::string_view text);

// The file named by --config (if any) first, then ./pyproject.toml, ./locust.conf and
// ~/.locust.conf where they exist: strongest first. That is the order in which Locust applies
// them; its documentation puts pyproject.toml last.
std::variant<std::vector<ConfigItems>, ConfigError> read_config_files(
    const std::optional<std::string>& config_option, const Environment& env);

}  // namespace locust::cli
