#include "cli/help.h"

#include <fmt/format.h>

#include <string_view>
#include <vector>

#include "cli/option_table.h"

namespace locust::cli {
namespace {

constexpr std::size_t kWidth = 79;   // of the page
constexpr std::size_t kColumn = 24;  // where the help of an option begins

// `text` in lines that end before kWidth; each but the first is indented.
std::string wrap(std::string_view text, std::size_t indent) {
  std::string out;
  std::size_t column = indent;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(' '), text.size());
    const std::string_view word = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (column > indent && column + 1 + word.size() > kWidth) {
      out += '\n' + std::string(indent, ' ');
      column = indent;
    } else if (column > indent) {
      out += ' ';
      ++column;
    }
    out += word;
    column += word.size();
  }
  return out + '\n';
}

std::string option_help(const OptionSpec& spec) {
  std::string names;
  for (const std::string& name : spec.names) {
    names += fmt::format("{}{}{}{}", names.empty() ? "" : ", ", name,
                         spec.metavar.empty() ? "" : " ", spec.metavar);
  }
  const std::string left = "  " + names;
  const std::string gap = left.size() + 2 > kColumn ? '\n' + std::string(kColumn, ' ')
                                                    : std::string(kColumn - left.size(), ' ');
  const std::string variable = spec.variable.empty() ? "" : fmt::format(" [{}]", spec.variable);
  return left + gap + wrap(spec.help + variable, kColumn);
}

std::string group_help(std::string_view title, Group group) {
  std::string out = fmt::format("\n{}:\n", title);
  for (const OptionSpec& spec : option_table()) {
    if (spec.group == group) out += option_help(spec);
  }
  return out;
}

std::string compact_list(std::string_view introduction, Group group) {
  std::string names;
  for (const OptionSpec& spec : option_table()) {
    if (spec.group == group)
      names += fmt::format("{}{}", names.empty() ? "" : ", ", spec.display_name());
  }
  return fmt::format("  {}\n    {}", introduction, wrap(names, 4));
}

}  // namespace

std::string usage() { return "Usage: locust-worker [options] [UserClass ...]\n"; }

std::string version_text() {
  return "locust-worker " LOCUSTPP_VERSION " (speaks the protocol of Locust 2.13.0 to 2.47.0)\n";
}

std::string help_text() {
  std::string out = usage();
  out += "\nA native worker for a stock Locust master. Takes what Locust's worker takes.\n";
  out += group_help("Common options", Group::common);
  out += group_help("Worker options", Group::worker);
  out += group_help("Logging options", Group::logging);
  out += group_help("Other options", Group::other);
  out += "\nAccepted for compatibility, with Locust's environment variables:\n";
  out += compact_list("Without effect on a worker:", Group::no_effect);
  out += compact_list("Not done by this worker, which warns about them:", Group::not_done);
  out += "\nUser classes:\n  ";
  out += wrap(
      "Names of the user classes to run; --list shows them. Default is to run all. "
      "[LOCUST_USER_CLASSES, separated by spaces]",
      2);
  out += "\n";
  out += wrap(
      "Options are taken from, in rising order: ~/.locust.conf, locust.conf, pyproject.toml "
      "([tool.locust]), the --config file, the environment variable in brackets, the command "
      "line.",
      0);
  out += "\nExample:\n\n    locust-worker -f hello.cpp --worker --master-host 10.0.0.1\n";
  return out;
}

}  // namespace locust::cli
