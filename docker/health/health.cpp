// locustpp-health: tells whether what runs in this container works, for the health checks of
// Docker, ECS and Kubernetes. It looks at /proc, so that a worker needs no port of its own; only
// hello-target is asked by HTTP.
#include <arpa/inet.h>
#include <dirent.h>
#include <netdb.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <optional>
#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace {

using namespace std::chrono_literals;

// A worker and a master wake at least once a second, for a heartbeat.
constexpr auto kPatience = 2500ms;
constexpr auto kBetweenLooks = 100ms;
constexpr timeval kHttpTimeout{2, 0};

struct Process {
  int pid = 0;
  std::string program;                 // such as "locust", also where Python runs it
  std::vector<std::string> arguments;  // of the program
  std::vector<std::string> environment;
};

struct Verdict {
  bool healthy = false;
  std::string text;
};

std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::vector<std::string> split_at_nul(const std::string& text) {
  std::vector<std::string> parts;
  std::istringstream stream(text);
  for (std::string part; std::getline(stream, part, '\0');) parts.push_back(part);
  return parts;
}

std::vector<std::string> names_in(const std::string& folder) {
  std::vector<std::string> names;
  DIR* entries = ::opendir(folder.c_str());
  if (entries == nullptr) return names;
  while (const dirent* entry = ::readdir(entries)) names.emplace_back(entry->d_name);
  ::closedir(entries);
  return names;
}

std::string folder_of(const Process& process) { return "/proc/" + std::to_string(process.pid); }

std::string base_name(const std::string& path) { return path.substr(path.rfind('/') + 1); }

// "python3 /opt/bin/locust -f x" and "python3 -m locustpp -f x" are the program after Python.
std::optional<Process> read_process(int pid) {
  Process process;
  process.pid = pid;
  std::vector<std::string> words = split_at_nul(read_file(folder_of(process) + "/cmdline"));
  if (words.empty()) return {};
  auto program = words.begin();
  if (base_name(*program).starts_with("python")) {
    ++program;
    if (program != words.end() && *program == "-m") ++program;
  }
  if (program == words.end()) return {};
  process.program = base_name(*program);
  process.arguments.assign(program + 1, words.end());
  process.environment = split_at_nul(read_file(folder_of(process) + "/environ"));
  return process;
}

// All that this image may have started, oldest first: Locust forks with --processes.
std::vector<Process> find_processes() {
  static const std::set<std::string> kOurs = {"locust", "locustpp", "locust-worker",
                                              "hello-target"};
  std::vector<Process> found;
  for (const std::string& name : names_in("/proc")) {
    if (!std::all_of(name.begin(), name.end(), [](unsigned char c) { return std::isdigit(c); })) {
      continue;
    }
    auto process = read_process(std::atoi(name.c_str()));
    if (process && kOurs.contains(process->program)) found.push_back(std::move(*process));
  }
  std::sort(found.begin(), found.end(),
            [](const Process& a, const Process& b) { return a.pid < b.pid; });
  return found;
}

// The value of an option: "--x v", "--x=v", else that of the variable, which the check may have
// been given as well, else the default.
std::string setting(const Process& process, const std::string& option, const std::string& variable,
                    const std::string& otherwise) {
  const auto& arguments = process.arguments;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    if (arguments[i] == option && i + 1 < arguments.size()) return arguments[i + 1];
    if (arguments[i].starts_with(option + "=")) return arguments[i].substr(option.size() + 1);
  }
  for (const std::string& entry : process.environment) {
    if (entry.starts_with(variable + "=")) return entry.substr(variable.size() + 1);
  }
  const char* own = std::getenv(variable.c_str());
  return own == nullptr ? otherwise : own;
}

