// The one header that the author of a locustfile in C++ includes.
#pragma once

#include <chrono>  // IWYU pragma: export

#include "base/task.h"        // IWYU pragma: export
#include "base/value.h"       // IWYU pragma: export
#include "user/user.h"        // IWYU pragma: export
#include "user/user_class.h"  // IWYU pragma: export
#include "user/wait_time.h"   // IWYU pragma: export

namespace locust {
using namespace std::chrono_literals;  // wait(between(1s, 3s))
}

// Every locustfile defines this: the user classes that a master may ask this worker for.
locust::UserClasses locustfile();
