#include "cli/worker_main.h"

#include <fmt/core.h>
#include <netdb.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <optional>
#include <stdexcept>
#include <string_view>
#include <thread>
#include <variant>

#include "base/cpus.h"
#include "base/log.h"
#include "cli/colours.h"
#include "cli/local_run.h"
#include "cli/locustfile_choice.h"
#include "cli/options.h"
#include "cli/processes.h"
#include "cli/python_handover.h"
#include "cli/python_twin.h"
#include "cli/task_ratio.h"
#include "runner/worker.h"

namespace locust::cli {

namespace {

void print_error(std::string_view text) {
  const std::string line = fmt::format("locust-worker: error: {}\n", text);
  const bool red = has_colours(STDERR_FILENO, process_environment());
  std::fputs((red ? with_red_errors(line) : line).c_str(), stderr);
}

constexpr rlim_t kFewFiles = 10'000;  // main.py, minimum_open_file_limit
constexpr SteadyDuration kShardPatience = seconds(1);

void raise_open_file_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  getrlimit(RLIMIT_NOFILE, &limit);
  if (limit.rlim_cur < kFewFiles) {
    log::warning("locust.main",
                 "This process may open {} files and connections only, which is not much for load "
                 "testing: raise the limit with ulimit -n.",
                 limit.rlim_cur);
  }
}

// Read by the control thread from a descriptor; every thread started from here on blocks them.
void block_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int number : {SIGTERM, SIGINT}) sigaddset(&signals, number);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::signal(SIGPIPE, SIG_IGN);  // NOLINT(cert-err33-c): cannot fail for this signal
}

SteadyDuration additional_wait() {
  constexpr const char* kName = "LOCUST_WORKER_ADDITIONAL_WAIT_BEFORE_READY_AFTER_STOP";
  const char* given = std::getenv(kName);
  if (given == nullptr) return SteadyDuration::zero();
  const std::string_view text = given;
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) {
    throw std::invalid_argument(
        fmt::format("{} must be a whole number of seconds: '{}'", kName, text));
  }
  return seconds(std::max(0, value));
}

// As zmqrpc.py does before it connects: ZeroMQ tries for ever, and says nothing.
void tell_unknown_name(const std::string& host) {
  addrinfo* found = nullptr;
  const int code = getaddrinfo(host.c_str(), nullptr, nullptr, &found);
  if (code == 0) {
    freeaddrinfo(found);
  } else {
    log::warning(
        "locust.runners",
        "The master's name {} cannot be resolved ({}). It is asked for again with each attempt.",
        host, gai_strerror(code));
  }
}

runner::WorkerSettings settings_of(const Options& options) {
  runner::WorkerSettings settings;
  settings.master_host = options.master_host;
  settings.master_port = options.master_port;
  settings.threads = options.threads > 0     ? options.threads
                     : options.processes > 0 ? 1
                                             : usable_cpus();
  // Of several processes each would show its own figures.
  settings.status_line = !options.no_status && options.processes == 0;
  settings.session.version = options.locust_version;
  settings.session.exit_on_master_loss = options.exit_on_master_loss;
  settings.session.reset_stats = options.reset_stats;
  settings.session.additional_wait = additional_wait();
  return settings;
}

int run_worker(const Options& options, const UserClasses& classes) {
  raise_open_file_limit();
  tell_unknown_name(options.master_host);
  int code = 0;
  {
    runner::Worker worker(classes, settings_of(options));
    code = worker.run();
    log::info("locust.main", "Shutting down (exit code {})", code);
    if (!worker.stop_shards(kShardPatience)) {
      // A task that never yields cannot be stopped: the process ends without it.
      worker.close_link();
      log::shutdown();
      std::_Exit(code);
    }
  }
  return code;
}

void setup_log(const Options& options) {
  log::setup(options.loglevel, options.logfile);
  log::info("locust.main", "Starting locustpp {}", LOCUSTPP_VERSION);
  for (const std::string& text : options.warnings) log::warning("locust.main", "{}", text);
  for (const std::string& text : options.debug_notes) log::debug("locust.main", "{}", text);
}

