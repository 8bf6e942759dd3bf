#include "cli/python_twin.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <set>
#include <string_view>

#include "base/value.h"

namespace locust::cli {

namespace {

// Words that are no names (Python's keyword.kwlist), and what the file imports.
constexpr std::array<std::string_view, 37> kTaken{
    "False",   "None",     "True",     "and",    "as",   "assert", "async",  "await",
    "break",   "class",    "continue", "def",    "del",  "elif",   "else",   "except",
    "finally", "for",      "from",     "global", "if",   "import", "in",     "is",
    "lambda",  "nonlocal", "not",      "or",     "pass", "raise",  "return", "try",
    "while",   "with",     "yield",    "User",   "task"};

bool is_python_name(std::string_view text) {
  constexpr std::string_view letters =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789";
  return !text.empty() && (text.front() < '0' || text.front() > '9') &&
         text.find_first_not_of(letters) == text.npos &&
         std::find(kTaken.begin(), kTaken.end(), text) == kTaken.end();
}

std::string class_text(const UserClass& user_class) {
  std::string attributes;
  if (user_class.fixed_count() > 0) {
    attributes += fmt::format("    fixed_count = {}\n", user_class.fixed_count());
  }
  if (user_class.weight() != 1) {
    attributes += fmt::format("    weight = {}\n", user_class.weight());
  }
  if (!user_class.host().empty()) {
    attributes += fmt::format("    host = {}\n", repr(user_class.host()));
  }
  std::string tasks;
  for (const TaskEntry& task : user_class.tasks()) {
    tasks += fmt::format("{}    @task{}\n    def {}(self):\n        pass\n",
                         attributes.empty() && tasks.empty() ? "" : "\n",
                         task.weight == 1 ? "" : fmt::format("({})", task.weight), task.name);
  }
  const bool empty = attributes.empty() && tasks.empty();
  return fmt::format("\n\nclass {}(User):\n{}{}{}", user_class.name(), attributes, tasks,
                     empty ? "    pass\n" : "");
}

// A name that Python does not take, or that it would give to something else as well.
std::optional<std::string> bad_name(const UserClasses& classes) {
  for (const UserClass& user_class : classes.list()) {
    if (!is_python_name(user_class.name())) return user_class.name();
    std::set<std::string_view> names{"weight", "fixed_count", "host", "tasks"};
    for (const TaskEntry& task : user_class.tasks()) {
      if (!is_python_name(task.name) || !names.insert(task.name).second) return task.name;
    }
  }
  return std::nullopt;
}

}  // namespace

std::variant<std::string, NoTwin> python_twin(const UserClasses& classes) {
  if (const auto name = bad_name(classes)) {
    return NoTwin{fmt::format(
        "'{}' cannot be the name of a class or a task in Python: give it another one in the C++ "
        "file, since the master must know it by the same.",
        *name)};
  }
  const bool tasks = std::any_of(classes.list().begin(), classes.list().end(),
                                 [](const UserClass& one) { return !one.tasks().empty(); });
  std::string text = fmt::format(
      "\"\"\"The user classes of a native worker, for its master: what their tasks do is in the "
      "worker.\"\"\"\n\nfrom locust import User{}\n",
      tasks ? ", task" : "");
  for (const UserClass& user_class : classes.list()) text += class_text(user_class);
  return text;
}

}  // namespace locust::cli
