#include "http/failure.h"

#include <fmt/core.h>
#include <netdb.h>

#include <cerrno>
#include <system_error>

#include "base/value.h"

namespace locust::http {

namespace {

std::string_view class_of_errno(int number) {
  switch (number) {
    case ECONNREFUSED:
      return "ConnectionRefusedError";
    case ECONNRESET:
      return "ConnectionResetError";
    case ECONNABORTED:
      return "ConnectionAbortedError";
    case EPIPE:
    case ESHUTDOWN:
      return "BrokenPipeError";
    case ETIMEDOUT:
      return "TimeoutError";
    case EAGAIN:
    case EALREADY:
    case EINPROGRESS:
      return "BlockingIOError";
    case EINTR:
      return "InterruptedError";
    case ENOENT:
      return "FileNotFoundError";
    case EACCES:
    case EPERM:
      return "PermissionError";
    default:
      return "OSError";
  }
}

}  // namespace

std::string failure_of_errno(int number) {
  return fmt::format("{}({}, {})", class_of_errno(number), number,
                     repr(std::generic_category().message(number)));
}

std::string failure_of_ports() {
  return fmt::format(
      "OSError({}, 'Cannot assign requested address: no local port is free; widen "
      "net.ipv4.ip_local_port_range (sysctl), keep connections alive or use more source or target "
      "addresses')",
      EADDRNOTAVAIL);
}

std::string failure_of_source_address() {
  return fmt::format(
      "OSError({}, 'Cannot assign requested address: a source address is not of this machine')",
      EADDRNOTAVAIL);
}

std::string failure_of_getaddrinfo(int number) {
  return fmt::format("gaierror({}, {})", number, repr(std::string_view(gai_strerror(number))));
}

std::string failure_timed_out(std::string_view url) {
  return fmt::format("RetriesExceeded({}, 0, original=timed out)", repr(url));
}

std::string failure_closed() { return "HTTPConnectionClosed('connection closed.')"; }

std::string failure_truncated(bool in_head) {
  return in_head ? "HTTPParseError('Invalid EOF state', 14)"
                 : "HTTPParseError('Incomplete response.')";
}

std::string failure_parse(std::string_view reason) {
  return fmt::format("HTTPParseError({})", repr(reason));
}

std::string failure_tls_eof() {
  return "SSLEOFError(8, '[SSL: UNEXPECTED_EOF_WHILE_READING] EOF occurred in violation of "
         "protocol')";
}

std::string failure_of_settings(std::string_view sentence) {
  return fmt::format("ValueError({})", repr(sentence));
}

}  // namespace locust::http