int start_local_run(const Options& options) {
  block_signals();
  setup_log(options);
  raise_open_file_limit();
  return run_locally(options);
}

int print_locustfile(const std::variant<UserClasses, std::string>& chosen) {
  std::string error;
  if (const auto* classes = std::get_if<UserClasses>(&chosen)) {
    const auto twin = python_twin(*classes);
    if (const auto* text = std::get_if<std::string>(&twin)) {
      fmt::print("{}", *text);
      return 0;
    }
    error = std::get<NoTwin>(twin).why;
  } else {
    error = std::get<std::string>(chosen);
  }
  print_error(error);
  return 1;
}

// Everything after the command line; what it throws is bad configuration.
int start(Options options, const Locustfiles& locustfiles) {
  if (!options.url.empty()) return start_local_run(options);
  auto chosen = choose_user_classes(options, locustfiles);
  if (options.list && std::holds_alternative<UserClasses>(chosen)) {
    fmt::print("Available Users:\n");
    for (const UserClass& one : std::get<UserClasses>(chosen).list()) {
      fmt::print("    {}\n", one.name());
    }
    return 0;
  }
  if (options.print_locustfile) return print_locustfile(chosen);
  if (options.processes == -1) options.processes = usable_cpus();
  if (options.processes > 0) {
    if (const auto code = fork_workers(options.processes)) return *code;
  }
  block_signals();
  setup_log(options);
  if (const auto* error = std::get_if<std::string>(&chosen)) {
    log::error("locust.main", "{}", *error);
    return 1;
  }
  auto& classes = std::get<UserClasses>(chosen);
  if (const std::string error = configure_users(options.config_users, classes); !error.empty()) {
    log::error("locust.main", "{}", error);
    return 255;
  }
  if (options.master) {
    log::error("locust.main",
               "This is a worker. Start the master with stock Locust: locust --master");
    return 255;
  }
  if (options.show_task_ratio || options.show_task_ratio_json) {
    fmt::print("{}", task_ratio(classes, options.show_task_ratio_json));
    return 0;
  }
  return run_worker(options, classes);
}

// Does not come back where Python takes over. Where there is none (in an image without it), the C++
// twins of its locustfiles are to be run; false, and what is missing is said, where there are none.
bool has_twins_without_python(const std::vector<std::string>& arguments,
                              const Environment& environment, const std::string& files,
                              const Locustfiles& locustfiles) {
  const std::string why = become(python_command(arguments, environment));
  Options options;
  options.locustfile = files;
  if (std::holds_alternative<UserClasses>(choose_user_classes(options, locustfiles))) return true;
  print_error(why);
  return false;
}

}  // namespace

int worker_main(int argc, const char* const* argv, const Locustfiles& locustfiles) {
  const Environment environment = process_environment();
  const std::vector<std::string> arguments(argv + std::min(argc, 1), argv + argc);
  // Before anything is read more closely: a Python locustfile may define arguments of its own.
  const std::string named = named_locustfiles(arguments, environment);
  if (any_for_python(named) &&
      !has_twins_without_python(arguments, environment, named, locustfiles)) {
    return 1;
  }
  const auto parsed = parse(argc, argv, environment);
  if (const auto* exit = std::get_if<Exit>(&parsed)) {
    const std::string out =
        has_colours(STDOUT_FILENO, environment) ? with_bold_headings(exit->out) : exit->out;
    const std::string err =
        has_colours(STDERR_FILENO, environment) ? with_red_errors(exit->err) : exit->err;
    std::fputs(out.c_str(), stdout);
    std::fputs(err.c_str(), stderr);
    return exit->code;
  }
  const std::string& files = std::get<Options>(parsed).locustfile;
  const bool in_configuration_file = named.empty() && any_for_python(files);
  if (in_configuration_file &&
      !has_twins_without_python(arguments, environment, files, locustfiles)) {
    return 1;
  }
  int code = 1;
  try {
    code = start(std::get<Options>(parsed), locustfiles);
  } catch (const std::exception& error) {
    print_error(error.what());
  }
  if (!log::shutdown()) std::_Exit(code);
  return code;
}

}  // namespace locust::cli