bool has_flag(const Process& process, const std::string& option, const std::string& variable) {
  const auto& arguments = process.arguments;
  if (std::find(arguments.begin(), arguments.end(), option) != arguments.end()) return true;
  std::string value = setting(process, option, variable, "");
  std::transform(value.begin(), value.end(), value.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return value == "true" || value == "yes" || value == "1";
}

// 'R', 'S', 'T', …: the field after the name in brackets, which may hold anything.
char state_of(const Process& process) {
  const std::string stat = read_file(folder_of(process) + "/stat");
  const auto bracket = stat.rfind(')');
  return bracket == std::string::npos || bracket + 2 >= stat.size() ? 'X' : stat[bracket + 2];
}

// How often its threads have gone to sleep by themselves.
long long sleeps_of(const Process& process) {
  constexpr std::string_view kField = "\nvoluntary_ctxt_switches:";
  long long sum = 0;
  for (const std::string& thread : names_in(folder_of(process) + "/task")) {
    const std::string status = read_file(folder_of(process) + "/task/" + thread + "/status");
    const auto field = status.find(kField);
    if (field != std::string::npos) sum += std::atoll(status.c_str() + field + kField.size());
  }
  return sum;
}

Verdict check_alive(const Process& process) {
  const char state = state_of(process);
  if (state == 'Z' || state == 'X') return {false, process.program + " has ended"};
  if (state == 'T' || state == 't') return {false, process.program + " is suspended"};
  const long long before = sleeps_of(process);
  const auto end = std::chrono::steady_clock::now() + kPatience;
  while (std::chrono::steady_clock::now() < end) {
    std::this_thread::sleep_for(kBetweenLooks);
    if (sleeps_of(process) != before) return {true, process.program + " is alive"};
  }
  return {false, process.program + " hangs: none of its threads has moved"};
}

std::set<std::string> sockets_of(const std::vector<Process>& processes) {
  std::set<std::string> inodes;
  for (const Process& process : processes) {
    const std::string folder = folder_of(process) + "/fd";
    for (const std::string& name : names_in(folder)) {
      char target[64];
      const ssize_t size = ::readlink((folder + "/" + name).c_str(), target, sizeof target);
      const std::string text(target, size > 0 ? static_cast<std::size_t>(size) : 0);
      if (text.starts_with("socket:[")) inodes.insert(text.substr(8, text.size() - 9));
    }
  }
  return inodes;
}

enum class Side { kLocal = 1, kRemote = 2 };  // column of /proc/net/tcp
constexpr std::string_view kEstablished = "01", kListens = "0A";

// Whether one of the processes has a TCP socket in that state with that port on that side.
bool has_socket(const std::vector<Process>& processes, Side side, int port,
                std::string_view state) {
  char suffix[8];
  std::snprintf(suffix, sizeof suffix, ":%04X", static_cast<unsigned>(port) & 0xffffu);
  const std::set<std::string> inodes = sockets_of(processes);
  for (const char* table : {"/net/tcp", "/net/tcp6"}) {
    std::istringstream lines(read_file(folder_of(processes.front()) + table));
    for (std::string line; std::getline(lines, line);) {
      std::istringstream words(line);
      const std::vector<std::string> columns{std::istream_iterator<std::string>(words), {}};
      if (columns.size() > 9 && columns[static_cast<std::size_t>(side)].ends_with(suffix) &&
          columns[3] == state && inodes.contains(columns[9])) {
        return true;
      }
    }
  }
  return false;
}

int port_setting(const Process& process, const std::string& option, const std::string& variable,
                 const std::string& otherwise) {
  return std::atoi(setting(process, option, variable, otherwise).c_str());
}

Verdict check_worker(const std::vector<Process>& processes) {
  const Process& first = processes.front();
  const std::string host = setting(first, "--master-host", "LOCUST_MASTER_NODE_HOST", "127.0.0.1");
  const int port = port_setting(first, "--master-port", "LOCUST_MASTER_NODE_PORT", "5557");
  const std::string master = "its master " + host + ":" + std::to_string(port);
  if (has_socket(processes, Side::kRemote, port, kEstablished)) {
    return {true, first.program + " is connected to " + master};
  }
  return {false, first.program + " is not connected to " + master};
}

Verdict check_listening(const std::vector<Process>& processes, int port) {
  const std::string where = " on port " + std::to_string(port);
  if (has_socket(processes, Side::kLocal, port, kListens)) {
    return {true, processes.front().program + " listens" + where};
  }
  return {false, processes.front().program + " does not listen" + where};
}

// A master, or Locust on its own: stock Locust both.
Verdict check_other_locust(const std::vector<Process>& processes) {
  const Process& first = processes.front();
  Verdict verdict{true, "locust is alive"};
  if (has_flag(first, "--master", "LOCUST_MODE_MASTER")) {
    verdict = check_listening(
        processes, port_setting(first, "--master-bind-port", "LOCUST_MASTER_BIND_PORT", "5557"));
  }
  if (verdict.healthy && !has_flag(first, "--headless", "LOCUST_HEADLESS")) {
    const std::string port = setting(first, "-P", "LOCUST_WEB_PORT", "8089");
    verdict = check_listening(processes, port_setting(first, "--web-port", "", port));
  }
  return verdict;
}

int connect_to(const std::string& host, const std::string& port) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV;
  addrinfo* address = nullptr;
  if (::getaddrinfo(host.c_str(), port.c_str(), &hints, &address) != 0) return -1;
  const int socket = ::socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  ::setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &kHttpTimeout, sizeof kHttpTimeout);
  ::setsockopt(socket, SOL_SOCKET, SO_SNDTIMEO, &kHttpTimeout, sizeof kHttpTimeout);
  const bool connected = ::connect(socket, address->ai_addr, address->ai_addrlen) == 0;
  ::freeaddrinfo(address);
  if (connected) return socket;
  ::close(socket);
  return -1;
}

