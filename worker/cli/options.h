// The command line of a Locust worker: every option of Locust 2.13 to 2.47 under its own names,
// environment variables and configuration files, and the few that only this worker has.
#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/log.h"
#include "cli/config_file.h"

namespace locust::cli {

struct Options {
  std::string
      locustfile;  // as given: "x.cpp", a stem, "x.py", "-", a URL …; "" = all built-in pairs
  std::vector<std::string> user_classes;  // empty = all
  std::string host;
  std::string url;  // to ask for, without a locustfile and a master; else empty

  bool worker = false, master = false;
  std::string master_host = "127.0.0.1";
  int master_port = 5557;
  std::string web_base_path;         // Locust shows it in the line that tells of the connection
  int processes = 0;                 // -1 = one for each core; never less
  int threads = 0;                   // 0 = all cores that the process may use
  bool exit_on_master_loss = false;  // as Locust does after 60 s, instead of trying for ever
  std::optional<std::string> locust_version;  // sent in client_ready; else -1

  log::Level loglevel = log::Level::info;
  std::optional<std::string> logfile;  // else stderr
  bool skip_log_setup = false;

  bool list = false, show_task_ratio = false, show_task_ratio_json = false;
  bool print_locustfile = false;
  bool no_status = false;  // no status line, although stderr is a terminal
  // For a run without a master; all users at once where the rate is 0, until a signal where the
  // time is.
  int users = 10;
  double spawn_rate = 0, run_time = 10;
  bool only_summary = false;
  double stop_timeout = 0;  // seconds; a spawn message overrides it
  bool reset_stats = false, equal_weights = false;
  int exit_code_on_error = 1;
  // One JSON object each, with a user_class_name: files are read and arrays flattened.
  std::vector<std::string> config_users;

  // A sentence for each option that was given and that this worker does not do.
  std::vector<std::string> warnings;
  // What Locust says at DEBUG about options that have no meaning on a worker.
  std::vector<std::string> debug_notes;
};

// The process has nothing to run: print this and end. Set by --help, --version and every error.
struct Exit {
  int code = 0;
  std::string out, err;
};

// Command line before environment before --config FILE before ./pyproject.toml, ./locust.conf and
// ~/.locust.conf. An argument "locust" right after the program's name is dropped: containers that
// ran Locust's image start their workers so. Unlike Locust, user classes may stand anywhere, and
// lists (--tags, --config-users) that are given twice add up.
std::variant<Options, Exit> parse(int argc, const char* const* argv, const Environment& env);

}  // namespace locust::cli
