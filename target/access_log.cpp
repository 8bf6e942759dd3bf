#include "target/access_log.h"

#include <fmt/chrono.h>
#include <fmt/core.h>
#include <netdb.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <ctime>

namespace hello {
namespace {

constexpr std::size_t longest_line = 1024;

std::string peer_of(int socket) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  char host[NI_MAXHOST];
  auto* const peer = reinterpret_cast<sockaddr*>(&address);
  const bool known = ::getpeername(socket, peer, &size) == 0 &&
                     ::getnameinfo(peer, size, host, sizeof host, nullptr, 0, NI_NUMERICHOST) == 0;
  return known ? host : "-";
}

}  // namespace

std::string quoted_request_line(std::string_view request) {
  request = request.substr(0, std::min(request.find_first_of("\r\n"), longest_line));
  std::string line;
  for (const char byte : request) {
    const auto code = static_cast<unsigned char>(byte);
    if (code < 0x20 || code >= 0x7f || byte == '"' || byte == '\\') {
      line += fmt::format("\\x{:02x}", code);
    } else {
      line += byte;
    }
  }
  return line;
}

void AccessLog::add(int socket, std::string_view request, std::string_view answer) {
  const std::string_view status = answer.size() > 12 ? answer.substr(9, 3) : "-";
  const std::size_t head = answer.find("\r\n\r\n");
  const std::size_t body = head == answer.npos ? 0 : answer.size() - head - 4;
  lines_ +=
      fmt::format("{} - - [{:%d/%b/%Y:%H:%M:%S +0000}] \"{}\" {} {}\n", peer_of(socket),
                  fmt::gmtime(std::time(nullptr)), quoted_request_line(request), status, body);
}

void AccessLog::flush() {
  std::size_t written = 0;
  while (written < lines_.size()) {
    const ssize_t count = ::write(STDOUT_FILENO, lines_.data() + written, lines_.size() - written);
    if (count > 0) {
      written += static_cast<std::size_t>(count);
    } else if (errno != EINTR) {
      break;  // nobody reads it any more: serving goes on
    }
  }
  lines_.clear();
}

}  // namespace hello
