// One line on stdout for each answer, in the common log format.
#pragma once

#include <string>
#include <string_view>

namespace hello {

// Of one reactor: lines gather here until flush().
class AccessLog {
 public:
  // `request` is what arrived, at least its first line; `answer` what leaves, from its status line.
  void add(int socket, std::string_view request, std::string_view answer);
  bool empty() const { return lines_.empty(); }
  void flush();

 private:
  std::string lines_;
};

// For a log line: the request line, with what could forge another line or end the quotes escaped.
std::string quoted_request_line(std::string_view request);

}  // namespace hello
