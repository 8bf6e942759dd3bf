#include "cli/option_table.h"

#include <fmt/format.h>

namespace locust::cli {
namespace {

// Far more than cores; each takes a stack and descriptors.
constexpr int kMostThreads = 1024;

OptionSpec option(std::vector<std::string> names, std::string variable, Kind kind, Group group,
                  std::string metavar, std::string help) {
  return {std::move(names),   std::move(variable), kind.arity, std::move(kind.set), group,
          std::move(metavar), std::move(help)};
}

OptionSpec no_effect(std::vector<std::string> names, std::string variable, Kind kind) {
  return option(std::move(names), std::move(variable), std::move(kind), Group::no_effect, "", "");
}

OptionSpec not_done(std::vector<std::string> names, std::string variable, Arity arity,
                    std::string why) {
  return option(std::move(names), std::move(variable), ignored(arity), Group::not_done, "",
                std::move(why));
}

// Not one of Locust's.
bool is_own(const OptionSpec& spec) {
  return spec.variable.starts_with("LOCUSTPP_") || spec.long_name() == "--print-locustfile";
}

void add_common(std::vector<OptionSpec>& table) {
  using G = Group;
  table.insert(
      table.end(),
      {
          option({"-h", "--help"}, "", ignored(Arity::flag), G::common, "",
                 "Show this help message and exit."),
          option({"-f", "--locustfile"}, "LOCUST_LOCUSTFILE", text(&Options::locustfile), G::common,
                 "<filename>",
                 "The built-in locustfile to run, by its file name or stem, e.g. 'hello.cpp'. "
                 "Defaults "
                 "to all that this program was built with."),
          option({"--config"}, "", ignored(Arity::one), G::common, "<filename>",
                 "File to read additional options from, after ~/.locust.conf, locust.conf and "
                 "pyproject.toml ([tool.locust]): 'master-host = 10.0.0.1', one option a line."),
          option({"-H", "--host"}, "LOCUST_HOST", text(&Options::host), G::common, "<base url>",
                 "Host to load test, e.g. http://10.0.0.2:8000. The one set at the master wins."),
          option({"-l", "--list"}, "", flag(&Options::list), G::common, "",
                 "Show the list of user classes and exit."),
          option(
              {"--config-users"}, "LOCUST_CONFIG_USERS", user_configs(), G::common, "<json> ...",
              "Attributes of user classes: JSON objects with a user_class_name, arrays of them, or "
              "names of .json files."),
      });
}

void add_worker(std::vector<OptionSpec>& table) {
  using G = Group;
  table.insert(
      table.end(),
      {
          option({"--worker"}, "LOCUST_MODE_WORKER", flag(&Options::worker), G::worker, "",
                 "Run as a worker of a Locust master."),
          option({"--master"}, "LOCUST_MODE_MASTER", flag(&Options::master), G::worker, "",
                 "Refused: this program is a worker; the master is Locust itself."),
          option({"--master-host"}, "LOCUST_MASTER_NODE_HOST", text(&Options::master_host),
                 G::worker, "<hostname>",
                 "Host name of the master to connect to. Defaults to 127.0.0.1."),
          option({"--master-port"}, "LOCUST_MASTER_NODE_PORT",
                 integer(&Options::master_port, 1, 65535), G::worker, "<port number>",
                 "Port to connect to on the master. Defaults to 5557."),
          option(
              {"--threads"}, "LOCUSTPP_THREADS", integer(&Options::threads, 0, kMostThreads),
              G::worker, "<int>",
              "Threads that run users; the master sees one worker however many. Defaults to 0: one "
              "for each core that the process may use."),
          option({"--processes"}, "LOCUST_PROCESSES", integer(&Options::processes), G::worker,
                 "<int>",
                 "Number of worker processes to fork, -1 for one for each core. Rarely needed: see "
                 "--threads."),
          option(
              {"--exit-on-master-loss"}, "LOCUSTPP_EXIT_ON_MASTER_LOSS",
              flag(&Options::exit_on_master_loss), G::worker, "",
              "Exit after 60 s without a sign of the master, as Locust's own worker does. Default "
              "is to try to reach it for ever."),
          option({"--locust-version"}, "LOCUSTPP_LOCUST_VERSION", text(&Options::locust_version),
                 G::worker, "<version>",
                 "Locust version to report to the master, e.g. 2.47.0. Default is to report none, "
                 "which every master accepts."),
          option({"--web-base-path"}, "LOCUST_WEB_BASE_PATH", text(&Options::web_base_path),
                 G::worker, "<path>", "Base path of the master's web interface; shown in the log."),
      });
}

void add_url(std::vector<OptionSpec>& table) {
  using G = Group;
  table.insert(
      table.end(),
      {
          option({"-u", "--users"}, "LOCUST_USERS", integer(&Options::users), G::url, "<int>",
                 "Number of users. Defaults to 10."),
          option({"-r", "--spawn-rate"}, "LOCUST_SPAWN_RATE", number(&Options::spawn_rate), G::url,
                 "<float>", "Users to start per second. Default is to start all at once."),
          option({"-t", "--run-time"}, "LOCUST_RUN_TIME",
                 noted(time_span(&Options::run_time),
                       "--run-time specified for a worker node will be ignored."),
                 G::url, "<time span>",
                 "How long to run, e.g. 20s, 3m, 1h20m; 0 for until Ctrl-C. Defaults to 10s."),
          option({"--only-summary"}, "LOCUST_ONLY_SUMMARY", flag(&Options::only_summary), G::url,
                 "", "Print no statistics before the summary at the end."),
          option({"--exit-code-on-error"}, "LOCUST_EXIT_CODE_ON_ERROR",
                 integer(&Options::exit_code_on_error), G::url, "<int>",
                 "Exit code where a request has failed. Defaults to 1."),
      });
}

void add_logging(std::vector<OptionSpec>& table) {
  using G = Group;
  table.insert(
      table.end(),
      {
          option({"--loglevel", "-L"}, "LOCUST_LOGLEVEL", level(&Options::loglevel), G::logging,
                 "<level>", "DEBUG, INFO, WARNING, ERROR or CRITICAL. Defaults to INFO."),
          option({"--logfile"}, "LOCUST_LOGFILE", text(&Options::logfile), G::logging, "<filename>",
                 "Path to the log file. If not set, the log goes to stderr."),
          option({"--no-status"}, "LOCUSTPP_NO_STATUS", flag(&Options::no_status), G::logging, "",
                 "Show no status line. By default a worker keeps the last row of a terminal for "
                 "it."),
          option({"--skip-log-setup"}, "LOCUST_SKIP_LOG_SETUP", flag(&Options::skip_log_setup),
                 G::logging, "", "Disable Locust's logging setup."),
      });
}

void add_other(std::vector<OptionSpec>& table) {
  using G = Group;
  table.insert(
      table.end(),
      {
          option(
              {"-s", "--stop-timeout"}, "LOCUST_STOP_TIMEOUT", time_span(&Options::stop_timeout),
              G::other, "<time span>",
              "How long a user may take to complete its task when it is stopped: 20, 20s, 3m, 2h, "
              "1h20m, 3h30m10s. With a master, the master's --stop-timeout counts instead. "
              "Defaults to 0."),
          option({"--reset-stats"}, "LOCUST_RESET_STATS", flag(&Options::reset_stats), G::other, "",
                 "Reset the statistics once all users are spawned. Give it to the master too."),
          option({"--equal-weights"}, "", flag(&Options::equal_weights), G::other, "",
                 "Give all tasks the same weight."),
          option({"--show-task-ratio"}, "", flag(&Options::show_task_ratio), G::other, "",
                 "Print a table of how often each task runs, and exit."),
          option({"--show-task-ratio-json"}, "", flag(&Options::show_task_ratio_json), G::other, "",
                 "Print the same as JSON, and exit."),
          option({"--print-locustfile"}, "", flag(&Options::print_locustfile), G::other, "",
                 "Print the Python file with these user classes that a Locust master needs, and "
                 "exit."),
          option({"--version", "-V"}, "", ignored(Arity::flag), G::other, "",
                 "Show the program's version number and exit."),
      });
}

void add_no_effect(std::vector<OptionSpec>& table) {
  const Kind none = ignored(Arity::flag), one = ignored(Arity::one);
  table.insert(
      table.end(),
      {
          no_effect({"--hatch-rate"}, "LOCUST_HATCH_RATE", ignored_float()),  // up to 2.20
          no_effect({"--headless"}, "LOCUST_HEADLESS", none),
          no_effect({"--headful"}, "LOCUST_HEADFUL", none),
          no_effect({"--autostart"}, "LOCUST_AUTOSTART",
                    ignored_flag("The --autostart argument has no meaning on a worker.")),
          no_effect({"--autoquit"}, "LOCUST_AUTOQUIT", ignored_int()),
          no_effect({"--web-host"}, "LOCUST_WEB_HOST", one),
          no_effect({"--web-host-display-name"}, "LOCUST_WEB_HOST_DISPLAY_NAME", one),
          no_effect({"--web-port", "-P"}, "LOCUST_WEB_PORT", ignored_int()),
          no_effect({"--web-login"}, "LOCUST_WEB_LOGIN", none),
          no_effect({"--web-auth"}, "LOCUST_WEB_AUTH", one),     // up to 2.20
          no_effect({"--modern-ui"}, "LOCUST_MODERN_UI", none),  // about 2.20
          no_effect({"--legacy-ui"}, "LOCUST_LEGACY_UI", none),  // a few releases later
          no_effect({"--build-path"}, "LOCUST_BUILD_PATH", one),
          no_effect({"--tls-cert"}, "LOCUST_TLS_CERT", one),
          no_effect({"--tls-key"}, "LOCUST_TLS_KEY", one),
          no_effect({"--class-picker"}, "LOCUST_USERCLASS_PICKER", none),
          no_effect({"--master-bind-host"}, "LOCUST_MASTER_BIND_HOST", one),
          no_effect({"--master-bind-port"}, "LOCUST_MASTER_BIND_PORT", ignored_int()),
          no_effect({"--expect-workers"}, "LOCUST_EXPECT_WORKERS", ignored_int()),
          no_effect({"--expect-workers-max-wait"}, "LOCUST_EXPECT_WORKERS_MAX_WAIT", ignored_int()),
          no_effect({"--enable-rebalancing"}, "", none),
      });
}

void add_not_done_and_refused(std::vector<OptionSpec>& table) {
  const std::string no_output = "the master has the statistics; give the option there";
  const std::string no_tags = "native user classes have no tags";
  const std::string step_load =
      "The step load feature was removed in Locust 1.3. You can achieve similar results using a "
      "LoadTestShape class. See https://docs.locust.io/en/stable/custom-load-shape.html";
  const auto refuse = [](const char* name, Arity arity, const std::string& sentence) {
    return option({name}, "", refused(arity, sentence), Group::refused, "", "");
  };
  table.insert(
      table.end(),
      {
          not_done({"-T", "--tags"}, "LOCUST_TAGS", Arity::many, no_tags),
          not_done({"-E", "--exclude-tags"}, "LOCUST_EXCLUDE_TAGS", Arity::many, no_tags),
          not_done({"--csv"}, "LOCUST_CSV", Arity::one, no_output),
          not_done({"--csv-full-history"}, "LOCUST_CSV_FULL_HISTORY", Arity::flag, no_output),
          not_done({"--print-stats"}, "LOCUST_PRINT_STATS", Arity::flag, no_output),
          not_done({"--html"}, "LOCUST_HTML", Arity::one, no_output),
          not_done({"--json"}, "", Arity::flag, no_output),
          not_done({"--json-file"}, "", Arity::one, no_output),
          not_done({"--otel"}, "LOCUST_ENABLE_OPENTELEMETRY", Arity::flag,
                   "it sends no OpenTelemetry data"),
          not_done({"--profile"}, "", Arity::one, "it keeps no history of test runs"),
          refuse("--slave", Arity::flag, "The --slave parameter has been renamed --worker"),
          refuse("--expect-slaves", Arity::flag,
                 "The --expect-slaves parameter has been renamed --expect-workers"),
          refuse("--step-load", Arity::flag, step_load),
          refuse("--step-clients", Arity::flag, step_load),
          refuse("--step-users", Arity::one, step_load),
          refuse("--step-time", Arity::one, step_load),
      });
}

}  // namespace

std::string OptionSpec::display_name() const { return fmt::format("{}", fmt::join(names, "/")); }

const std::string& OptionSpec::long_name() const {
  return names.front().starts_with("--") ? names.front() : names.back();
}

const std::vector<OptionSpec>& option_table() {
  static const std::vector<OptionSpec> table = [] {
    std::vector<OptionSpec> all;
    add_common(all);
    add_worker(all);
    add_url(all);
    add_logging(all);
    add_other(all);
    add_no_effect(all);
    add_not_done_and_refused(all);
    return all;
  }();
  return table;
}

std::vector<const OptionSpec*> find_options(std::string_view name) {
  std::vector<const OptionSpec*> matches;
  for (const OptionSpec& spec : option_table()) {
    for (const std::string& known : spec.names) {
      if (known == name) return {&spec};
    }
    // This worker's own options must not make an abbreviation ambiguous that Locust knows.
    const bool abbreviable =
        name.starts_with("--") && spec.group != Group::refused && !is_own(spec);
    if (abbreviable && spec.long_name().starts_with(name)) matches.push_back(&spec);
  }
  return matches;
}

}  // namespace locust::cli
