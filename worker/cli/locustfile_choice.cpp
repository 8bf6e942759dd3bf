#include "cli/locustfile_choice.h"

#include <fmt/core.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string_view>

namespace locust::cli {

namespace {

std::string names_of(const Locustfiles& locustfiles) {
  std::string names;
  for (const auto& [stem, make] : locustfiles) names += (names.empty() ? "" : ", ") + stem + ".cpp";
  return names;
}

std::string trimmed(std::string text) {
  const auto begin = text.find_first_not_of(' ');
  if (begin == std::string::npos) return {};
  return text.substr(begin, text.find_last_not_of(' ') - begin + 1);
}

// "path/to/hello.cpp", its Python twin "hello.py", or "hello" → "hello".
std::string stem_of(const std::string& file) {
  std::string stem = file.substr(file.rfind('/') + 1);
  for (const std::string_view extension : {".cpp", ".py"}) {
    if (stem.ends_with(extension)) return stem.substr(0, stem.size() - extension.size());
  }
  return stem;
}

void add(UserClasses& all, const UserClasses& more) {
  all.list().insert(all.list().end(), more.list().begin(), more.list().end());
  for (const auto& [type, listener] : more.listeners()) all.on_message(type, listener);
}

// Empty, or what is wrong.
std::string add_file(UserClasses& all, const std::string& file, const Locustfiles& locustfiles) {
  const auto found = locustfiles.find(stem_of(file));
  if (found == locustfiles.end()) {
    return fmt::format("Could not find '{}'. This worker has {}.", file, names_of(locustfiles));
  }
  add(all, found->second());
  return {};
}

std::string duplicate_in(const UserClasses& classes) {
  std::vector<std::string> names;
  for (const UserClass& one : classes.list()) names.push_back(one.name());
  std::sort(names.begin(), names.end());
  const auto twice = std::adjacent_find(names.begin(), names.end());
  return twice == names.end() ? std::string() : *twice;
}

std::string keep_only(UserClasses& classes, const std::vector<std::string>& names) {
  std::string unknown;
  for (const std::string& name : names) {
    const bool known = std::any_of(classes.list().begin(), classes.list().end(),
                                   [&](const UserClass& one) { return one.name() == name; });
    if (!known) unknown += (unknown.empty() ? "" : ", ") + name;
  }
  if (!unknown.empty()) return "Unknown User(s): " + unknown;
  std::erase_if(classes.list(), [&](const UserClass& one) {
    return std::find(names.begin(), names.end(), one.name()) == names.end();
  });
  return {};
}

Value to_value(const nlohmann::json& json) {
  if (json.is_boolean()) return json.get<bool>();
  if (json.is_number_integer()) return json.get<std::int64_t>();
  if (json.is_number()) return json.get<double>();
  if (json.is_string()) return json.get<std::string>();
  if (json.is_array()) {
    Array array;
    for (const auto& element : json) array.push_back(to_value(element));
    return array;
  }
  if (json.is_object()) {
    Map map;
    for (const auto& [key, value] : json.items()) map.emplace_back(key, to_value(value));
    return map;
  }
  return nullptr;
}

}  // namespace

std::variant<UserClasses, std::string> choose_user_classes(const Options& options,
                                                           const Locustfiles& locustfiles) {
  UserClasses classes{};
  if (trimmed(options.locustfile).empty()) {
    for (const auto& [stem, make] : locustfiles) add(classes, make());
  } else {
    std::istringstream files(options.locustfile);
    for (std::string file; std::getline(files, file, ',');) {
      if (std::string error = add_file(classes, trimmed(file), locustfiles); !error.empty()) {
        return error;
      }
    }
  }
  if (const std::string twice = duplicate_in(classes); !twice.empty()) {
    return fmt::format("The user class {} is defined twice: choose one locustfile with -f.", twice);
  }
  if (classes.list().empty()) return "No User class found!";
  if (!options.user_classes.empty()) {
    if (std::string error = keep_only(classes, options.user_classes); !error.empty()) return error;
  }
  return classes;
}

std::string configure_users(const std::vector<std::string>& config_users, UserClasses& classes) {
  for (const std::string& text : config_users) {
    const Value settings = to_value(nlohmann::json::parse(text, nullptr, false));
    const Value* name = settings.find("user_class_name");
    if (name == nullptr || name->as_string() == nullptr) {
      return "--config-users needs a user_class_name in " + text;
    }
    const auto found =
        std::find_if(classes.list().begin(), classes.list().end(),
                     [&](const UserClass& one) { return one.name() == *name->as_string(); });
    if (found == classes.list().end()) {
      return "Error applying user config, probably you tried to specify config for a User not "
             "present in your locustfile: " +
             repr(*name);
    }
    if (!found->update(settings)) {
      return fmt::format("--config-users names a task that {} does not have: {}", found->name(),
                         text);
    }
  }
  return {};
}

}  // namespace locust::cli
