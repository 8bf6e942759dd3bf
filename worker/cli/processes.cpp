#include "cli/processes.h"

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <vector>

namespace locust::cli {

namespace {

int exit_code_of(int status) {
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

void signal_all(const std::vector<pid_t>& children, int number) {
  for (const pid_t child : children) kill(child, number);
}

int wait_for(std::vector<pid_t> children, const sigset_t& signals, int code) {
  bool interrupted = false;
  while (!children.empty()) {
    const int number = sigwaitinfo(&signals, nullptr);
    if (number == SIGTERM) signal_all(children, SIGTERM);
    if (number == SIGINT && interrupted) {
      signal_all(children, SIGKILL);
      code = std::max(code, 1);
    }
    interrupted = interrupted || number == SIGINT;
    int status = 0;
    for (pid_t child = waitpid(-1, &status, WNOHANG); child > 0;
         child = waitpid(-1, &status, WNOHANG)) {
      std::erase(children, child);
      code = std::max(code, exit_code_of(status));
    }
  }
  return code;
}

}  // namespace

std::optional<int> fork_workers(int count) {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int number : {SIGTERM, SIGINT, SIGCHLD}) sigaddset(&signals, number);
  sigset_t before;
  pthread_sigmask(SIG_BLOCK, &signals, &before);
  std::vector<pid_t> children;
  int code = 0;
  for (int i = 0; i < count; ++i) {
    const pid_t child = fork();
    if (child == 0) {
      pthread_sigmask(SIG_SETMASK, &before, nullptr);
      return std::nullopt;
    }
    if (child < 0) {
      std::perror("locust-worker: cannot start a process");
      signal_all(children, SIGTERM);
      code = 1;
      break;
    }
    children.push_back(child);
  }
  return wait_for(std::move(children), signals, code);
}

}  // namespace locust::cli
