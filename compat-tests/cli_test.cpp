// The command line of locust-worker as somebody at a terminal meets it: a run without a master, the
// status line, the Python twin, completion, manual pages.
#include <gmock/gmock.h>

#include <csignal>
#include <fstream>
#include <map>
#include <memory>
#include <regex>

#include "harness/compat_test.h"
#include "harness/terminal.h"

namespace compat {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

// Tmux starts it by another one, which would not hand a prompt on.
const std::string shell = "env PS1='ready> ' /bin/bash --norc --noprofile";

// Until the shell waits for a command.
void wait_for_prompt(const Terminal& terminal) {
  eventually("the prompt", [&] {
    const std::string screen = terminal.screen();
    const std::string text = screen.substr(0, screen.find_last_not_of(" \n") + 1);
    return Seen{text == "ready>" || text.ends_with("\nready>"), screen};
  });
}

std::unique_ptr<Process> start(TempDir& dir, std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), binary("locust-worker").string());
  return std::make_unique<Process>(dir, "program", std::move(arguments));
}

class Cli : public ::testing::Test {
 protected:
  TempDir& dir() { return dir_; }
  // Where its standard streams are files.
  std::unique_ptr<Process> program(std::vector<std::string> arguments) {
    return start(dir_, std::move(arguments));
  }

 private:
  TempDir dir_;
};

// ---- a run without a master ----

struct Summary {
  std::int64_t requests = -1;
  std::int64_t failures = -1;
};

// The last row of a table for this name.
Summary summary_of(const std::string& log, const std::string& name) {
  const std::regex row("\n[A-Z]* +" + name + " +([0-9]+) +([0-9]+)\\(");
  Summary result;
  for (std::sregex_iterator it(log.begin(), log.end(), row), end; it != end; ++it) {
    result = {std::stoll((*it)[1]), std::stoll((*it)[2])};
  }
  return result;
}

TEST_F(Cli, AFirstNumberWithNoFileAtAll) {
  const Target target(dir());
  const auto run = program({target.url() + "/hello/", "-u", "3", "-t", "3s"});
  EXPECT_EQ(run->wait_for_exit(), 0) << run->log();
  const Summary row = summary_of(run->log(), "/hello/");
  const Summary total = summary_of(run->log(), "Aggregated");
  // Those that were on their way at the end are not counted.
  EXPECT_GT(row.requests, 0) << run->log();
  EXPECT_LE(row.requests, target.served()) << run->log();
  EXPECT_GE(row.requests, target.served() - 3) << run->log();
  EXPECT_EQ(total.requests, row.requests) << run->log();
  EXPECT_EQ(row.failures, 0) << run->log();
  EXPECT_THAT(run->log(), HasSubstr("Response time percentiles (approximated)"));
  EXPECT_THAT(run->log(), Not(HasSubstr("\033")));
}

TEST_F(Cli, FailuresMakeTheExitCode) {
  const Target target(dir());
  const auto run = program({target.url() + "/nope", "-u", "1", "-t", "2s", "--only-summary"});
  EXPECT_EQ(run->wait_for_exit(), 1) << run->log();
  const Summary row = summary_of(run->log(), "/nope");
  EXPECT_GT(row.requests, 0) << run->log();
  EXPECT_EQ(row.failures, row.requests) << run->log();
  EXPECT_THAT(run->log(), HasSubstr("Error report"));
  EXPECT_THAT(run->log(), HasSubstr("GET /nope: "));
  EXPECT_THAT(run->log(), HasSubstr("code=404"));
}

TEST_F(Cli, NoAnswerIsNoSuccess) {
  const Target slow(dir(), 1h);
  const auto run = program({slow.url() + "/hello/", "-t", "1s"});
  EXPECT_EQ(run->wait_for_exit(), 1) << run->log();
  EXPECT_THAT(run->log(), HasSubstr("No request has been answered."));
}

