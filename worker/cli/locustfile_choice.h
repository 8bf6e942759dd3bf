// Which of the linked locustfiles, and which of their user classes, a command line asks for.
#pragma once

#include <string>
#include <variant>

#include "cli/options.h"
#include "cli/worker_main.h"
#include "user/user_class.h"

namespace locust::cli {

// The user classes to offer to the master; or the sentence that says why there are none.
std::variant<UserClasses, std::string> choose_user_classes(const Options& options,
                                                           const Locustfiles& locustfiles);

// Applies --config-users: JSON objects that name a user class and its settings. The sentence that
// says what is wrong; empty where nothing is.
std::string configure_users(const std::vector<std::string>& config_users, UserClasses& classes);

}  // namespace locust::cli
