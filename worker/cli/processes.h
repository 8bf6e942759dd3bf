// --processes N: the same worker several times, each with a connection of its own to the master.
#pragma once

#include <optional>

namespace locust::cli {

// Forks `count` workers. Returns nothing in each of them, which is to go on; in the parent, when
// all have ended, the largest of their exit codes. The parent passes SIGTERM on, leaves a first
// SIGINT to the children (a terminal sends it to all), and kills them at a second (main.py). Before
// any thread is started.
std::optional<int> fork_workers(int count);

}  // namespace locust::cli
