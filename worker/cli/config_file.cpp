#include "cli/config_file.h"

#include <fmt/format.h>
#include <toml++/toml.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <nlohmann/json.hpp>
#include <sstream>

namespace locust::cli {
namespace {

constexpr std::string_view kSpace = " \t\r\n\f\v";

bool is_space(char c) { return kSpace.find(c) != kSpace.npos; }

std::string_view strip(std::string_view text) {
  const std::size_t first = text.find_first_not_of(kSpace);
  if (first == text.npos) return {};
  return text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

// Whether a value may end before `rest`: nothing follows it but white space or a comment, and a
// comment must be set off by white space (`a;b` is a value).
bool ends_value(std::string_view rest) {
  const std::size_t next = rest.find_first_not_of(kSpace);
  if (next == rest.npos) return true;
  return next > 0 && (rest[next] == ';' || rest[next] == '#');
}

// The value at the start of `text`, without its quotes and the comment behind it.
std::string_view value_in(std::string_view text) {
  if (text.empty()) return text;
  if (text.front() == '"' || text.front() == '\'') {
    for (std::size_t close = text.find(text.front(), 1); close != text.npos;
         close = text.find(text.front(), close + 1)) {
      if (ends_value(text.substr(close + 1))) return text.substr(1, close - 1);
    }
  }
  std::size_t end = 1;
  while (!ends_value(text.substr(end))) ++end;
  return text.substr(0, end);
}

// "key = value", "key: value", "key value" or "key" alone; nothing where it is none of these.
std::optional<std::pair<std::string, ConfigValue>> parse_line(std::string_view line) {
  const std::size_t key_end = std::min(line.find_first_of(":=;# \t\r\n\f\v"), line.size());
  if (key_end == 0) return std::nullopt;
  const std::string key(line.substr(0, key_end));
  std::string_view rest = line.substr(key_end);
  if (rest.empty()) return std::make_pair(key, ConfigValue("true"));
  const bool spaced = is_space(rest.front());
  rest = strip(rest);
  if (rest.front() == ':' || rest.front() == '=') {
    rest = strip(rest.substr(1));
  } else if (!spaced) {
    return std::nullopt;
  }
  const std::string_view value = value_in(rest);
  if (auto list = parse_list(value)) return std::make_pair(key, ConfigValue(std::move(*list)));
  return std::make_pair(key, ConfigValue(std::string(value)));
}

std::string toml_text(const toml::node& node) {
  if (const auto* text = node.as_string()) return text->get();
  std::ostringstream out;
  out << toml::json_formatter(node);
  return out.str();
}

bool is_toml(std::string_view name) { return name.ends_with(".toml"); }

std::string expand_home(const std::string& path, const Environment& env) {
  if (path != "~" && !path.starts_with("~/")) return path;
  const auto home = env.variable("HOME");
  return home ? *home + path.substr(1) : path;
}

// Nothing where there is no such file and none is required.
std::optional<std::variant<ConfigItems, ConfigError>> read_config_file(const std::string& path,
                                                                       bool required,
                                                                       const Environment& env) {
  const auto content = env.read_file(path);
  if (const auto* error = std::get_if<std::error_code>(&content)) {
    const bool absent =
        *error == std::errc::no_such_file_or_directory || *error == std::errc::not_a_directory;
    if (absent && !required) return std::nullopt;
    return ConfigError{fmt::format("Unable to open config file: {}. Error: [Errno {}] {}: '{}'",
                                   path, error->value(), error->message(), path)};
  }
  const std::string& text = std::get<std::string>(content);
  return is_toml(path) ? parse_toml(path, text) : parse_config(path, text);
}

}  // namespace

Environment process_environment() {
  Environment env;
  env.variable = [](const std::string& name) -> std::optional<std::string> {
    const char* value = std::getenv(name.c_str());
    if (value == nullptr) return std::nullopt;
    return std::string(value);
  };
  env.read_file = [](const std::string& path) -> std::variant<std::string, std::error_code> {
    const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "rb"),
                                                               &std::fclose);
    if (!file) return std::error_code(errno, std::generic_category());
    std::string text;
    char buffer[4096];
    while (const std::size_t size = std::fread(buffer, 1, sizeof buffer, file.get())) {
      text.append(buffer, size);
    }
    if (std::ferror(file.get()) != 0) return std::error_code(errno, std::generic_category());
    return text;
  };
  return env;
}

std::optional<std::vector<std::string>> parse_list(std::string_view text) {
  if (text.size() < 2 || text.front() != '[' || text.back() != ']') return std::nullopt;
  std::vector<std::string> list;
  const auto json = nlohmann::ordered_json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (json.is_array()) {
    for (const auto& item : json) {
      list.push_back(item.is_string() ? item.get<std::string>() : item.dump());
    }
    return list;
  }
  text = text.substr(1, text.size() - 2);
  for (std::size_t comma = 0; comma != text.npos;) {
    comma = text.find(',');
    list.emplace_back(strip(text.substr(0, comma)));
    if (comma != text.npos) text.remove_prefix(comma + 1);
  }
  return list;
}

std::variant<ConfigItems, ConfigError> parse_config(std::string_view name, std::string_view text) {
  ConfigItems items;
  for (int number = 0; !text.empty(); ++number) {
    const std::size_t newline = std::min(text.find('\n'), text.size());
    const std::string_view line = strip(text.substr(0, newline));
    text.remove_prefix(std::min(newline + 1, text.size()));
    // A section's name is no more than a comment, and so are YAML's document marks.
    if (line.empty() || line.find_first_of("#;[") == 0 || line.starts_with("---")) continue;
    auto item = parse_line(line);
    if (!item) return ConfigError{fmt::format("Unexpected line {} in {}: {}", number, name, line)};
    items.push_back(std::move(*item));
  }
  return items;
}

std::variant<ConfigItems, ConfigError> parse_toml(std::string_view name, std::string_view text) {
  ConfigItems items;
  try {
    const toml::table document = toml::parse(text, name);
    const toml::table* table = document.at_path("tool.locust").as_table();
    if (table == nullptr) return items;
    for (const auto& [key, node] : *table) {
      if (const toml::array* array = node.as_array()) {
        std::vector<std::string> list;
        for (const toml::node& element : *array) list.push_back(toml_text(element));
        items.emplace_back(key.str(), std::move(list));
      } else {
        items.emplace_back(key.str(), toml_text(node));
      }
    }
    return items;
  } catch (const toml::parse_error& error) {
    const toml::source_position at = error.source().begin;
    return ConfigError{fmt::format("Couldn't parse TOML file: {} (at line {}, column {} of {})",
                                   error.description(), at.line, at.column, name)};
  }
}

std::variant<std::vector<ConfigItems>, ConfigError> read_config_files(
    const std::optional<std::string>& config_option, const Environment& env) {
  std::vector<std::pair<std::string, bool>> files;  // name, required
  if (config_option && !config_option->empty()) {
    files.emplace_back(expand_home(*config_option, env), true);
  }
  files.emplace_back("pyproject.toml", false);
  files.emplace_back("locust.conf", false);
  files.emplace_back(expand_home("~/.locust.conf", env), false);

  std::vector<ConfigItems> all;
  for (const auto& [path, required] : files) {
    auto file = read_config_file(path, required, env);
    if (!file) continue;
    if (auto* error = std::get_if<ConfigError>(&*file)) return std::move(*error);
    all.push_back(std::move(std::get<ConfigItems>(*file)));
  }
  return all;
}

}  // namespace locust::cli