TEST_F(Cli, ASignalEndsItEarlyWithTheSummary) {
  const Target target(dir());
  const auto run = program({target.url() + "/hello/", "-t", "1h"});
  run->wait_for_line("Aggregated");  // of the first table
  run->signal(SIGINT);
  EXPECT_EQ(run->wait_for_exit(), 0) << run->log();
  EXPECT_THAT(run->log(), HasSubstr("Interrupted, shutting down"));
  EXPECT_THAT(run->log(), HasSubstr("Response time percentiles (approximated)"));
  EXPECT_GT(summary_of(run->log(), "/hello/").requests, 0) << run->log();
}

TEST_F(Cli, SpawnsAtTheRateThatIsWanted) {
  const Target target(dir());
  const auto run = program({target.url() + "/hello/", "-u", "3", "-r", "1", "-t", "1h"});
  run->wait_for_line("All users spawned: 3");
  run->signal(SIGTERM);
  EXPECT_EQ(run->wait_for_exit(), 0) << run->log();
}

// ---- with a master ----

// Everything above the status line is whole lines of the log, or what the shell shows.
void expect_whole_lines(const std::vector<std::string>& rows) {
  static const std::regex log_line("\\[[-0-9]+ [0-9:,]+\\] [^ ]+/[A-Z]+/locust(pp|\\.[a-z]+): .+");
  for (std::size_t i = 0; i + 1 < rows.size(); ++i) {
    if (rows[i].starts_with("[")) {
      EXPECT_TRUE(std::regex_match(rows[i], log_line)) << rows[i];
    }
    EXPECT_THAT(rows[i], Not(HasSubstr("req/s"))) << i;
  }
}

class EndMasterCli : public CompatTest {
 protected:
  // `worker`: the command but for the master's port.
  void shows_a_status_line(const std::string& worker);
};

TEST_P(EndMasterCli, AMasterRunsByThePrintedLocustfile) {
  const Target target(dir());
  const auto print = start(dir(), {"-f", "hello.cpp", "--print-locustfile"});
  ASSERT_EQ(print->wait_for_exit(), 0) << print->log();
  std::ofstream(dir().path() / "twin.py") << print->log();

  const auto locust = master((dir().path() / "twin").string(), {"-s", "5"});
  const auto native = worker(*locust, "hello");
  locust->wait_for_workers(1);
  locust->swarm(2, 2, target.url());
  locust->wait_until("requests", [](const Json& s) { return requests(total(s)) > 0; });
  locust->stop();
  locust->wait_for_end();
  wait_for_equal_counts(*locust, target);
  EXPECT_TRUE(locust->tasks().at("per_class").contains("HelloUser"));
}

void EndMasterCli::shows_a_status_line(const std::string& worker) {
  const Target target(dir());
  const auto locust = master("hello", {"-s", "5"});
  Terminal terminal(dir(), shell);
  wait_for_prompt(terminal);
  terminal.enter("seq 100");  // from now on each line scrolls the screen
  terminal.wait_for_last_row("ready>");
  terminal.enter(worker + " --master-port " + std::to_string(locust->port()));
  terminal.wait_for_last_row("| master 127.0.0.1:" + std::to_string(locust->port()) + " connected");
  EXPECT_THAT(terminal.last_row(), HasSubstr("0 users | 0.0 req/s | 0 failures (0.00%)"));

  locust->wait_for_workers(1);
  locust->swarm(2, 2, target.url());
  terminal.wait_for_last_row("2 users");
  static const std::regex busy(
      "2 users \\| [1-9][0-9]*\\.[0-9] req/s \\| 0 failures \\(0.00%\\) "
      "\\| p50 [1-9][0-9]* ms, p95 [1-9][0-9]* ms \\| .* connected");
  eventually("a rate", [&] {
    const std::string row = terminal.last_row();
    return Seen{std::regex_search(row, busy), row};
  });
  locust->swarm(1, 1, target.url());
  terminal.wait_for_last_row("1 users");
  expect_whole_lines(terminal.rows());

  terminal.resize(100, 30);
  eventually("the line in the new last row", [&] {
    const auto rows = terminal.rows();
    return Seen{rows.size() == 30 && rows.back().find("1 users") != std::string::npos,
                terminal.screen()};
  });

  // Ctrl-C: the row is given back, and the whole screen scrolls again.
  terminal.press("C-c");
  terminal.wait_for("Shutting down (exit code");
  wait_for_prompt(terminal);
  EXPECT_THAT(terminal.screen(), Not(HasSubstr("req/s")));
  terminal.enter("seq 100");
  terminal.wait_for_last_row("ready>");
}

