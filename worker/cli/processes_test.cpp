// --processes: exit codes and signals, by real forks. Each test forks once itself, so that the
// parent of the workers is a process of its own.
#include "cli/processes.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <functional>
#include <vector>

namespace locust::cli {
namespace {

class ForkWorkersTest : public testing::Test {
 protected:
  ForkWorkersTest() { EXPECT_EQ(pipe2(started_, O_CLOEXEC), 0); }
  ~ForkWorkersTest() override {
    // Nothing may be left behind, whatever went wrong.
    for (const pid_t worker : workers) kill(worker, SIGKILL);
    close(started_[0]);
    close(started_[1]);
  }

  // A process that forks so many workers; each tells its pid and does `work`, whose result is its
  // exit code.
  void start(int count, const std::function<int()>& work,
             const std::function<void()>& before = {}) {
    parent = fork();
    ASSERT_GE(parent, 0);
    if (parent == 0) {
      if (before) before();
      const auto code = fork_workers(count);
      if (code) _exit(*code);
      const pid_t self = getpid();
      if (write(started_[1], &self, sizeof(self)) != sizeof(self)) _exit(99);
      _exit(work());
    }
    for (int i = 0; i < count && !before; ++i) {
      pollfd ready{started_[0], POLLIN, 0};
      ASSERT_EQ(poll(&ready, 1, 10'000), 1) << "a worker did not start";
      pid_t worker = 0;
      ASSERT_EQ(read(started_[0], &worker, sizeof(worker)), static_cast<ssize_t>(sizeof(worker)));
      workers.push_back(worker);
    }
  }
  int exit_code() const {
    int status = 0;
    EXPECT_EQ(waitpid(parent, &status, 0), parent);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  }

  pid_t parent = 0;
  std::vector<pid_t> workers;

 private:
  int started_[2] = {-1, -1};
};

int wait_for_a_signal() {
  for (;;) pause();
}

TEST_F(ForkWorkersTest, AllWellIsZero) {
  start(3, [] { return 0; });
  EXPECT_EQ(exit_code(), 0);
  workers.clear();
}

// main.py: exit_code = max(exit_code, child_exit_code)
TEST_F(ForkWorkersTest, LargestExitCodeWins) {
  int tickets[2];
  ASSERT_EQ(pipe(tickets), 0);
  ASSERT_EQ(write(tickets[1], "\3\0\1", 3), 3);
  start(3, [&] {
    char code = 9;
    return read(tickets[0], &code, 1) == 1 ? code : 99;
  });
  EXPECT_EQ(exit_code(), 3);
  workers.clear();
  close(tickets[0]);
  close(tickets[1]);
}

TEST_F(ForkWorkersTest, WorkerKilledBySignalIsNoSuccess) {
  start(2, wait_for_a_signal);
  kill(workers[0], SIGKILL);
  kill(workers[1], SIGKILL);
  EXPECT_EQ(exit_code(), 128 + SIGKILL);
  workers.clear();
}

TEST_F(ForkWorkersTest, WaitsForTheLastOne) {
  start(2, wait_for_a_signal);
  kill(workers[0], SIGKILL);
  // The parent has taken note of it, and goes on waiting.
  for (int i = 0; i < 5000 && kill(workers[0], 0) == 0; ++i) usleep(1000);
  int status = 0;
  EXPECT_EQ(waitpid(parent, &status, WNOHANG), 0);
  kill(workers[1], SIGKILL);
  exit_code();
  workers.clear();
}

TEST_F(ForkWorkersTest, SigtermIsPassedOn) {
  start(2, wait_for_a_signal);
  kill(parent, SIGTERM);
  EXPECT_EQ(exit_code(), 128 + SIGTERM);
  workers.clear();
}

// The terminal has sent the first one to the workers as well; at the second, they are killed.
TEST_F(ForkWorkersTest, FirstSigintIsLeftToTheWorkersAndTheSecondKills) {
  start(2, [] {
    std::signal(SIGINT, SIG_IGN);
    return wait_for_a_signal();
  });
  kill(parent, SIGINT);
  // A second one that is sent at once would be the same pending signal.
  for (int i = 0; i < 5000; ++i) {
    kill(parent, SIGINT);
    int status = 0;
    if (waitpid(parent, &status, WNOHANG) == parent) {
      EXPECT_TRUE(WIFEXITED(status));
      EXPECT_EQ(WEXITSTATUS(status), 128 + SIGKILL);
      workers.clear();
      return;
    }
    usleep(1000);
  }
  FAIL() << "still running";
}

// Signals are blocked in the waiting parent only.
TEST_F(ForkWorkersTest, WorkersHaveTheSignalMaskOfBefore) {
  start(1, [] {
    sigset_t mask;
    sigprocmask(SIG_BLOCK, nullptr, &mask);
    const bool blocked =
        sigismember(&mask, SIGTERM) || sigismember(&mask, SIGINT) || sigismember(&mask, SIGCHLD);
    return blocked ? 1 : 0;
  });
  EXPECT_EQ(exit_code(), 0);
  workers.clear();
}

TEST_F(ForkWorkersTest, ProcessThatCannotBeStartedIsAnError) {
  start(
      2, [] { return 0; },
      [] {
        // The limit does not bind root.
        if (geteuid() == 0 && setuid(65534) != 0) _exit(98);
        const rlimit none{0, 0};
        setrlimit(RLIMIT_NPROC, &none);
        const int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
        dup2(nowhere, STDERR_FILENO);
      });
  EXPECT_EQ(exit_code(), 1);
}

}  // namespace
}  // namespace locust::cli
