#include "target/socket_stream.h"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace hello {

constexpr std::size_t output_limit = 64 * 1024;

bool SocketStream::wait_for_data() { return input_begin_ < input_end_ || fill(); }

bool SocketStream::fill() {
  ssize_t received = 0;
  do {
    received = ::recv(socket_, input_.data(), input_.size(), 0);
  } while (received < 0 && errno == EINTR);
  input_begin_ = 0;
  input_end_ = received > 0 ? static_cast<std::size_t>(received) : 0;
  return received > 0;
}

ssize_t SocketStream::read(char* data, std::size_t size) {
  if (input_begin_ == input_end_ && !(flush() && fill())) {
    return -1;
  }
  const std::size_t count = std::min(size, input_end_ - input_begin_);
  std::memcpy(data, input_.data() + input_begin_, count);
  input_begin_ += count;
  return static_cast<ssize_t>(count);
}

ssize_t SocketStream::write(const char* data, std::size_t size) {
  output_.append(data, size);
  if (output_.size() > output_limit && !flush()) {
    return -1;
  }
  return static_cast<ssize_t>(size);
}

bool SocketStream::flush() {
  std::size_t sent = 0;
  while (sent < output_.size() && !broken_) {
    const ssize_t count =
        ::send(socket_, output_.data() + sent, output_.size() - sent, MSG_NOSIGNAL);
    if (count >= 0) {
      sent += static_cast<std::size_t>(count);
    } else if (errno != EINTR) {
      broken_ = true;
    }
  }
  output_.clear();
  return !broken_;
}

}  // namespace hello