TEST_P(EndMasterCli, AStatusLineInATerminal) {
  shows_a_status_line(binary("locust-worker").string() + " -L DEBUG -f hello.cpp");
}

#ifdef COMPAT_PYTHON
TEST_P(EndMasterCli, AStatusLineOfAPythonWorker) {
  shows_a_status_line("PYTHONPATH=" + python_package_folder().string() + " " +
                      python_tool(version(), "python").string() + " -m locustpp -L DEBUG -f " +
                      locustfile("hello").string() + " --worker");
}
#endif

INSTANTIATE_TEST_SUITE_P(, EndMasterCli, ::testing::ValuesIn(end_versions()), version_name);

// ---- what a worker says of its start ----

TEST_F(Cli, AMasterWhoseNameNobodyKnows) {
  const auto run = program({"-f", "hello.cpp", "--worker", "--master-host", "nowhere.invalid"});
  run->wait_for_line("The master's name nowhere.invalid cannot be resolved (");
  run->signal(SIGTERM);
  EXPECT_EQ(run->wait_for_exit(), 143) << run->log();
}

TEST_F(Cli, AWaitThatIsNoNumber) {
  const std::string name = "LOCUST_WORKER_ADDITIONAL_WAIT_BEFORE_READY_AFTER_STOP";
  Process run(dir(), "program",
              {"/usr/bin/env", name + "=soon", binary("locust-worker").string(), "-f", "hello.cpp",
               "--worker"});
  EXPECT_EQ(run.wait_for_exit(), 1) << run.log();
  EXPECT_THAT(run.log(), HasSubstr(name + " must be a whole number of seconds: 'soon'"));
}

TEST_F(Cli, AUrlWithoutItsScheme) {
  const auto run = program({"127.0.0.1:1/hello/"});
  EXPECT_EQ(run->wait_for_exit(), 2) << run->log();
  EXPECT_THAT(run->log(), HasSubstr("to request a URL, write http://127.0.0.1:1/hello/"));
}

// ---- where there shall be no status line ----

TEST_F(Cli, NoStatusLineWhereNobodyWantsIt) {
  const std::string worker =
      binary("locust-worker").string() + " -L DEBUG -f hello.cpp --master-port 1";
  // The first one has a line: then so had the others, if they wanted to.
  const std::vector<std::string> commands = {worker, worker + " --no-status",
                                             "LOCUSTPP_NO_STATUS=1 " + worker,
                                             "TERM=dumb " + worker, worker + " --processes 2"};
  std::vector<std::unique_ptr<Terminal>> terminals;
  for (const std::string& command : commands) {
    terminals.push_back(std::make_unique<Terminal>(dir(), shell));
    wait_for_prompt(*terminals.back());
    terminals.back()->enter(command);
  }
  for (std::size_t i = 0; i < commands.size(); ++i) {
    terminals[i]->wait_for("retry 1/");  // 5 s after the start
    EXPECT_EQ(terminals[i]->screen().find("req/s") != std::string::npos, i == 0) << commands[i];
  }
}