Verdict check_target(const Process& process) {
  std::string host = setting(process, "--host", "TARGET_HOST", "0.0.0.0");
  if (host == "0.0.0.0") host = "127.0.0.1";
  if (host == "::") host = "::1";
  const std::string port = setting(process, "--port", "TARGET_PORT", "8000");
  const std::string what = "hello-target on port " + port;
  const int socket = connect_to(host, port);
  if (socket < 0) return {false, what + " takes no connection"};
  constexpr std::string_view kRequest =
      "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
  constexpr std::string_view kStatus = "HTTP/1.1 ";
  std::string answer;
  if (::send(socket, kRequest.data(), kRequest.size(), MSG_NOSIGNAL) > 0) {
    char part[512];
    while (answer.size() < kStatus.size() + 3) {
      const ssize_t size = ::recv(socket, part, sizeof part, 0);
      if (size <= 0) break;
      answer.append(part, static_cast<std::size_t>(size));
    }
  }
  ::close(socket);
  if (!answer.starts_with(kStatus)) return {false, what + " does not answer"};
  const std::string status = answer.substr(kStatus.size(), 3);
  return {status == "200", what + " answers " + status};
}

Verdict check(bool only_alive) {
  const std::vector<Process> processes = find_processes();
  if (processes.empty()) return {false, "neither Locust nor hello-target runs here"};
  const Process& first = processes.front();
  if (first.program == "hello-target" && !only_alive) return check_target(first);
  Verdict verdict = check_alive(first);
  if (!verdict.healthy || only_alive) return verdict;
  const bool worker =
      first.program == "locust-worker" || has_flag(first, "--worker", "LOCUST_MODE_WORKER");
  return worker ? check_worker(processes) : check_other_locust(processes);
}

}  // namespace

int main(int argc, char** argv) {
  const std::string_view option = argc > 1 ? argv[1] : "";
  if (argc > 2 || (!option.empty() && option != "--alive")) {
    std::puts(
        "usage: locustpp-health [--alive]\n\n"
        "Ends with 0 if the worker here is connected to its master, if the master or web "
        "interface\n"
        "here listens, or if hello-target answers. --alive asks only whether the program still "
        "moves,\n"
        "which a worker does that waits for its master: the question for whoever would restart "
        "it.");
    return option == "--help" || option == "-h" ? 0 : 2;
  }
  const Verdict verdict = check(option == "--alive");
  std::puts(verdict.text.c_str());
  return verdict.healthy ? 0 : 1;
}
