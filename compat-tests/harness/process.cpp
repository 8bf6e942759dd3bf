#include "harness/process.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <string_view>

namespace compat {
namespace {

std::vector<std::string> child_environment(const Path& home,
                                           const std::vector<std::string>& additions) {
  std::vector<std::string> result;
  for (char** variable = environ; *variable != nullptr; ++variable) {
    const std::string_view text = *variable;
    if (text.starts_with("LOCUST_") || text.starts_with("HOME=")) continue;
    result.emplace_back(text);
  }
  result.push_back("HOME=" + home.string());
  result.emplace_back("PYTHONUNBUFFERED=1");
  result.emplace_back("PYTHONDONTWRITEBYTECODE=1");
  result.insert(result.end(), additions.begin(), additions.end());
  return result;
}

std::vector<char*> pointers(std::vector<std::string>& strings) {
  std::vector<char*> result;
  for (std::string& text : strings) result.push_back(text.data());
  result.push_back(nullptr);
  return result;
}

int exit_code(int status) {
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace

Process::Process(TempDir& dir, const std::string& name, std::vector<std::string> command,
                 const std::vector<std::string>& environment)
    : name_(name), log_(dir.new_file(name, ".log")) {
  const int log = ::open(log_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (log < 0) throw std::runtime_error("cannot write " + log_.string());
  std::vector<std::string> variables = child_environment(dir.path(), environment);
  const std::vector<char*> argv = pointers(command);
  const std::vector<char*> envp = pointers(variables);
  const std::string folder = dir.path().string();

  pid_ = ::fork();
  if (pid_ == 0) {
    // The kernel's own guard against leftovers: ctest ends a case that is too slow by SIGKILL.
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    ::setpgid(0, 0);
    ::dup2(log, STDOUT_FILENO);
    ::dup2(log, STDERR_FILENO);
    const int nothing = ::open("/dev/null", O_RDONLY);
    ::dup2(nothing, STDIN_FILENO);
    if (::chdir(folder.c_str()) == 0) ::execve(argv[0], argv.data(), envp.data());
    const char* reason = std::strerror(errno);
    const char* text = "cannot be started: ";
    if (::write(STDERR_FILENO, text, std::strlen(text)) > 0 &&
        ::write(STDERR_FILENO, reason, std::strlen(reason)) > 0) {
      ::_exit(127);
    }
    ::_exit(126);
  }
  ::close(log);
  if (pid_ < 0) throw std::runtime_error("fork failed for " + name);
  ::setpgid(pid_, pid_);
}

Process::~Process() { kill(); }

bool Process::running() {
  if (exit_) return false;
  int status = 0;
  if (::waitpid(pid_, &status, WNOHANG) == pid_) exit_ = exit_code(status);
  return !exit_;
}

void Process::signal(int number) {
  if (!running()) throw std::runtime_error(name_ + " has already ended\n" + log());
  ::kill(pid_, number);
}

std::string Process::wait_for_line(const std::string& text, Duration limit) {
  std::string line;
  bool ended = false;
  eventually(
      name_ + " to write '" + text + "'",
      [&] {
        // Before the log is read: what it wrote before it ended counts.
        ended = !running();
        const std::string all = log();
        const auto at = all.find(text);
        if (at == std::string::npos || all.find('\n', at) == std::string::npos) {
          return Seen{ended, all};
        }
        const auto begin = at == 0 ? std::string::npos : all.rfind('\n', at - 1);
        const auto from = begin == std::string::npos ? 0 : begin + 1;
        line = all.substr(from, all.find('\n', at) - from);
        return Seen{true, all};
      },
      limit, 20ms);
  if (line.empty()) {
    throw std::runtime_error(name_ + " ended with " + std::to_string(*exit_) +
                             " and did not write '" + text + "':\n" + log());
  }
  return line;
}

int Process::wait_for_exit(Duration limit) {
  eventually(
      name_ + " to end",
      [&] {
        return Seen{!running(), "it is running\n" + log()};
      },
      limit, 20ms);
  return *exit_;
}

void Process::kill() {
  if (!exit_) {
    ::kill(-pid_, SIGKILL);
    int status = 0;
    ::waitpid(pid_, &status, 0);
    exit_ = exit_code(status);
  }
  ::kill(-pid_, SIGKILL);
}

}  // namespace compat
