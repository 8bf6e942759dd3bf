#include "target/connection.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <new>
#include <utility>

#include "target/reactor.h"

namespace hello {
namespace {

using std::chrono::milliseconds;

constexpr std::size_t output_limit = std::size_t{64} << 10;
constexpr std::size_t progress = std::size_t{64} << 10;
// How long a client that does not close is listened to after the last answer.
constexpr milliseconds bye_time{1'000};
// A connection that was used so recently will probably be used again: its client gets an answer
// with "Connection: close" rather than a broken connection.
constexpr milliseconds busy_time{250};

}  // namespace

struct Connection::Handler {
  boost::intrusive_ptr<Connection> connection;

  using allocator_type = Operation::Allocator<std::byte>;
  allocator_type get_allocator() const { return allocator_type(connection->operation_); }
  void operator()(const boost::system::error_code&) const { connection->on_ready(); }
};

Connection::Connection(Reactor& reactor, int socket)
    : self_(this),
      reactor_(reactor),
      socket_(reactor.loop().io().get_executor(), boost::asio::ip::tcp::v4(), socket),
      framer_(reactor.options().framing) {}

Connection::~Connection() = default;

void Connection::start() {
  const int on = 1;
  ::setsockopt(socket_.native_handle(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  set_deadline(reactor_.options().keep_alive);
  on_readable();  // a first request often comes with the connection
  if (reactor_.stopping()) {
    stop();
  }
}

void Connection::wait_to_read() {
  if (std::exchange(waiting_, true)) {
    return;
  }
  socket_.async_wait(Socket::wait_read, Handler{boost::intrusive_ptr(this)});
}

void Connection::wait_to_write() {
  if (std::exchange(waiting_, true)) {
    return close();  // timed out within a request and does not even take that answer
  }
  socket_.async_wait(Socket::wait_write, Handler{boost::intrusive_ptr(this)});
}

// An error shows at the next recv() or send().
void Connection::on_ready() {
  waiting_ = false;
  if (state_ == State::writing) {
    on_writable();
  } else if (state_ != State::closed) {
    on_readable();
  }
}

void Connection::on_readable() {
  auto& buffer = reactor_.input();
  const ssize_t received = ::recv(socket_.native_handle(), buffer.data(), buffer.size(), 0);
  if (received < 0 && (errno == EAGAIN || errno == EINTR)) {
    return wait_to_read();
  }
  if (received <= 0) {
    return close();
  }
  if (state_ == State::saying_bye) {
    return wait_to_read();
  }
  const std::string_view bytes(buffer.data(), static_cast<std::size_t>(received));
  if (input_.empty()) {
    serve(bytes);
  } else {
    input_.append(bytes);
    serve(input_);
  }
}

// `bytes` may be input_.
void Connection::serve(std::string_view bytes, bool postponed_before) {
  const bool began_before = state_ == State::reading;
  std::size_t used = 0;
  while (used < bytes.size() && !last_) {
    const std::string_view rest = bytes.substr(used);
    const auto verdict = framer_.advance(rest);
    if (verdict == RequestFramer::Verdict::need_more) {
      break;
    }
    if (verdict == RequestFramer::Verdict::refused) {
      return refuse(framer_.status(), rest);
    }
    if (!std::exchange(postponed_before, false) && postpone(rest)) {
      framer_.reset();
      return keep(bytes, used);
    }
    answer(rest);
    used += framer_.size();
    framer_.reset();
    if (reactor_.output().size() >= output_limit && !flush()) {
      return keep(bytes, used);
    }
  }
  if (framer_.take_continue()) {
    reactor_.output() += "HTTP/1.1 100 Continue\r\n\r\n";
  }
  keep(bytes, used);
  if (input_.empty()) {
    state_ = State::idle;
    set_deadline(reactor_.options().keep_alive);
  } else if (!began_before || used > 0) {
    state_ = State::reading;
    set_deadline(reactor_.options().request_timeout);
  }
  if (flush()) {
    written();
  }
}

// True where the connection has to do something else first, or is to wait.
bool Connection::postpone(std::string_view request) {
  const milliseconds delay = reactor_.answerer().delay(framer_.target(request));
  if (delay.count() <= 0) {
    return false;
  }
  if (flush()) {  // what was answered before does not wait for it
    state_ = State::postponed;
    set_deadline(delay);
  }
  return true;
}

void Connection::answer(std::string_view bytes) {
  std::string& output = reactor_.output();
  const std::size_t before = output.size();
  const bool keep_alive = framer_.keep_alive() && !reactor_.stopping();
  std::string storage;
  reactor_.answerer().answer(framer_.plain(bytes, storage), keep_alive, output);
  last_ = !keep_alive;
  lingers_ = framer_.keep_alive();
  if (reactor_.options().access_log) {
    reactor_.log(socket_.native_handle(), bytes, std::string_view(output).substr(before));
  }
}

// The end of `bytes` is unknown: nothing behind them is read.
void Connection::refuse(int status, std::string_view bytes) {
  std::string& output = reactor_.output();
  const std::size_t before = output.size();
  reactor_.answerer().refuse(status, output);
  last_ = lingers_ = true;
  if (reactor_.options().access_log) {
    reactor_.log(socket_.native_handle(), bytes, std::string_view(output).substr(before));
  }
  if (flush()) {
    written();
  }
}

bool Connection::flush() {
  std::string& output = reactor_.output();
  if (output.empty()) {
    return true;
  }
  const ssize_t sent = ::send(socket_.native_handle(), output.data(), output.size(), MSG_NOSIGNAL);
  const bool broken = sent < 0 && errno != EAGAIN && errno != EINTR;
  const std::size_t taken = sent > 0 ? static_cast<std::size_t>(sent) : 0;
  const bool complete = taken == output.size();
  if (!complete && !broken) {
    output_ = std::string(output, taken);
    sent_ = taken_ = 0;
    state_ = State::writing;
    set_deadline(reactor_.options().request_timeout);
    wait_to_write();
  }
  if (output.capacity() > 4 * output_limit) {
    output = std::string();
  }
  output.clear();
  if (broken) {
    close();
  }
  return complete;
}

void Connection::on_writable() {
  const ssize_t sent =
      ::send(socket_.native_handle(), output_.data() + sent_, output_.size() - sent_, MSG_NOSIGNAL);
  if (sent < 0 && errno != EAGAIN && errno != EINTR) {
    return close();
  }
  sent_ += sent > 0 ? static_cast<std::size_t>(sent) : 0;
  if (sent_ < output_.size()) {
    if (sent_ - taken_ >= progress) {
      taken_ = sent_;
      set_deadline(reactor_.options().request_timeout);
    }
    return wait_to_write();
  }
  output_ = std::string();
  if (last_) {
    return written();
  }
  state_ = State::idle;
  serve(input_);
}

// Everything has left.
void Connection::written() {
  if (!last_) {
    wait_to_read();
  } else if (lingers_) {
    say_bye();
  } else {
    close();
  }
}

// Closing with unread input would reset the connection, and the client might lose the answer.
void Connection::say_bye() {
  ::shutdown(socket_.native_handle(), SHUT_WR);
  input_ = std::string();
  state_ = State::saying_bye;
  set_deadline(bye_time);
  wait_to_read();
}

// Keeps what is behind `used`, and no buffer where nothing is.
void Connection::keep(std::string_view bytes, std::size_t used) {
  if (used == bytes.size()) {
    if (!input_.empty()) {
      input_ = std::string();
    }
  } else if (bytes.data() == input_.data()) {
    input_.erase(0, used);
  } else {
    input_ = bytes.substr(used);
  }
}

bool Connection::has_input() const {
  char byte = 0;
  return ::recv(const_cast<Socket&>(socket_).native_handle(), &byte, 1, MSG_PEEK) > 0;
}

// The timer is only moved forward: a deadline put off costs nothing until the timer fires.
void Connection::set_deadline(locust::SteadyDuration from_now) {
  deadline_ = reactor_.loop().now() + from_now;
  if (!armed() || deadline_ < wake_at_) {
    wake_at_ = deadline_;
    reactor_.loop().arm(*this, wake_at_);
  }
}

void Connection::fire() {
  const boost::intrusive_ptr<Connection> self(this);
  if (reactor_.loop().now() < deadline_) {
    wake_at_ = deadline_;
    return reactor_.loop().arm(*this, wake_at_);
  }
  switch (state_) {
    case State::idle:
      if (has_input()) {
        return set_deadline(bye_time);  // on_ready() is about to be called
      }
      return close();
    case State::reading:
      return refuse(408, input_);
    case State::postponed:
      state_ = State::idle;
      return serve(input_, true);
    case State::writing:
    case State::saying_bye:
      return close();
    case State::closed:
      return;
  }
}

void Connection::stop() {
  const boost::intrusive_ptr<Connection> self(this);
  if (state_ != State::idle) {
    return;
  }
  const auto idle_since = deadline_ - reactor_.options().keep_alive;
  set_deadline(std::max(locust::SteadyDuration(0), idle_since + busy_time - reactor_.loop().now()));
  if (deadline_ <= reactor_.loop().now() && !has_input()) {
    close();
  }
}

void Connection::end() {
  const boost::intrusive_ptr<Connection> self(this);
  if (state_ == State::postponed) {
    state_ = State::idle;
    serve(input_, true);
  }
  close();
}

void Connection::close() {
  if (std::exchange(state_, State::closed) == State::closed) {
    return;
  }
  const boost::intrusive_ptr<Connection> self = std::move(self_);
  disarm();
  unlink();
  boost::system::error_code ignored;
  socket_.close(ignored);
  reactor_.closed();
}

}  // namespace hello
