// The kinds of values that options take: how many, what they must look like, where they go.
#pragma once

#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "cli/options.h"

namespace locust::cli {

enum class Arity { flag, one, many };  // argparse's store_true, one value, nargs="*"

// Stores the checked values; else says what is wrong with them. A flag's value is "true" or
// "false".
using Setter = std::function<std::optional<std::string>(
    Options&, const std::vector<std::string>& values, const Environment&)>;

struct Kind {
  Arity arity;
  Setter set;
};

Kind flag(bool Options::*member);
Kind text(std::string Options::*member);
Kind text(std::optional<std::string> Options::*member);
Kind integer(int Options::*member, int least = std::numeric_limits<int>::min(),
             int most = std::numeric_limits<int>::max());
Kind number(double Options::*member);
Kind time_span(double Options::*member);  // in seconds
Kind level(log::Level Options::*member);
Kind user_configs();  // JSON, or names of JSON files, for Options::config_users

// The same kind, with a note for Options::debug_notes.
Kind noted(Kind kind, std::string note);
// Checked as Locust checks them, and forgotten.
Kind ignored(Arity arity);
Kind ignored_int();
Kind ignored_float();
Kind ignored_flag(std::string note);
// Never right.
Kind refused(Arity arity, std::string sentence);

}  // namespace locust::cli
