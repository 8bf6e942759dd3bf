#include "cli/task_ratio.h"

#include <fmt/core.h>

#include <nlohmann/json.hpp>

namespace locust::cli {

namespace {

double share(const UserClass& user_class, const TaskEntry& task) {
  double total = 0;
  for (const TaskEntry& one : user_class.tasks()) total += one.weight;
  return total > 0 ? task.weight / total : 0;
}

}  // namespace

std::string task_ratio(const UserClasses& classes, bool json) {
  nlohmann::ordered_json tree;
  std::string text = "\n Task ratio per User class\n" + std::string(80, '-') + "\n";
  for (const UserClass& user_class : classes.list()) {
    text += fmt::format("* {}\n", user_class.name());
    auto& tasks = tree["per_class"][user_class.name()]["tasks"];
    for (const TaskEntry& task : user_class.tasks()) {
      text += fmt::format("  * {:.1f}% {}\n", 100 * share(user_class, task), task.name);
      tasks[task.name]["ratio"] = share(user_class, task);
    }
  }
  return json ? tree.dump(4) + "\n" : text;
}

}  // namespace locust::cli
