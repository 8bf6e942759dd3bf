// Expected values come from running Locust 2.13.0 and 2.47.0 with the same arguments.
#include "cli/options.h"

#include <fmt/core.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>
#include <iterator>
#include <map>

#include "cli/option_table.h"

namespace locust::cli {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

using Names = std::vector<std::string>;
using Texts = std::map<std::string, std::string>;
constexpr const char* kUsage =
    "Usage: locust-worker [options] [UserClass ...]\n"
    "       locust-worker [options] URL\n";

std::variant<Options, Exit> run(Names arguments, const Texts& variables = {},
                                const Texts& files = {}) {
  arguments.insert(arguments.begin(), "/usr/bin/locust-worker");
  std::vector<const char*> argv;
  for (const std::string& argument : arguments) argv.push_back(argument.c_str());
  Environment env;
  env.variable = [&](const std::string& name) -> std::optional<std::string> {
    const auto it = variables.find(name);
    if (it == variables.end()) return std::nullopt;
    return it->second;
  };
  env.read_file = [&](const std::string& path) -> std::variant<std::string, std::error_code> {
    const auto it = files.find(path);
    if (it == files.end()) return std::error_code(ENOENT, std::generic_category());
    return it->second;
  };
  return parse(static_cast<int>(argv.size()), argv.data(), env);
}

Options options(const Names& arguments, const Texts& variables = {}, const Texts& files = {}) {
  auto result = run(arguments, variables, files);
  if (const auto* exit = std::get_if<Exit>(&result)) {
    ADD_FAILURE() << testing::PrintToString(arguments) << ": " << exit->err;
    return {};
  }
  return std::move(std::get<Options>(result));
}

// What the error says behind "locust-worker: error: "; its exit code is argparse's 2.
std::string error(const Names& arguments, const Texts& variables = {}, const Texts& files = {}) {
  const auto result = run(arguments, variables, files);
  const auto* exit = std::get_if<Exit>(&result);
  if (exit == nullptr) return "no error";
  EXPECT_EQ(exit->code, 2);
  EXPECT_EQ(exit->out, "");
  const std::string start = std::string(kUsage) + "locust-worker: error: ";
  EXPECT_THAT(exit->err, StartsWith(start));
  // Every error says what to do next.
  const std::string end = "\nAll options: locust-worker --help\n";
  EXPECT_THAT(exit->err, testing::EndsWith(end));
  return exit->err.substr(start.size(), exit->err.size() - start.size() - end.size());
}

TEST(Options, Defaults) {
  const Options o = options({});
  EXPECT_EQ(o.locustfile, "");
  EXPECT_FALSE(o.worker || o.master || o.list || o.reset_stats || o.equal_weights);
  EXPECT_FALSE(o.exit_on_master_loss || o.skip_log_setup || o.logfile || o.locust_version);
  EXPECT_EQ(o.master_host, "127.0.0.1");
  EXPECT_EQ(o.master_port, 5557);
  EXPECT_EQ(o.processes, 0);
  EXPECT_EQ(o.threads, 0);
  EXPECT_EQ(o.stop_timeout, 0);
  EXPECT_EQ(o.exit_code_on_error, 1);
  EXPECT_EQ(o.loglevel, log::Level::info);
  EXPECT_THAT(o.user_classes, IsEmpty());
  EXPECT_THAT(o.warnings, IsEmpty());
  EXPECT_THAT(o.debug_notes, IsEmpty());
}

// The commands of the containers that ran a stock worker.
TEST(Options, TakesTheCommandsOfStockDeployments) {
  const Options ecs =
      options({"locust", "-f", "test_sample.py", "--worker", "--master-host", "10.0.3.7"});
  EXPECT_TRUE(ecs.worker);
  EXPECT_EQ(ecs.locustfile, "test_sample.py");
  EXPECT_EQ(ecs.master_host, "10.0.3.7");

  const Options k8s =
      options({"-f", "test_sample.py", "--worker", "--master-host", "load-tests-master-api"});
  EXPECT_EQ(k8s.master_host, "load-tests-master-api");

  const Options operator_args =
      options({"--worker", "--master-host", "demo-master", "--master-port=5557", "--locustfile=-",
               "--loglevel=DEBUG"});
  EXPECT_TRUE(operator_args.worker);
  EXPECT_EQ(operator_args.locustfile, "-");
  EXPECT_EQ(operator_args.loglevel, log::Level::debug);

  const Options variables = options({}, {{"LOCUST_MODE_WORKER", "true"},
                                         {"LOCUST_MASTER_NODE_HOST", "m"},
                                         {"LOCUST_MASTER_NODE_PORT", "6000"},
                                         {"LOCUST_LOCUSTFILE", "/mnt/locust/main.py"}});
  EXPECT_TRUE(variables.worker);
  EXPECT_EQ(variables.master_host, "m");
  EXPECT_EQ(variables.master_port, 6000);
  EXPECT_EQ(variables.locustfile, "/mnt/locust/main.py");
}

TEST(Options, OnlyALeadingLocustIsDropped) {
  EXPECT_THAT(options({"locust", "locust"}).user_classes, ElementsAre("locust"));
  EXPECT_THAT(options({"A", "locust"}).user_classes, ElementsAre("A", "locust"));
}

// One option as it can be spelled, and a value that it takes.
struct StockOption {
  const char* name;      // long
  const char* shortcut;  // "" = none
  const char* variable;  // "" = none
  const char* value;     // "" = flag
};

// argument_parser.py of 2.47.0, then what 2.13.0 and 2.20.1 had besides.
const StockOption kStock[] = {
    {"--locustfile", "-f", "LOCUST_LOCUSTFILE", "x.py"},
    {"--host", "-H", "LOCUST_HOST", "http://a:80"},
    {"--users", "-u", "LOCUST_USERS", "10"},
    {"--spawn-rate", "-r", "LOCUST_SPAWN_RATE", "1.5"},
    {"--run-time", "-t", "LOCUST_RUN_TIME", "1h30m"},
    {"--list", "-l", "", ""},
    {"--config-users", "", "LOCUST_CONFIG_USERS", "{\"user_class_name\":\"A\"}"},
    {"--web-host", "", "LOCUST_WEB_HOST", "0.0.0.0"},
    {"--web-host-display-name", "", "LOCUST_WEB_HOST_DISPLAY_NAME", "x"},
    {"--web-port", "-P", "LOCUST_WEB_PORT", "8000"},
    {"--headless", "", "LOCUST_HEADLESS", ""},
    {"--autostart", "", "LOCUST_AUTOSTART", ""},
    {"--headful", "", "LOCUST_HEADFUL", ""},
    {"--web-auth", "", "LOCUST_WEB_AUTH", "a:b"},
    {"--web-login", "", "LOCUST_WEB_LOGIN", ""},
    {"--tls-cert", "", "LOCUST_TLS_CERT", "c.pem"},
    {"--tls-key", "", "LOCUST_TLS_KEY", "k.pem"},
    {"--class-picker", "", "LOCUST_USERCLASS_PICKER", ""},
    {"--build-path", "", "LOCUST_BUILD_PATH", "x"},
    {"--legacy-ui", "", "LOCUST_LEGACY_UI", ""},
    {"--master", "", "LOCUST_MODE_MASTER", ""},
    {"--master-bind-host", "", "LOCUST_MASTER_BIND_HOST", "*"},
    {"--master-bind-port", "", "LOCUST_MASTER_BIND_PORT", "5557"},
    {"--expect-workers", "", "LOCUST_EXPECT_WORKERS", "3"},
    {"--expect-workers-max-wait", "", "LOCUST_EXPECT_WORKERS_MAX_WAIT", "60"},
    {"--enable-rebalancing", "", "", ""},
    {"--worker", "", "LOCUST_MODE_WORKER", ""},
    {"--processes", "", "LOCUST_PROCESSES", "-1"},
    {"--master-host", "", "LOCUST_MASTER_NODE_HOST", "m"},
    {"--master-port", "", "LOCUST_MASTER_NODE_PORT", "6000"},
    {"--web-base-path", "", "LOCUST_WEB_BASE_PATH", "/locust"},
    {"--tags", "-T", "LOCUST_TAGS", "a"},
    {"--exclude-tags", "-E", "LOCUST_EXCLUDE_TAGS", "a"},
    {"--csv", "", "LOCUST_CSV", "x"},
    {"--print-stats", "", "LOCUST_PRINT_STATS", ""},
    {"--only-summary", "", "LOCUST_ONLY_SUMMARY", ""},
    {"--reset-stats", "", "LOCUST_RESET_STATS", ""},
    {"--html", "", "LOCUST_HTML", "x.html"},
    {"--json", "", "", ""},
    {"--json-file", "", "", "x.json"},
    {"--skip-log-setup", "", "LOCUST_SKIP_LOG_SETUP", ""},
    {"--loglevel", "-L", "LOCUST_LOGLEVEL", "warning"},
    {"--logfile", "", "LOCUST_LOGFILE", "x.log"},
    {"--show-task-ratio", "", "", ""},
    {"--show-task-ratio-json", "", "", ""},
    {"--exit-code-on-error", "", "LOCUST_EXIT_CODE_ON_ERROR", "0"},
    {"--stop-timeout", "-s", "LOCUST_STOP_TIMEOUT", "2m"},
    {"--equal-weights", "", "", ""},
    {"--profile", "", "", "x"},
    {"--otel", "", "LOCUST_ENABLE_OPENTELEMETRY", ""},
    {"--hatch-rate", "", "LOCUST_HATCH_RATE", "1"},
    {"--modern-ui", "", "LOCUST_MODERN_UI", ""},
    // This worker's own.
    {"--threads", "", "LOCUSTPP_THREADS", "4"},
    {"--exit-on-master-loss", "", "LOCUSTPP_EXIT_ON_MASTER_LOSS", ""},
    {"--locust-version", "", "LOCUSTPP_LOCUST_VERSION", "2.47.0"},
    {"--no-status", "", "LOCUSTPP_NO_STATUS", ""},
    {"--print-locustfile", "", "", ""},
};

// Everything that the options hold, to compare spellings.
std::string dump(const Options& o) {
  std::string text = o.locustfile + "|" + o.host + "|" + o.master_host + "|" + o.web_base_path +
                     "|" + o.logfile.value_or("-") + "|" + o.locust_version.value_or("-");
  for (const bool b : {o.worker, o.master, o.exit_on_master_loss, o.skip_log_setup, o.list,
                       o.show_task_ratio, o.show_task_ratio_json, o.reset_stats, o.equal_weights,
                       o.print_locustfile, o.no_status, o.only_summary}) {
    text += b ? '1' : '0';
  }
  for (const double n : {1.0 * o.master_port, 1.0 * o.processes, 1.0 * o.threads, 1.0 * o.users,
                         1.0 * o.exit_code_on_error, o.stop_timeout, o.spawn_rate, o.run_time,
                         1.0 * static_cast<int>(o.loglevel)}) {
    text += "|" + std::to_string(n);
  }
  return text + testing::PrintToString(o.user_classes) + testing::PrintToString(o.config_users) +
         testing::PrintToString(o.warnings) + testing::PrintToString(o.debug_notes);
}

TEST(Options, EveryStockOptionInEverySpelling) {
  for (const StockOption& stock : kStock) {
    const std::string name = stock.name, shortcut = stock.shortcut, value = stock.value;
    const bool is_flag = value.empty();
    const Options given = options(is_flag ? Names{name} : Names{name, value});
    const std::string expected = dump(given);
    if (!is_flag) {
      EXPECT_EQ(dump(options({fmt::format("{}={}", name, value)})), expected) << name;
    }
    if (!shortcut.empty()) {
      EXPECT_EQ(dump(options(is_flag ? Names{shortcut} : Names{shortcut, value})), expected)
          << name;
      if (!is_flag) {
        EXPECT_EQ(dump(options({shortcut + value})), expected) << name;
        EXPECT_EQ(dump(options({fmt::format("{}={}", shortcut, value)})), expected) << name;
      }
    }
    if (stock.variable[0] != '\0') {
      EXPECT_EQ(dump(options({}, {{stock.variable, is_flag ? "true" : value}})), expected) << name;
    }
    const std::string line = name.substr(2) + (is_flag ? "" : " = " + value);
    EXPECT_EQ(dump(options({}, {}, {{"locust.conf", line}})), expected) << name;
  }
}

TEST(Options, StoresWhatWasGiven) {
  const Options o = options({"-f",
                             "hello.cpp",
                             "-H",
                             "http://a:80",
                             "-u5",
                             "-s",
                             "1h20m",
                             "-L",
                             "Debug",
                             "--logfile",
                             "x.log",
                             "--processes=-1",
                             "--threads",
                             "3",
                             "--exit-code-on-error",
                             "7",
                             "--locust-version=2.47.0",
                             "--web-base-path",
                             "/l",
                             "--exit-on-master-loss",
                             "--reset-stats",
                             "--equal-weights",
                             "-l",
                             "--skip-log-setup",
                             "--show-task-ratio",
                             "--show-task-ratio-json",
                             "HelloUser",
                             "TestSample"});
  EXPECT_EQ(
      dump(o),
      "hello.cpp|http://a:80|127.0.0.1|/l|x.log|2.47.0001111111000|5557.000000|-1.000000|3.000000|"
      "5.000000|7.000000|4800.000000|0.000000|10.000000|0.000000{ \"HelloUser\", \"TestSample\" "
      "}{}{}{}");
}

TEST(Options, ReadsArgumentsAsArgparse) {
  EXPECT_EQ(options({"--master-h", "m"}).master_host, "m");  // abbreviated
  EXPECT_EQ(options({"--exit", "3"}).exit_code_on_error, 3);
  EXPECT_EQ(options({"--loc", "x.py"}).locustfile, "x.py");
  EXPECT_TRUE(options({"--master"}).master);
  EXPECT_EQ(options({"-lL", "debug"}).loglevel, log::Level::debug);  // a cluster
  EXPECT_EQ(options({"--host=", "--worker"}).host, "");
  EXPECT_TRUE(options({"--host=", "--worker"}).worker);
  EXPECT_EQ(options({"-H", ""}).host, "");
  EXPECT_EQ(options({"-u", "-3"}).users, -3);
  EXPECT_EQ(options({"-H", "-1.5"}).host, "-1.5");
  EXPECT_EQ(options({"-H", "-.5"}).host, "-.5");
  EXPECT_EQ(options({"--users", " 5 "}).users, 5);
  EXPECT_EQ(options({"--users", "1_0"}).users, 10);
  EXPECT_EQ(options({"--users", "+3"}).users, 3);
  EXPECT_EQ(options({"-f", "-"}).locustfile, "-");
  EXPECT_EQ(options({"--master-host", "a", "--master-host=b"}).master_host,
            "b");  // the last counts
}

TEST(Options, UserClasses) {
  EXPECT_THAT(options({"A", "B"}).user_classes, ElementsAre("A", "B"));
  EXPECT_THAT(options({"-L", "debug", "A", "--worker", "B"}).user_classes, ElementsAre("A", "B"));
  EXPECT_THAT(options({"--", "A", "-x"}).user_classes, ElementsAre("A", "-x"));
  EXPECT_THAT(options({"-T", "a", "b", "--", "A"}).user_classes, ElementsAre("A"));
  EXPECT_THAT(options({"-T", "a", "b", "-L", "debug", "A"}).user_classes, ElementsAre("A"));
  EXPECT_THAT(options({"--tags=a", "A"}).user_classes, ElementsAre("A"));
  EXPECT_THAT(options({"A", "-T"}).user_classes, ElementsAre("A"));
  const Texts variable = {{"LOCUST_USER_CLASSES", " A  B "}};
  EXPECT_THAT(options({}, variable).user_classes, ElementsAre("A", "B"));
  EXPECT_THAT(options({"C"}, variable).user_classes, ElementsAre("C"));
}

TEST(Options, ConfigUsers) {
  const char* a = "{\"user_class_name\":\"A\"}";
  const char* b = "{\"user_class_name\":\"B\",\"weight\":2}";
  const std::string array = "[" + std::string(a) + "," + b + "]";
  EXPECT_THAT(options({"--config-users", a, b}).config_users, ElementsAre(a, b));
  EXPECT_THAT(options({"--config-users", array}).config_users, ElementsAre(a, b));
  EXPECT_THAT(options({"--config-users=" + array, "A"}).config_users, ElementsAre(a, b));
  EXPECT_THAT(options({"--config-users", "x.json", a}, {}, {{"x.json", array}}).config_users,
              ElementsAre(a, b, a));
  EXPECT_THAT(options({}, {{"LOCUST_CONFIG_USERS", array}}).config_users, ElementsAre(a, b));
  EXPECT_THAT(options({"--config-users"}).config_users, IsEmpty());
  EXPECT_THAT(options({}, {{"LOCUST_CONFIG_USERS", ""}}).config_users, IsEmpty());

  EXPECT_EQ(error({"--config-users", "{\"a\": 1}"}),
            "argument --config-users: The user config must specify a user_class_name");
  EXPECT_EQ(error({"--config-users", "5"}),
            "argument --config-users: The user config must specify a user_class_name");
  EXPECT_EQ(error({"--config-users", "nope.json"}),
            "argument --config-users: [Errno 2] No such file or directory: 'nope.json'");
  EXPECT_THAT(
      error({"--config-users", "{"}),
      StartsWith("argument --config-users: The --config-users argument must be a valid JSON "
                 "string or file: "));
}

TEST(Options, AUrlMakesARunWithoutAMaster) {
  const Options plain = options({"http://10.0.0.2:8000/hello/"});
  EXPECT_EQ(plain.url, "http://10.0.0.2:8000/hello/");
  EXPECT_THAT(plain.user_classes, IsEmpty());
  EXPECT_EQ(plain.users, 10);
  EXPECT_EQ(plain.spawn_rate, 0);
  EXPECT_EQ(plain.run_time, 10);
  const Options full = options({"https://a/", "-u", "3", "-r", "0.5", "-t", "1m", "--only-summary",
                                "--exit-code-on-error=7"});
  EXPECT_EQ(full.url, "https://a/");
  EXPECT_EQ(full.users, 3);
  EXPECT_EQ(full.spawn_rate, 0.5);
  EXPECT_EQ(full.run_time, 60);
  EXPECT_TRUE(full.only_summary);
  EXPECT_EQ(full.exit_code_on_error, 7);
  EXPECT_THAT(full.debug_notes, IsEmpty());
  EXPECT_EQ(options({"-H", "http://a/"}).url, "");
}

TEST(Options, WhatDoesNotGoWithAUrl) {
  for (const Names& arguments : std::vector<Names>{{"http://a/", "--worker"},
                                                   {"http://a/", "ShopUser"},
                                                   {"http://a/", "http://b/"},
                                                   {"-f", "hello.cpp", "http://a/"}}) {
    EXPECT_THAT(error(arguments), HasSubstr("leave out all but the URL")) << arguments[1];
  }
  EXPECT_THAT(error({"http://"}), HasSubstr("'http://' is no URL"));
  EXPECT_THAT(error({"http://a:99999/"}), HasSubstr("is no URL that can be asked for"));
  EXPECT_THAT(error({"http://a/", "-u", "0"}), HasSubstr("1 user or more"));
  EXPECT_THAT(error({"http://a/", "-r", "-1"}), HasSubstr("no negative --spawn-rate"));
  options({"-u", "0", "-r", "-1"});  // a worker takes no notice
}

TEST(Options, EachSourceOverridesTheWeakerOnes) {
  Texts variables = {{"HOME", "/h"}};
  Texts files;
  const auto host = [&](const Names& arguments) {
    return options(arguments, variables, files).host;
  };
  EXPECT_EQ(host({}), "");
  files["/h/.locust.conf"] = "host = home";
  EXPECT_EQ(host({}), "home");
  files["locust.conf"] = "host = conf";
  EXPECT_EQ(host({}), "conf");
  files["pyproject.toml"] = "[tool.locust]\nhost = 'toml'";
  EXPECT_EQ(host({}), "toml");
  files["my.conf"] = "host = option";
  EXPECT_EQ(host({"--config", "my.conf"}), "option");
  variables["LOCUST_HOST"] = "variable";
  EXPECT_EQ(host({"--config", "my.conf"}), "variable");
  EXPECT_EQ(host({"--config", "my.conf", "-H", "line"}), "line");
}

TEST(Options, SourcesAddUp) {
  const Options o = options({"--master-port", "1"}, {{"HOME", "/h"}, {"LOCUST_MODE_WORKER", "1"}},
                            {{"/h/.locust.conf", "master-host = m\nlogfile = a"},
                             {"locust.conf", "logfile = b\nlogfile = c\nmaster-port = 9"}});
  EXPECT_TRUE(o.worker);
  EXPECT_EQ(o.master_host, "m");
  EXPECT_EQ(o.master_port, 1);
  EXPECT_EQ(o.logfile, "c");
}

TEST(Options, FlagsFromOutside) {
  for (const char* on : {"1", "true", "True", "yes", "ON"}) {
    EXPECT_TRUE(options({}, {{"LOCUST_MODE_WORKER", on}}).worker) << on;
  }
  for (const char* off : {"0", "false", "No", "off"}) {
    const Texts conf = {{"locust.conf", "worker = true"}};
    EXPECT_FALSE(options({}, {{"LOCUST_MODE_WORKER", off}}, conf).worker) << off;
    EXPECT_TRUE(options({"--worker"}, {{"LOCUST_MODE_WORKER", off}}).worker) << off;
  }
  EXPECT_EQ(error({}, {{"LOCUST_MODE_WORKER", ""}}),
            "Unexpected value for LOCUST_MODE_WORKER: ''. Expecting 'true', 'false', 'yes', 'no', "
            "'on', 'off', '1' or '0'");
  EXPECT_EQ(error({}, {}, {{"locust.conf", "worker = maybe"}}),
            "Unexpected value for worker: 'maybe'. Expecting 'true', 'false', 'yes', 'no', 'on', "
            "'off', '1' or '0'");
}

TEST(Options, ErrorsOfConfigFiles) {
  EXPECT_EQ(error({"--config", "nope.conf"}),
            "Unable to open config file: nope.conf. Error: [Errno 2] No such file or directory: "
            "'nope.conf'");
  EXPECT_EQ(error({}, {}, {{"locust.conf", "a\n= x"}}), "Unexpected line 1 in locust.conf: = x");
  EXPECT_EQ(error({}, {}, {{"locust.conf", "foo = 1\nbar = [a]\nbaz\nqux = false"}}),
            "unrecognized arguments: --foo=1 --bar=a --baz=true --qux=false");
  EXPECT_EQ(error({}, {}, {{"pyproject.toml", "[tool.locust]\nfoo = 1"}}),
            "unrecognized arguments: --foo=1");
  EXPECT_EQ(error({}, {}, {{"locust.conf", "host = [a]"}}), "host can't be set to a list");
  EXPECT_EQ(error({}, {}, {{"locust.conf", "users = x"}}),
            "argument -u/--users: invalid int value: 'x'");
}

TEST(Options, ErrorsInLocustsWords) {
  const std::pair<Names, const char*> cases[] = {
      {{"--foo"}, "unrecognized arguments: --foo"},
      {{"-x"}, "unrecognized arguments: -x"},
      {{"-xyz"}, "unrecognized arguments: -xyz"},
      {{"--fo=3"}, "unrecognized arguments: --fo=3"},
      {{"--foo", "--worker", "--bar"}, "unrecognized arguments: --foo --bar"},
      {{"--hots", "x"}, "unrecognized arguments: --hots\nDid you mean '--host'?"},
      {{"--workers"}, "unrecognized arguments: --workers\nDid you mean '--worker'?"},
      {{"--loglvel=x"}, "unrecognized arguments: --loglvel=x\nDid you mean '--loglevel'?"},
      {{"--master-port", "x"}, "argument --master-port: invalid int value: 'x'"},
      {{"--master-port="}, "argument --master-port: invalid int value: ''"},
      {{"--users", "3.0"}, "argument -u/--users: invalid int value: '3.0'"},
      {{"--users", "1__0"}, "argument -u/--users: invalid int value: '1__0'"},
      {{"-uL", "3"}, "argument -u/--users: invalid int value: 'L'"},
      {{"--expect-workers", "x"}, "argument --expect-workers: invalid int value: 'x'"},
      {{"--master-port"}, "argument --master-port: expected one argument"},
      {{"--master-host", "--worker"}, "argument --master-host: expected one argument"},
      {{"-H", "-x"}, "argument -H/--host: expected one argument"},
      {{"-H", "-3x"}, "argument -H/--host: expected one argument"},
      {{"-H", "-3."}, "argument -H/--host: expected one argument"},
      {{"-L", "foo"},
       "argument --loglevel/-L: invalid choice: 'FOO' (choose from 'DEBUG', 'INFO', 'WARNING', "
       "'ERROR', 'CRITICAL')"},
      {{"-s", "3x"},
       "argument -s/--stop-timeout: Invalid time span format. Valid formats: 20, 20s, 3m, 2h, "
       "1h20m, 3h30m10s, etc."},
      {{"-t", ""}, "argument -t/--run-time: Invalid time span format"},
      {{"-r", "x"}, "argument -r/--spawn-rate: invalid float value: 'x'"},
      {{"--worker=1"}, "argument --worker: ignored explicit argument '1'"},
      {{"-l=x"}, "argument -l/--list: ignored explicit argument 'x'"},
      {{"--master-b", "x"},
       "ambiguous option: --master-b could match --master-bind-host, --master-bind-port"},
      {{"--slave"}, "argument --slave: The --slave parameter has been renamed --worker"},
      {{"--expect-slaves"},
       "argument --expect-slaves: The --expect-slaves parameter has been renamed --expect-workers"},
      {{"--csv-full-history"}, "'--csv-full-history' requires '--csv'."},
      {{"a.b:8000/hello/"},
       "'a.b:8000/hello/' is no User class; to request a URL, write http://a.b:8000/hello/"},
      {{"ftp://a/b"}, "'ftp://a/b' is no User class; to request a URL, write http://a/b"},
      {{"--threads", "-1"}, "argument --threads: must be 0 or more: '-1'"},
      {{"--threads", "100000"}, "argument --threads: must be 1024 or less: '100000'"},
      {{"--master-port", "0"}, "argument --master-port: must be 1 or more: '0'"},
      {{"--master-port", "65536"}, "argument --master-port: must be 65535 or less: '65536'"},
  };
  for (const auto& [arguments, message] : cases) EXPECT_EQ(error(arguments), message);
  EXPECT_THAT(error({"--step-load"}),
              HasSubstr("The step load feature was removed in Locust 1.3."));
  EXPECT_EQ(error({}, {{"LOCUST_MASTER_NODE_PORT", "x"}}),
            "argument --master-port: invalid int value: 'x'");
}

TEST(Options, LocustsOwnChecksKeepTheirExitCode) {
  const std::pair<Names, const char*> cases[] = {
      {{"--autoquit", "3"}, "--autoquit is only meaningful in combination with --autostart\n"},
      {{"--processes", "-2"}, "Invalid --processes count -2\n"},
  };
  for (const auto& [arguments, message] : cases) {
    const auto result = run(arguments);
    ASSERT_TRUE(std::holds_alternative<Exit>(result));
    EXPECT_EQ(std::get<Exit>(result).code, 1);
    EXPECT_EQ(std::get<Exit>(result).err, message);
  }
  options({"--autoquit", "3", "--autostart"});
  options({"--autoquit=-1"});
}

TEST(Options, WarnsOfWhatItDoesNotDo) {
  EXPECT_THAT(options({"--csv", "x", "--csv-full-history"}).warnings,
              ElementsAre(HasSubstr("ignores --csv:"), HasSubstr("ignores --csv-full-history:")));
  for (const Names& arguments : std::vector<Names>{{"--html", "x"},
                                                   {"--json"},
                                                   {"--json-file", "x"},
                                                   {"--print-stats"},
                                                   {"--otel"},
                                                   {"--profile", "x"},
                                                   {"-T", "a"},
                                                   {"-E", "a", "b"}}) {
    EXPECT_EQ(options(arguments).warnings.size(), 1U) << arguments.front();
  }
  EXPECT_THAT(options({"--print"}).warnings, ElementsAre(HasSubstr("ignores --print-stats:")));
  EXPECT_THAT(options({}, {{"LOCUST_PRINT_STATS", "false"}}).warnings, IsEmpty());
  EXPECT_EQ(options({}, {{"LOCUST_TAGS", "[a, b]"}}).warnings.size(), 1U);
}

TEST(Options, NotesWhatHasNoMeaningOnAWorker) {
  EXPECT_THAT(options({"-t", "20m", "--autostart", "--headless", "-u", "1", "-r", "1"}).debug_notes,
              ElementsAre("--run-time specified for a worker node will be ignored.",
                          "The --autostart argument has no meaning on a worker."));
  EXPECT_THAT(options({}, {{"LOCUST_AUTOSTART", "false"}}).debug_notes, IsEmpty());
}

TEST(Options, HelpListsEverything) {
  for (const Names& arguments : std::vector<Names>{{"-h"}, {"--foo", "--help"}, {"-lh"}}) {
    const auto result = run(arguments, {{"LOCUST_MODE_WORKER", "1"}}, {{"locust.conf", "foo = 1"}});
    ASSERT_TRUE(std::holds_alternative<Exit>(result));
    const Exit& exit = std::get<Exit>(result);
    EXPECT_EQ(exit.code, 0);
    EXPECT_EQ(exit.err, "");
    EXPECT_THAT(exit.out, StartsWith(kUsage));
    for (const StockOption& stock : kStock) EXPECT_THAT(exit.out, HasSubstr(stock.name));
    for (const char* text : {"--config ", "--version", "LOCUST_USER_CLASSES", "LOCUSTPP_THREADS",
                             "LOCUST_MASTER_NODE_HOST", "pyproject.toml"}) {
      EXPECT_THAT(exit.out, HasSubstr(text));
    }
    EXPECT_THAT(exit.out, testing::Not(HasSubstr("--slave")));
  }
}

TEST(Options, HelpFitsATerminal) {
  const auto result = run({"--help"});
  const std::string& text = std::get<Exit>(result).out;
  std::size_t start = 0;
  for (std::size_t end = text.find('\n'); end != text.npos; end = text.find('\n', start)) {
    EXPECT_LT(end - start, 80U) << text.substr(start, end - start);
    start = end + 1;
  }
  EXPECT_EQ(start, text.size());
}

TEST(Options, Version) {
  for (const char* argument : {"--version", "-V"}) {
    const auto result = run({argument});
    ASSERT_TRUE(std::holds_alternative<Exit>(result));
    EXPECT_EQ(std::get<Exit>(result).code, 0);
    EXPECT_EQ(std::get<Exit>(result).out, "locust-worker " LOCUSTPP_VERSION
                                          " (speaks the protocol of Locust 2.13.0 to 2.47.0)\n");
  }
}

// An option that no test above spells would be one that nobody checks.
TEST(Options, TheTableIsTheListOfThisTest) {
  for (const OptionSpec& spec : option_table()) {
    if (spec.group == Group::refused) continue;
    const std::string& name = spec.long_name();
    if (name == "--help" || name == "--version" || name == "--config" || name == "--autoquit" ||
        name == "--csv-full-history") {
      continue;  // they need others beside them, and have tests of their own
    }
    const auto* stock = std::find_if(std::begin(kStock), std::end(kStock),
                                     [&](const StockOption& s) { return s.name == name; });
    ASSERT_NE(stock, std::end(kStock)) << name;
    EXPECT_EQ(spec.variable, stock->variable) << name;
    EXPECT_EQ(spec.arity == Arity::flag, stock->value[0] == '\0') << name;
  }
}

}  // namespace
}  // namespace locust::cli
