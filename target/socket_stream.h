// A blocking socket as cpp-httplib's Stream: what arrives is read in large pieces, and an answer
// leaves in one piece (cpp-httplib by itself sends headers and body apart).
#pragma once

#include <httplib.h>

#include <array>
#include <cstddef>
#include <string>

namespace hello {

// Used by one thread. Does not own the socket; its time limits are the socket's SO_RCVTIMEO and
// SO_SNDTIMEO.
class SocketStream final : public httplib::Stream {
 public:
  explicit SocketStream(int socket) : socket_(socket) {}

  // Waits for the first byte of a request. False: closed, or silent for too long.
  bool wait_for_data();
  // Sends what was written. False where the connection is broken.
  bool flush();

  bool is_readable() const override { return true; }
  bool is_writable() const override { return !broken_; }
  // Before it waits it flushes: the other side may wait for "100 Continue".
  ssize_t read(char* data, std::size_t size) override;
  ssize_t write(const char* data, std::size_t size) override;
  // Not asked of the kernel for each request: no handler here wants them.
  void get_remote_ip_and_port(std::string&, int&) const override {}
  void get_local_ip_and_port(std::string&, int&) const override {}
  socket_t socket() const override { return socket_; }

 private:
  bool fill();

  const int socket_;
  bool broken_ = false;
  std::array<char, 8192> input_;
  std::size_t input_begin_ = 0;
  std::size_t input_end_ = 0;
  std::string output_;
};

}  // namespace hello
