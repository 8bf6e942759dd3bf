// hello-target as a process: what it prints, its exit codes and its signals.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <httplib.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <initializer_list>
#include <string>
#include <vector>

namespace {

using testing::ContainsRegex;
using testing::StartsWith;

// Both of its outputs come through one pipe.
class Process {
 public:
  Process(std::initializer_list<std::string> arguments) {
    int ends[2];
    EXPECT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_adddup2(&actions, ends[1], 1);
    ::posix_spawn_file_actions_adddup2(&actions, ends[1], 2);
    std::vector<std::string> words{HELLO_TARGET};
    words.insert(words.end(), arguments);
    std::vector<char*> argv;
    argv.reserve(words.size() + 1);
    for (std::string& word : words) {
      argv.push_back(word.data());
    }
    argv.push_back(nullptr);
    EXPECT_EQ(::posix_spawn(&pid_, HELLO_TARGET, &actions, nullptr, argv.data(), environ), 0);
    ::posix_spawn_file_actions_destroy(&actions);
    ::close(ends[1]);
    output_ = ends[0];
  }
  ~Process() {
    ::close(output_);
    if (pid_ > 0) {
      ::kill(pid_, SIGKILL);
      ::waitpid(pid_, nullptr, 0);
    }
  }
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  // With its end; less where the process ended.
  std::string read_line() {
    std::string line;
    char byte = 0;
    while (!line.ends_with('\n') && ::read(output_, &byte, 1) == 1) {
      line += byte;
    }
    return line;
  }
  void signal(int number) { ::kill(pid_, number); }
  // -1 where a signal ended it.
  int exit_code() {
    int status = 0;
    ::waitpid(pid_, &status, 0);
    pid_ = 0;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

 private:
  pid_t pid_ = 0;
  int output_ = -1;
};

std::string port_in(const std::string& line) {
  const auto begin = line.rfind(':') + 1;
  return line.substr(begin, line.size() - 1 - begin);
}

class Signal : public testing::TestWithParam<int> {};

TEST_P(Signal, EndsItWithAnOpenConnection) {
  Process target({"--host", "127.0.0.1", "--port", "0"});
  const std::string line = target.read_line();
  ASSERT_THAT(line, ContainsRegex("^hello-target listening on http://127\\.0\\.0\\.1:[0-9]+\n$"));
  httplib::Client client("127.0.0.1", std::stoi(port_in(line)));
  client.set_keep_alive(true);
  ASSERT_TRUE(client.Get("/hello/"));
  target.signal(GetParam());
  EXPECT_EQ(target.exit_code(), 0);
  EXPECT_EQ(target.read_line(), "");
}

INSTANTIATE_TEST_SUITE_P(Process, Signal, testing::Values(SIGTERM, SIGINT));

TEST(Process, ABusyPortIsOneSentenceAndExitCodeOne) {
  Process first({"--host", "127.0.0.1", "--port", "0"});
  const std::string port = port_in(first.read_line());
  Process second({"--host", "127.0.0.1", "--port", port});
  EXPECT_EQ(second.read_line(),
            "hello-target: cannot listen on 127.0.0.1 port " + port + ": Address already in use\n");
  EXPECT_EQ(second.read_line(), "");
  EXPECT_EQ(second.exit_code(), 1);
}

TEST(Process, ABadOptionIsOneSentenceAndExitCodeTwo) {
  Process target({"--port", "eighty"});
  EXPECT_THAT(target.read_line(), StartsWith("hello-target: --port: "));
  EXPECT_EQ(target.read_line(), "");
  EXPECT_EQ(target.exit_code(), 2);
}

}  // namespace
