// The one list of all options: names, environment variable, what a value may be, where it goes,
// and what --help says. Parser and help are made from it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "cli/option_kind.h"

namespace locust::cli {

enum class Group {
  common,
  worker,
  url,  // of a run without a master
  logging,
  other,
  no_effect,  // Locust's own workers ignore it too
  not_done,   // does something on Locust's worker; here it is worth a warning
  refused,    // Locust itself refuses it with a sentence; not in --help
};

struct OptionSpec {
  std::vector<std::string> names;  // in the order in which argparse shows them
  std::string variable;            // "" = none
  Arity arity = Arity::flag;
  Setter set;
  Group group = Group::common;
  std::string metavar;
  std::string help;  // of the not_done: why

  // "-s/--stop-timeout", as argparse names it in its errors.
  std::string display_name() const;
  const std::string& long_name() const;
};

const std::vector<OptionSpec>& option_table();

// argparse's reading of names: exact, or the unambiguous beginning of a long one. `matches` holds
// several where it is ambiguous, none where there is no such option.
std::vector<const OptionSpec*> find_options(std::string_view name);

}  // namespace locust::cli
