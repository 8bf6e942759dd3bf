// cpp-httplib's Stream over memory: a whole request to read, and a string that its answer is added
// to.
#pragma once

#include <httplib.h>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <string>
#include <string_view>

namespace hello {

class MemoryStream final : public httplib::Stream {
 public:
  MemoryStream(std::string_view input, std::string& output) : input_(input), output_(output) {}

  bool is_readable() const override { return true; }
  bool is_writable() const override { return true; }
  ssize_t read(char* data, std::size_t size) override {
    const std::size_t count = std::min(size, input_.size());
    std::memcpy(data, input_.data(), count);
    input_.remove_prefix(count);
    return static_cast<ssize_t>(count);
  }
  ssize_t write(const char* data, std::size_t size) override {
    output_.append(data, size);
    return static_cast<ssize_t>(size);
  }
  // Not asked of the kernel for each request: no handler here wants them.
  void get_remote_ip_and_port(std::string&, int&) const override {}
  void get_local_ip_and_port(std::string&, int&) const override {}
  socket_t socket() const override { return INVALID_SOCKET; }

 private:
  std::string_view input_;
  std::string& output_;
};

}  // namespace hello
