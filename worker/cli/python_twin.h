// --print-locustfile: the Python file with the same user classes that a stock master needs.
#pragma once

#include <string>
#include <variant>

#include "user/user_class.h"

namespace locust::cli {

struct NoTwin {
  std::string why;
};

// The file: classes with their weights, fixed counts, hosts and tasks, which do nothing there. Or
// the sentence that says which name is none in Python.
std::variant<std::string, NoTwin> python_twin(const UserClasses& classes);

}  // namespace locust::cli
