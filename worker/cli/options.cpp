#include "cli/options.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cctype>
#include <cstring>
#include <iterator>
#include <map>
#include <sstream>
#include <string_view>

#include "cli/close_match.h"
#include "cli/help.h"
#include "cli/option_table.h"
#include "http/url.h"

namespace locust::cli {
namespace {

using Values = std::vector<std::string>;
// What one source sets. A flag's value is "true" or "false".
using Given = std::map<const OptionSpec*, Values>;

Exit usage_error(const std::string& message) {
  return {2, "",
          fmt::format("{}locust-worker: error: {}\nAll options: locust-worker --help\n", usage(),
                      message)};
}

Exit argument_error(const OptionSpec& spec, const std::string& message) {
  return usage_error(fmt::format("argument {}: {}", spec.display_name(), message));
}

Exit unrecognized(const std::vector<std::string>& arguments) {
  std::string message = fmt::format("unrecognized arguments: {}", fmt::join(arguments, " "));
  std::vector<std::string> known;
  for (const OptionSpec& spec : option_table()) {
    if (spec.group != Group::refused)
      known.insert(known.end(), spec.names.begin(), spec.names.end());
  }
  if (const auto meant = close_match(arguments.front(), known))
    message += fmt::format("\nDid you mean '{}'?", *meant);
  return usage_error(message);
}

// -3, -.5 and -1.5 are values, as in argparse.
bool is_negative_number(std::string_view text) {
  if (!text.starts_with('-')) return false;
  const std::string_view number = text.substr(1);
  const std::size_t point = std::min(number.find('.'), number.size());
  const auto digits = [](std::string_view part) {
    return part.find_first_not_of("0123456789") == part.npos;
  };
  if (point == number.size()) return !number.empty() && digits(number);
  const std::string_view fraction = number.substr(point + 1);
  return digits(number.substr(0, point)) && !fraction.empty() && digits(fraction);
}

bool looks_like_option(std::string_view argument) {
  return argument.size() > 1 && argument[0] == '-' && !is_negative_number(argument);
}

// Rewrites what argparse takes and CLI11 does not, or takes otherwise: abbreviated long names,
// -u=3, --host= with nothing behind it, and an option's name in the place of a value, which is an
// error (else an empty variable in `--master-host $HOST --worker` would swallow the next option).
class Speller {
 public:
  explicit Speller(std::vector<std::string> arguments) : in_(std::move(arguments)) {}

  std::variant<std::vector<std::string>, Exit> spell_out() {
    while (next_ < in_.size()) {
      const std::string argument = in_[next_++];
      if (argument == "--") {
        out_.push_back(argument);
        out_.insert(out_.end(), in_.begin() + static_cast<std::ptrdiff_t>(next_), in_.end());
        break;
      }
      std::optional<Exit> error;
      if (argument.starts_with("--")) {
        error = long_option(argument);
      } else if (looks_like_option(argument)) {
        error = short_options(argument);
      } else {
        out_.push_back(argument);
      }
      if (error) return *error;
    }
    return std::move(out_);
  }

 private:
  std::optional<Exit> long_option(const std::string& argument) {
    const std::size_t equal = argument.find('=');
    const auto specs = find_options(argument.substr(0, equal));
    if (specs.empty()) {
      out_.push_back(argument);
      return std::nullopt;
    }
    if (specs.size() > 1) {
      std::vector<std::string> names;
      for (const OptionSpec* spec : specs) names.push_back(spec->long_name());
      return usage_error(
          fmt::format("ambiguous option: {} could match {}", argument, fmt::join(names, ", ")));
    }
    std::optional<std::string> value;
    if (equal != argument.npos) value = argument.substr(equal + 1);
    return put(*specs.front(), specs.front()->long_name(), value);
  }

  // -lL debug is -l -L debug.
  std::optional<Exit> short_options(const std::string& argument) {
    for (std::size_t i = 1; i < argument.size(); ++i) {
      const std::string name{'-', argument[i]};
      const auto specs = find_options(name);
      if (specs.empty()) {
        out_.push_back(i == 1 ? argument : "-" + argument.substr(i));
        return std::nullopt;
      }
      if (specs.front()->arity != Arity::flag) {
        std::optional<std::string> value;
        if (i + 1 < argument.size()) value = argument.substr(i + (argument[i + 1] == '=' ? 2 : 1));
        return put(*specs.front(), name, value);
      }
      std::optional<std::string> refused;  // -l=x
      if (i + 1 < argument.size() && argument[i + 1] == '=') refused = argument.substr(i + 2);
      if (auto error = put(*specs.front(), name, refused)) return error;
    }
    return std::nullopt;
  }

  std::optional<Exit> put(const OptionSpec& spec, const std::string& name,
                          std::optional<std::string> value) {
    if (spec.arity == Arity::flag && value) {
      return argument_error(spec, fmt::format("ignored explicit argument '{}'", *value));
    }
    out_.push_back(name);
    if (spec.arity == Arity::one && !value) {
      if (next_ == in_.size() || looks_like_option(in_[next_])) {
        return argument_error(spec, "expected one argument");
      }
      value = in_[next_++];
    }
    if (value) out_.push_back(*value);
    // --tags=a is complete: what follows is a user class. CLI11 ends a list at this mark.
    if (spec.arity == Arity::many && value) out_.push_back("--");
    return std::nullopt;
  }