TEST_F(Cli, ColoursOnlyOnATerminal) {
  const auto help = program({"--help"});
  EXPECT_EQ(help->wait_for_exit(), 0);
  EXPECT_THAT(help->log(), Not(HasSubstr("\033")));
  const auto wrong = program({"--wrong"});
  EXPECT_EQ(wrong->wait_for_exit(), 2);
  EXPECT_THAT(wrong->log(), Not(HasSubstr("\033")));

  Terminal terminal(dir(), shell);
  wait_for_prompt(terminal);
  const std::string command = binary("locust-worker").string() + " --wrong; echo end-of-it";
  const std::string red = "\033[1m\033[31merror:";
  terminal.enter(command);
  terminal.wait_for("unrecognized arguments: --wrong");
  EXPECT_THAT(terminal.coloured_screen(), HasSubstr(red));
  terminal.enter("clear; NO_COLOR=1 " + command);
  eventually("the second answer", [&] {
    const std::string screen = terminal.coloured_screen();
    return Seen{screen.find("error:") != std::string::npos && screen.find(red) == std::string::npos,
                screen};
  });
}

// ---- completion and manual pages ----

struct Shell {
  std::string command;
  std::string start;  // %: the folder of the completion files
};

const std::map<std::string, Shell> shells = {
    {"bash", {shell, ". %/bash/locust-worker; . %/bash/hello-target\n"}},
    {"zsh",
     {"env PS1='ready> ' /usr/bin/zsh -f",
      "fpath=(%/zsh $fpath); autoload -U compinit; compinit -u -D\n"}},
    {"fish",
     {"/usr/bin/fish --no-config",
      "function fish_prompt; echo -n 'ready> '; end\n"
      ". %/fish/locust-worker.fish; . %/fish/hello-target.fish\n"}}};

class Completion : public Cli, public ::testing::WithParamInterface<std::string> {};

TEST_P(Completion, OfOptionsAndTheirValues) {
  const Path folder = binary("locust-worker").parent_path().parent_path() / "completions";
  std::string start = shells.at(GetParam()).start + "echo complete and ready\n";
  for (auto at = start.find('%'); at != std::string::npos; at = start.find('%')) {
    start.replace(at, 1, folder.string());
  }
  std::ofstream(dir().path() / "start") << start;
  // Not the wishes of whoever runs the tests.
  const std::string path =
      "PATH=" + binary("locust-worker").parent_path().string() + ":/usr/bin:/bin";
  // A shell for each: one that is still busy with a completion may not take notice of Ctrl-C.
  const auto completes = [&](const std::string& typed, const std::string& expected) {
    Terminal terminal(dir(), shells.at(GetParam()).command, {path});
    terminal.enter(". ./start");
    terminal.wait_for("complete and ready");
    wait_for_prompt(terminal);
    terminal.type(typed);
    terminal.press("Tab");
    terminal.wait_for(expected);
  };
  completes("locust-worker --master-h", "locust-worker --master-host");
  completes("locust-worker --print-l", "locust-worker --print-locustfile");
  completes("locust-worker --loglevel WAR", "locust-worker --loglevel WARNING");
  completes("locust-worker --logfile sta", "locust-worker --logfile start");
  completes("hello-target --error-r", "hello-target --error-rate");
}

INSTANTIATE_TEST_SUITE_P(, Completion, ::testing::Values("bash", "zsh", "fish"),
                         [](const auto& test) { return test.param; });

TEST_F(Cli, ManualPagesAreWhole) {
  for (const std::string name : {"locust-worker", "hello-target"}) {
    const Path page = binary("locust-worker").parent_path().parent_path() / "man" / (name + ".1");
    // What it shows goes to a file, so that the log has its complaints only.
    Process man(dir(), "man",
                {"/bin/sh", "-c", "man --warnings -l " + page.string() + " > " + name + ".txt"},
                {"MANWIDTH=200", "LC_ALL=C.UTF-8"});
    EXPECT_EQ(man.wait_for_exit(), 0);
    EXPECT_EQ(man.log(), "");
    const std::string text = read_file(dir().path() / (name + ".txt"));
    EXPECT_THAT(text, HasSubstr("\n       " + name + " - "));
    EXPECT_THAT(text, HasSubstr("--help"));
  }
}

}  // namespace
}  // namespace compat
