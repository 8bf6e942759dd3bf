// For the tests: hello-target as a process of its own.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <string>
#include <vector>

namespace hello {

// Both of its outputs come through one pipe.
class Process {
 public:
  // `descriptors`: the most it may have open; 0: as many as this process.
  explicit Process(const std::vector<std::string>& arguments, int descriptors = 0) {
    int ends[2];
    EXPECT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_adddup2(&actions, ends[1], 1);
    ::posix_spawn_file_actions_adddup2(&actions, ends[1], 2);
    std::vector<std::string> words{
        "/bin/sh", "-c",
        (descriptors > 0 ? "ulimit -n " + std::to_string(descriptors) + "; " : "") +
            "exec \"$0\" \"$@\"",
        HELLO_TARGET};
    words.insert(words.end(), arguments.begin(), arguments.end());
    std::vector<char*> argv;
    argv.reserve(words.size() + 1);
    for (std::string& word : words) {
      argv.push_back(word.data());
    }
    argv.push_back(nullptr);
    EXPECT_EQ(::posix_spawn(&pid_, argv[0], &actions, nullptr, argv.data(), environ), 0);
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
  // User and system time so far, in seconds.
  double cpu_seconds() const {
    std::ifstream file("/proc/" + std::to_string(pid_) + "/stat");
    std::string field;
    double ticks = 0;
    for (int i = 1; i <= 15 && file >> field; ++i) {  // the name is "(hello-target)"
      ticks += i >= 14 ? std::stod(field) : 0;
    }
    return ticks / static_cast<double>(::sysconf(_SC_CLK_TCK));
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

// Of the line that it prints first.
inline std::string port_in(const std::string& line) {
  const auto begin = line.rfind(':') + 1;
  return line.substr(begin, line.size() - 1 - begin);
}

}  // namespace hello