  std::vector<std::string> in_, out_;
  std::size_t next_ = 0;
};

// What the command line itself says.
struct CommandLine {
  Given given;
  Values user_classes;
};

std::variant<CommandLine, Exit> parse_command_line(int argc, const char* const* argv) {
  std::vector<std::string> arguments(argv + std::min(argc, 1), argv + argc);
  if (!arguments.empty() && arguments.front() == "locust") arguments.erase(arguments.begin());
  auto spelled = Speller(std::move(arguments)).spell_out();
  if (auto* error = std::get_if<Exit>(&spelled)) return std::move(*error);
  auto& tokens = std::get<std::vector<std::string>>(spelled);

  constexpr int kMany = 100'000;
  CLI::App app;
  app.set_help_flag();
  app.allow_extras();
  std::vector<std::pair<const OptionSpec*, CLI::Option*>> known;
  for (const OptionSpec& spec : option_table()) {
    const std::string names = fmt::format("{}", fmt::join(spec.names, ","));
    CLI::Option* option = spec.arity == Arity::flag ? app.add_flag(names) : app.add_option(names);
    // Without allow_extra_args(false) a JSON array in brackets would be split at its commas.
    if (spec.arity == Arity::many) option->expected(0, kMany)->allow_extra_args(false);
    option->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
    known.emplace_back(&spec, option);
  }
  CLI::Option* classes = app.add_option("UserClass")->expected(0, kMany)->allow_extra_args();
  try {
    std::reverse(tokens.begin(), tokens.end());
    app.parse(std::move(tokens));
  } catch (const CLI::ParseError& error) {
    return usage_error(error.what());
  }

  CommandLine line;
  for (const auto& [spec, option] : known) {
    if (option->count() == 0) continue;
    line.given[spec] = option->results();
    // CLI11 gives a list without elements one empty element.
    if (spec->arity == Arity::many && option->results() == Values{""}) line.given[spec].clear();
  }
  line.user_classes = classes->results();
  const auto has = [&](const char* name) {
    return line.given.contains(find_options(name).front());
  };
  if (has("--help")) return Exit{0, help_text(), ""};
  if (has("--version")) return Exit{0, version_text(), ""};
  std::vector<std::string> unknown = app.remaining();
  std::erase(unknown, "--");
  if (!unknown.empty()) return unrecognized(unknown);
  return line;
}

std::string lower(std::string text) {
  for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

// Adds the setting to `given`, where no stronger source has set the option. `key` is the name to
// show: the variable's or the file's.
std::optional<Exit> add_setting(Given& given, const OptionSpec& spec, const std::string& key,
                                const ConfigValue& value) {
  const auto* text = std::get_if<std::string>(&value);
  if (spec.arity == Arity::many) {
    if (text != nullptr && text->empty()) return std::nullopt;
    given[&spec] = text != nullptr ? Values{*text} : std::get<Values>(value);
    return std::nullopt;
  }
  if (text == nullptr) return usage_error(fmt::format("{} can't be set to a list", key));
  if (spec.arity == Arity::one) {
    given[&spec] = {*text};
    return std::nullopt;
  }
  static const std::vector<std::string> on{"true", "yes", "on", "1"},
      off{"false", "no", "off", "0"};
  const bool is_on = std::find(on.begin(), on.end(), lower(*text)) != on.end();
  if (!is_on && std::find(off.begin(), off.end(), lower(*text)) == off.end()) {
    return usage_error(fmt::format(
        "Unexpected value for {}: '{}'. Expecting 'true', 'false', 'yes', 'no', 'on', 'off', '1' "
        "or '0'",
        key, *text));
  }
  given[&spec] = {is_on ? "true" : "false"};
  return std::nullopt;
}

std::optional<Exit> add_environment(Given& given, const Environment& env) {
  for (const OptionSpec& spec : option_table()) {
    if (spec.variable.empty() || given.contains(&spec)) continue;
    const auto text = env.variable(spec.variable);
    if (!text) continue;
    ConfigValue value = *text;
    if (spec.arity == Arity::many) {
      if (auto list = parse_list(*text)) value = std::move(*list);
    }
    if (auto error = add_setting(given, spec, spec.variable, value)) return error;
  }
  return std::nullopt;
}

std::optional<Exit> add_config_file(Given& given, const ConfigItems& items) {
  Given from_file;  // within one file the last line of a key counts
  std::vector<std::string> unknown;
  for (const auto& [key, value] : items) {
    const std::size_t start = key.find_first_not_of('-');
    const std::string name = "--" + (start == key.npos ? "" : key.substr(start));
    const auto specs = find_options(name);
    if (specs.size() != 1) {
      if (const auto* text = std::get_if<std::string>(&value)) {
        unknown.push_back(fmt::format("{}={}", name, *text));
      } else {
        for (const std::string& element : std::get<Values>(value)) {
          unknown.push_back(fmt::format("{}={}", name, element));
        }
      }
    } else if (!given.contains(specs.front())) {
      if (auto error = add_setting(from_file, *specs.front(), key, value)) return error;
    }
  }
  if (!unknown.empty()) return unrecognized(unknown);
  given.merge(from_file);
  return std::nullopt;
}

std::optional<Exit> add_config_files(Given& given, const Environment& env) {
  const OptionSpec* config = find_options("--config").front();
  std::optional<std::string> config_option;
  if (const auto it = given.find(config); it != given.end()) config_option = it->second.back();
  const auto files = read_config_files(config_option, env);
  if (const auto* error = std::get_if<ConfigError>(&files)) return usage_error(error->message);
  for (const ConfigItems& items : std::get<std::vector<ConfigItems>>(files)) {
    if (auto error = add_config_file(given, items)) return error;
  }
  return std::nullopt;
}

std::optional<Exit> apply(Options& options, const Given& given, const Environment& env) {
  for (const OptionSpec& spec : option_table()) {
    const auto it = given.find(&spec);
    if (it == given.end()) continue;
    if (const auto fault = spec.set(options, it->second, env)) return argument_error(spec, *fault);
    const bool off = spec.arity == Arity::flag && it->second.back() == "false";
    if (spec.group == Group::not_done && !off) {
      options.warnings.push_back(
          fmt::format("This worker ignores {}: {}.", spec.long_name(), spec.help));
    }
  }
  return std::nullopt;
}

// What Locust checks after parsing, with its exit codes.
std::optional<Exit> check_combinations(const Options& options, const Given& given) {
  const auto value = [&](const char* name) {
    const auto it = given.find(find_options(name).front());
    return it == given.end() ? std::string() : it->second.back();
  };
  if (value("--csv-full-history") == "true" && !given.contains(find_options("--csv").front())) {
    return usage_error("'--csv-full-history' requires '--csv'.");
  }
  const std::string autoquit = value("--autoquit");
  if (!autoquit.empty() && autoquit != "-1" && value("--autostart") != "true") {
    return Exit{1, "", "--autoquit is only meaningful in combination with --autostart\n"};
  }
  if (options.processes < -1) {
    return Exit{1, "", fmt::format("Invalid --processes count {}\n", options.processes)};
  }
  return std::nullopt;
}

bool is_url(const std::string& text) {
  return text.starts_with("http://") || text.starts_with("https://") ||
         text.starts_with("http+unix://");
}

// Of the names of user classes, the URL, which makes this a run without a master.
std::optional<Exit> take_url(Options& options) {
  Values& names = options.user_classes;
  const auto url = std::find_if(names.begin(), names.end(), is_url);
  if (url == names.end()) {
    for (const std::string& name : names) {
      if (name.find_first_of("/:") == std::string::npos) continue;
      const std::size_t scheme = name.find("://");
      return usage_error(fmt::format(
          "'{}' is no User class; to request a URL, write http://{}", name,
          scheme == std::string::npos ? name : name.substr(scheme + std::strlen("://"))));
    }
    return std::nullopt;
  }
  options.url = *url;
  names.erase(url);
  if (!names.empty() || options.worker || options.master || !options.locustfile.empty()) {
    return usage_error(fmt::format(
        "{} is asked for without a master and a locustfile: leave out all but the URL, or give it "
        "as --host",
        options.url));
  }
  if (!http::parse_url(options.url)) {
    return usage_error(fmt::format(
        "'{}' is no URL that can be asked for; one looks like http://10.0.0.2:8000/hello/",
        options.url));
  }
  if (options.users < 1 || options.spawn_rate < 0) {
    return usage_error("a run needs 1 user or more (--users), and no negative --spawn-rate");
  }
  options.debug_notes.clear();  // they are a worker's
  return std::nullopt;
}

Values split(const std::string& text) {
  std::istringstream in(text);
  return {std::istream_iterator<std::string>(in), std::istream_iterator<std::string>()};
}

}  // namespace

std::variant<Options, Exit> parse(int argc, const char* const* argv, const Environment& env) {
  auto parsed = parse_command_line(argc, argv);
  if (auto* exit = std::get_if<Exit>(&parsed)) return std::move(*exit);
  auto& [given, user_classes] = std::get<CommandLine>(parsed);

  Options options;
  options.user_classes = std::move(user_classes);
  if (options.user_classes.empty()) {
    options.user_classes = split(env.variable("LOCUST_USER_CLASSES").value_or(""));
  }
  if (auto error = add_environment(given, env)) return *error;
  if (auto error = add_config_files(given, env)) return *error;
  if (auto error = apply(options, given, env)) return *error;
  if (auto error = check_combinations(options, given)) return *error;
  if (auto error = take_url(options)) return *error;
  return options;
}

}  // namespace locust::cli
