// --show-task-ratio: how often each task of a user class runs (user/inspectuser.py).
#pragma once

#include <string>

#include "user/user_class.h"

namespace locust::cli {

// As a table for people, or as JSON.
std::string task_ratio(const UserClasses& classes, bool json);

}  // namespace locust::cli
