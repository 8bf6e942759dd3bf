#include "target/answerer.h"

#include <fmt/core.h>

#include <utility>

#include "target/memory_stream.h"

namespace hello {
namespace {

const char* reason(int status) {
  switch (status) {
    case 408:
      return "Request Timeout";
    case 413:
      return "Content Too Large";
    case 414:
      return "URI Too Long";
    case 415:
      return "Unsupported Media Type";
    case 417:
      return "Expectation Failed";
    case 431:
      return "Request Header Fields Too Large";
    case 501:
      return "Not Implemented";
    case 503:
      return "Service Unavailable";
    case 505:
      return "HTTP Version Not Supported";
    default:
      return "Bad Request";
  }
}

// Takes out what the reactor has seen to, and what would make cpp-httplib answer otherwise than the
// service it stands for: that neither compresses nor serves parts.
void prepare(httplib::Request& request) {
  request.headers.erase("Accept-Encoding");
  request.headers.erase("Expect");
  request.ranges.clear();
}

}  // namespace

Answerer::Answerer(std::chrono::milliseconds keep_alive)
    : prepare_(prepare), prepare_last_([](httplib::Request& request) {
        prepare(request);
        request.headers.erase("Connection");  // the answer says "close" once, not for both reasons
      }) {
  // Both only appear in the header Keep-Alive: this server does not close a connection by count.
  routes_.set_keep_alive_max_count(1'000'000'000);
  routes_.set_keep_alive_timeout(keep_alive.count() / 1000);
}

void Answerer::answer(std::string_view request, bool keep_alive, std::string& output) {
  MemoryStream stream(request, output);
  bool closed = false;
  routes_.process_request(stream, !keep_alive, closed, keep_alive ? prepare_ : prepare_last_);
}

void Answerer::refuse(int status, std::string& output) const {
  output += fmt::format("HTTP/1.1 {} {}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", status,
                        reason(status));
  if (on_refused_) {
    on_refused_();
  }
}

}  // namespace hello
