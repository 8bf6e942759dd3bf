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

// What something is called, and beside it what it is.
std::string entry(std::string_view name, std::string_view text) {
  const std::string left = fmt::format("  {}", name);
  const std::string gap = left.size() + 2 > kColumn ? '\n' + std::string(kColumn, ' ')
                                                    : std::string(kColumn - left.size(), ' ');
  return left + gap + wrap(text, kColumn);
}

std::string option_help(const OptionSpec& spec) {
  std::string names;
  for (const std::string& name : spec.names) {
    names += fmt::format("{}{}{}{}", names.empty() ? "" : ", ", name,
                         spec.metavar.empty() ? "" : " ", spec.metavar);
  }
  const std::string variable = spec.variable.empty() ? "" : fmt::format(" [{}]", spec.variable);
  return entry(names, spec.help + variable);
}

std::string group_help(std::string_view title, Group group) {
  std::string out = fmt::format("\n{}:\n", title);
  for (const OptionSpec& spec : option_table()) {
    if (spec.group == group) out += option_help(spec);
  }
  return out;
}

std::string compact_list(std::string_view what, Group group) {
  std::string names;
  for (const OptionSpec& spec : option_table()) {
    if (spec.group == group)
      names += fmt::format("{}{}", names.empty() ? "" : ", ", spec.display_name());
  }
  return entry(what, names);
}

std::string environment_help() {
  return "\nEnvironment:\n" +
         wrap(
             "Options are taken from, in rising order: ~/.locust.conf, locust.conf, "
             "pyproject.toml ([tool.locust]), the --config file, the environment variable in "
             "brackets, the command line. Besides there are:",
             0) +
         entry("LOCUSTPP_PYTHON",
               "The Python that the package locustpp is installed in, for Python locustfiles. "
               "Defaults to python3.") +
         entry("LOCUST_WORKER_ADDITIONAL_WAIT_BEFORE_READY_AFTER_STOP",
               "Seconds between the end of a test and being ready for the next one.") +
         entry("NO_COLOR",
               "Whatever it is, colours are not used. Otherwise they are used on a "
               "terminal.");
}

std::string exit_code_help() {
  return "\nExit codes:\n" +
         entry("0", "Quit as the master, SIGTERM or Ctrl-C wanted; a run without failures.") +
         entry("1",
               "No such locustfile or user class; a signal before the master was reached; in a "
               "run without a master a failed request (see --exit-code-on-error) or no answer "
               "at all.") +
         entry("2", "Wrong command line.") +
         entry("255", "Wrong configuration, or a master that was never reached.");
}

std::string examples() {
  return R"(
Examples:
  locust-worker -f hello.cpp --worker --master-host 10.0.0.1
                        Run the user classes of hello.cpp for that master.
  locust-worker http://10.0.0.2:8000/hello/ -u 100 -t 1m
                        How fast is it? 100 users ask for a minute.
  locust-worker -f hello.cpp --print-locustfile > hello.py
                        Write the file that the master of hello.cpp needs.
  locust --master -f hello.py
                        Start that master.
)";
}

}  // namespace

std::string usage() {
  return "Usage: locust-worker [options] [UserClass ...]\n"
         "       locust-worker [options] URL\n";
}

std::string version_text() {
  return "locust-worker " LOCUSTPP_VERSION " (speaks the protocol of Locust 2.13.0 to 2.47.0)\n";
}

std::string help_text() {
  std::string out = usage();
  out += "\nA native worker for a stock Locust master. Takes what Locust's worker takes.\n";
  out += "With a URL: a run without a master, and its figures.\n";
  out += group_help("Common options", Group::common);
  out += group_help("Worker options", Group::worker);
  out += group_help("Options of a run without a master", Group::url);
  out += group_help("Logging options", Group::logging);
  out += group_help("Other options", Group::other);
  out += "\nAccepted for compatibility, with Locust's environment variables:\n";
  out += compact_list("without effect", Group::no_effect);
  out += compact_list("with a warning", Group::not_done);
  out += "\nArguments:\n";
  out += entry("UserClass",
               "Names of the user classes to run; --list shows them. Default is to run all. "
               "[LOCUST_USER_CLASSES, separated by spaces]");
  out += entry("URL",
               "A page that a few users ask for again and again, without waiting: a first number, "
               "with neither a locustfile nor a master.");
  out += environment_help() + exit_code_help() + examples();
  return out;
}

}  // namespace locust::cli
