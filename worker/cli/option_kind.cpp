#include "cli/option_kind.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "cli/time_span.h"

namespace locust::cli {
namespace {

using Values = std::vector<std::string>;
using Fault = std::optional<std::string>;
const Fault kFine = std::nullopt;

// Python's int(): white space around it, a sign, single underscores between digits.
std::optional<int> python_int(std::string text) {
  const auto space = [](unsigned char c) { return std::isspace(c) != 0; };
  text.erase(text.begin(), std::find_if_not(text.begin(), text.end(), space));
  text.erase(std::find_if_not(text.rbegin(), text.rend(), space).base(), text.end());
  if (text.starts_with('+') && !text.starts_with("+-")) text.erase(0, 1);
  for (std::size_t i = text.find('_', 1); i != text.npos; i = text.find('_', i)) {
    if (i + 1 == text.size() || text[i - 1] == '-' || text[i + 1] == '_') return std::nullopt;
    text.erase(i, 1);
  }
  int value = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || stop != end) return std::nullopt;
  return value;
}

std::optional<double> float_in(const std::string& text) {
  char* stop = nullptr;
  const double value = std::strtod(text.c_str(), &stop);
  if (text.empty() || stop != text.c_str() + text.size()) return std::nullopt;
  return value;
}

std::string upper(std::string text) {
  for (char& c : text) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return text;
}

Fault add_user_config(Options& options, const std::string& value, const Environment& env) {
  using Json = nlohmann::ordered_json;
  std::string json_text = value;
  if (value.ends_with(".json")) {
    auto content = env.read_file(value);
    if (const auto* error = std::get_if<std::error_code>(&content)) {
      return fmt::format("[Errno {}] {}: '{}'", error->value(), error->message(), value);
    }
    json_text = std::move(std::get<std::string>(content));
  }
  try {
    Json config = Json::parse(json_text);
    if (!config.is_array()) config = Json::array({std::move(config)});
    for (const Json& user : config) {
      if (!user.is_object() || !user.contains("user_class_name")) {
        return "The user config must specify a user_class_name";
      }
      options.config_users.push_back(user.dump());
    }
    return kFine;
  } catch (const Json::parse_error& error) {
    return fmt::format(
        "The --config-users argument must be a valid JSON string or file: error at character {}",
        error.byte);
  }
}

}  // namespace

Kind flag(bool Options::*member) {
  return {Arity::flag, [member](Options& options, const Values& values, const Environment&) {
            options.*member = values.back() == "true";
            return kFine;
          }};
}

Kind text(std::string Options::*member) {
  return {Arity::one, [member](Options& options, const Values& values, const Environment&) {
            options.*member = values.back();
            return kFine;
          }};
}

Kind text(std::optional<std::string> Options::*member) {
  return {Arity::one, [member](Options& options, const Values& values, const Environment&) {
            options.*member = values.back();
            return kFine;
          }};
}

Kind integer(int Options::*member, int least, int most) {
  return {
      Arity::one,
      [member, least, most](Options& options, const Values& values, const Environment&) -> Fault {
        const auto value = python_int(values.back());
        if (!value) return fmt::format("invalid int value: '{}'", values.back());
        if (*value < least) return fmt::format("must be {} or more: '{}'", least, *value);
        if (*value > most) return fmt::format("must be {} or less: '{}'", most, *value);
        options.*member = *value;
        return kFine;
      }};
}

Kind number(double Options::*member) {
  return {Arity::one,
          [member](Options& options, const Values& values, const Environment&) -> Fault {
            const auto value = float_in(values.back());
            if (!value) return fmt::format("invalid float value: '{}'", values.back());
            options.*member = *value;
            return kFine;
          }};
}

Kind noted(Kind kind, std::string note) {
  return {kind.arity,
          [set = std::move(kind.set), note = std::move(note)](
              Options& options, const Values& values, const Environment& env) -> Fault {
            if (Fault fault = set(options, values, env)) return fault;
            options.debug_notes.push_back(note);
            return kFine;
          }};
}

Kind time_span(double Options::*member) {
  return {Arity::one,
          [member](Options& options, const Values& values, const Environment&) -> Fault {
            const auto span = parse_time_span(values.back());
            if (const auto* fault = std::get_if<std::string>(&span)) return *fault;
            options.*member = static_cast<double>(std::get<std::chrono::seconds>(span).count());
            return kFine;
          }};
}

Kind level(log::Level Options::*member) {
  return {Arity::one,
          [member](Options& options, const Values& values, const Environment&) -> Fault {
            const auto value = log::level_from(values.back());
            if (!value) {
              return fmt::format(
                  "invalid choice: '{}' (choose from 'DEBUG', 'INFO', 'WARNING', 'ERROR', "
                  "'CRITICAL')",
                  upper(values.back()));
            }
            options.*member = *value;
            return kFine;
          }};
}

Kind user_configs() {
  return {Arity::many, [](Options& options, const Values& values, const Environment& env) -> Fault {
            for (const std::string& value : values) {
              if (Fault fault = add_user_config(options, value, env)) return fault;
            }
            return kFine;
          }};
}

Kind ignored(Arity arity) {
  return {arity, [](Options&, const Values&, const Environment&) { return kFine; }};
}

Kind ignored_int() {
  return {Arity::one, [](Options&, const Values& values, const Environment&) -> Fault {
            if (python_int(values.back())) return kFine;
            return fmt::format("invalid int value: '{}'", values.back());
          }};
}

Kind ignored_float() {
  return {Arity::one, [](Options&, const Values& values, const Environment&) -> Fault {
            if (float_in(values.back())) return kFine;
            return fmt::format("invalid float value: '{}'", values.back());
          }};
}

Kind ignored_flag(std::string note) {
  return {Arity::flag, [note](Options& options, const Values& values, const Environment&) {
            if (values.back() == "true") options.debug_notes.push_back(note);
            return kFine;
          }};
}

Kind refused(Arity arity, std::string sentence) {
  return {arity,
          [sentence](Options&, const Values&, const Environment&) -> Fault { return sentence; }};
}

}  // namespace locust::cli
