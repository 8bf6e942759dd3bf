#include "http/connection.h"

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <boost/beast/http/error.hpp>
#include <cstring>
#include <new>
#include <stdexcept>
#include <utility>

#include "http/failure.h"
#include "http/proxy.h"

namespace locust::http {

namespace asio = boost::asio;

struct Connection::ReadHandler {
  boost::intrusive_ptr<Connection> connection;

  using allocator_type = Operation::Allocator<std::byte>;
  allocator_type get_allocator() const { return allocator_type(connection->operation_); }
  void operator()(const boost::system::error_code& error, std::size_t size) const {
    connection->on_read(error, size);
  }
};

Connection::Connection(Client& client, const Origin& origin)
    : client_(&client), origin_(origin), socket_(client.context_.loop().io().get_executor()) {}

Connection::~Connection() {
  if (connector_) connector_->cancel();
}

void Connection::connect(Exchange& exchange) {
  exchange_ = &exchange;
  exchange.connection_ = this;
  connector_ = new Connector(client_->context_, client_->settings_, origin_);
  // It calls nobody once close() has cancelled it.
  connector_->start([this](Socket socket, std::string failure) {
    const boost::intrusive_ptr<Connection> self(this);
    if (!failure.empty()) return fail(std::move(failure));
    connector_.reset();
    socket_ = std::move(socket);
    connected();
  });
}

void Connection::connected() {
  client_->arm_deadline(*exchange_, true);
  if (origin_.scheme == "https") return start_tls();
  to_proxy_ = proxy_for(origin_, client_->settings_.proxy).has_value();
  send();
}

void Connection::start_tls() {
  try {
    const TlsContext& context = client_->context_.tls().get(client_->settings_.tls);
    tls_ = std::make_unique<TlsStream>(context, origin_.host,
                                       client_->host_of(origin_).tls_session.get());
  } catch (const std::invalid_argument& error) {
    return fail(failure_of_settings(error.what()));
  }
  handshaking_ = true;
  advance_handshake();
}

void Connection::advance_handshake() {
  const TlsStream::Status status = tls_->handshake();
  if (status == TlsStream::Status::done) {
    handshaking_ = false;
    // Some servers send tickets with the handshake's last bytes; the next read goes to their place.
    if (tls_->drain()) return send();  // with what the handshake still has to say
  }
  if (status == TlsStream::Status::need_input) return write_cipher();
  send_alert();
  fail(failure_of_tls());
}

// What a failure of TLS leaves to be said, for the server's log.
void Connection::send_alert() {
  boost::system::error_code ignored;
  socket_.write_some(asio::buffer(tls_->output()), ignored);
}

void Connection::write_cipher() {
  // What is waiting to be written goes first, and takes this along.
  waiting_to_write_ ? read() : flush();
}

std::string Connection::failure_of_tls() const {
  return tls_->failure().empty() ? failure_parse("data before the request") : tls_->failure();
}

void Connection::carry(Exchange& exchange) {
  exchange_ = &exchange;
  exchange.connection_ = this;
  reused_ = true;
  send();
}

void Connection::start_parser() {
  parser_.emplace(exchange_->response, client_->context_.decoders(), *exchange_->request_,
                  client_->settings_.max_headers);
}

bool Connection::looks_alive() {
  std::array<char, 4096> bytes;
  for (;;) {
    const ssize_t size = ::recv(socket_.native_handle(), bytes.data(), bytes.size(), MSG_DONTWAIT);
    if (size < 0) return errno == EAGAIN || errno == EWOULDBLOCK;
    if (size == 0 || !tls_) return false;
    tls_->feed({bytes.data(), static_cast<std::size_t>(size)});
    if (!tls_->drain()) return false;
  }
}

void Connection::resume_body() {
  if (!paused()) return;
  parser_->resume();
  if (!tls_) return read();
  // Bytes may be there already; on_done() must not be called from here.
  asio::post(socket_.get_executor(), [self = boost::intrusive_ptr(this)] {
    if (self->open_ && self->exchange_ != nullptr && !self->reading_ && !self->paused()) {
      self->decrypt();
    }
  });
}

void Connection::read() {
  if (reading_ || paused()) return;
  reading_ = true;
  if (tls_) {
    if (!cipher_buffer_) cipher_buffer_ = client_->context_.buffers().lend();
    socket_.async_read_some(asio::buffer(cipher_buffer_.data(), BufferPool::kBufferSize),
                            ReadHandler{boost::intrusive_ptr(this)});
    return;
  }
  socket_.async_read_some(asio::buffer(read_at_ + unparsed_, room_ - unparsed_),
                          ReadHandler{boost::intrusive_ptr(this)});
}

void Connection::on_read(const boost::system::error_code& error, std::size_t size) {
  reading_ = false;
  if (!open_) return;
  client_->context_.loop().begin_turn();
  if (error) {
    on_read_error(error);
  } else if (tls_) {
    on_cipher(size);
  } else if (parse(size)) {
    read();
  }
}

void Connection::on_read_error(const boost::system::error_code& error) {
  // A server that does not want the rest of a request may end its response by a reset, too.
  const bool ends_by_reset = is_lost(error) && !has_sent_all() && parser_ && parser_->need_eof();
  if (error == asio::error::eof || ends_by_reset) return on_eof();
  fail(failure_of_errno(write_error_ != 0 ? write_error_ : error.value()));
}

void Connection::on_cipher(std::size_t size) {
  tls_->feed({cipher_buffer_.data(), size});
  if (handshaking_) return advance_handshake();
  decrypt();
}

void Connection::decrypt() {
  while (!paused()) {
    std::size_t plain = 0;
    switch (tls_->read(read_at_ + unparsed_, room_ - unparsed_, plain)) {
      case TlsStream::Status::done:
        if (!parse(plain)) return;
        break;
      case TlsStream::Status::need_input:
        // A new key or a new handshake that the server asks for is answered first.
        return tls_->output().empty() ? read() : write_cipher();
      case TlsStream::Status::closed:
        return on_eof();
      case TlsStream::Status::failed:
        send_alert();
        return fail(tls_->failure());
    }
  }
}

bool Connection::parse(std::size_t size) {
  const auto wrong = [this](std::string_view reason) {
    fail(failure_parse(reason));
    return false;
  };
  namespace http = boost::beast::http;
  Response& response = exchange_->response;
  unparsed_ += size;
  while (unparsed_ > 0) {
    const bool in_head = !parser_->is_header_done();
    boost::system::error_code error;
    const std::size_t used = parser_->put(asio::const_buffer(read_at_, unparsed_), error);
    read_at_ += used;
    unparsed_ -= used;
    room_ -= used;
    if (error == http::error::need_more) break;
    if (error == http::error::bad_status && mend_status_line()) continue;
    if (error) {
      if (std::string own = parser_->own_error(); !own.empty()) {
        fail(std::move(own));
        return false;
      }
      return wrong(error.message());
    }
    if (in_head && parser_->is_header_done()) head_is_done();
    if (!parser_->is_done()) continue;
    if (response.status >= 200 || response.status == 101) {
      succeed();
      return false;
    }
    drop_interim();
  }
  if (!parser_->is_header_done()) {
    if (const char* fault = fault_in_head(size)) return wrong(fault);
  }
  return make_room() || wrong("a line or a head is too long");
}

void Connection::head_is_done() {
  Response& response = exchange_->response;
  response.head_size = static_cast<std::size_t>(read_at_ - head_start());
  parser_->eager(true);
  if (response.status < 200 && response.status != 101) return;
  // The server does not want the rest, and will not take it (RFC 9112, 9.5).
  if (response.status >= 400 && !has_sent_all() && !parser_->keep_alive()) stop_sending();
  if (exchange_->request_->stream_response()) parser_->hand_to(exchange_->on_head());
}

char* Connection::head_start() {
  Response& response = exchange_->response;
  return response.large_head.empty() ? response.buffer.data() : response.large_head.data();
}

const char* Connection::fault_in_head(std::size_t size) {
  constexpr std::string_view kStart = "HTTP/1.";
  const char* const start = head_start();
  const char* const end = read_at_ + unparsed_;
  const auto first = std::min(kStart.size(), static_cast<std::size_t>(end - start));
  if (kStart.substr(0, first) != std::string_view(start, first)) return "bad version";
  for (const char* at = end - std::min(size, unparsed_); at != end; ++at) {
    if (*at == '\n' && (at == start || at[-1] != '\r')) return "bad line ending";
  }
  return nullptr;
}

// After an interim response (RFC 9110, 15.2): the final one, of which some may be here already, is
// parsed from the start of a buffer.
void Connection::drop_interim() {
  Response& response = exchange_->response;
  if (unparsed_ <= BufferPool::kBufferSize) {
    std::memmove(response.buffer.data(), read_at_, unparsed_);
    response.large_head.clear();
    room_ = BufferPool::kBufferSize;
  } else {
    std::memmove(response.large_head.data(), read_at_, unparsed_);
    room_ = response.large_head.size();
  }
  read_at_ = head_start();
  response.sets_cookies = response.has_location = false;
  start_parser();
}

// "HTTP/1.1 200\r\n" has no space after the code: wrong (RFC 9112, 4), but not rare, and Python's
// clients take it. Puts it there.
bool Connection::mend_status_line() {
  constexpr std::size_t kSpace = 12;  // where it belongs
  if (unparsed_ <= kSpace || read_at_[kSpace] != '\r') return false;
  if (!std::all_of(read_at_ + 9, read_at_ + kSpace, [](char c) { return c >= '0' && c <= '9'; })) {
    return false;
  }
  if (unparsed_ == room_ && !make_room()) return false;
  std::memmove(read_at_ + kSpace + 1, read_at_ + kSpace, unparsed_ - kSpace);
  read_at_[kSpace] = ' ';
  ++unparsed_;
  start_parser();
  return true;
}

// Finds space for the next read: behind the head while that grows, in a buffer of its own for the
// body. False where what must stay together is larger than is allowed.
bool Connection::make_room() {
  Response& response = exchange_->response;
  if (!parser_->is_header_done()) {
    if (unparsed_ < room_) return true;
    if (!response.large_head.empty()) return false;
    const auto parsed = static_cast<std::size_t>(read_at_ - response.buffer.data());
    response.large_head.resize(ResponseParser::kHeadLimit);
    std::memcpy(response.large_head.data(), response.buffer.data(), parsed + unparsed_);
    read_at_ = response.large_head.data() + parsed;
    room_ = response.large_head.size() - parsed;
    return true;
  }
  if (unparsed_ >= BufferPool::kBufferSize) return false;
  if (!body_buffer_) {
    body_buffer_ = client_->context_.buffers().lend();
    std::memcpy(body_buffer_.data(), read_at_, unparsed_);
  } else {
    std::memmove(body_buffer_.data(), read_at_, unparsed_);
  }
  read_at_ = body_buffer_.data();
  room_ = BufferPool::kBufferSize;
  return true;
}

void Connection::on_eof() {
  if (handshaking_) return fail(failure_tls_eof());
  if (!parser_->got_some()) {
    if (write_error_ != 0) return fail(failure_of_errno(write_error_));
    // Nothing at all, or nothing after an interim response.
    return fail(exchange_->response.head_size == 0 ? failure_closed() : failure_truncated(false));
  }
  const bool in_head = !parser_->is_header_done();
  boost::system::error_code error;
  parser_->put_eof(error);
  if (std::string own = parser_->own_error(); !own.empty()) return fail(std::move(own));
  if (error || !parser_->is_done()) return fail(failure_truncated(in_head));
  succeed();
}

void Connection::succeed() {
  Exchange& exchange = *std::exchange(exchange_, nullptr);
  exchange.connection_ = nullptr;
  exchange.response.ended = client_->context_.loop().now();
  idle_since_ = exchange.response.ended;
  // After 101 it speaks another protocol; after half a request nothing that makes sense.
  const bool reusable = parser_->reusable() && unparsed_ == 0 && has_sent_all() &&
                        exchange.response.status != 101 && (!tls_ || tls_->drain());
  if (tls_) {
    cipher_buffer_ = {};
    if (TlsSession session = tls_->take_session()) {
      client_->host_of(origin_).tls_session = std::move(session);
    }
  }
  parser_.reset();
  body_buffer_ = {};
  if (reusable) {
    client_->released(*this);
  } else {
    close_in_order();
    client_->closed(*this);
  }
  exchange.complete({});
}

bool Connection::may_retry() const {
  return reused_ && !exchange_->retried_ && parser_ && !parser_->got_some() && unparsed_ == 0 &&
         exchange_->response.head_size == 0 && exchange_->request_->idempotent();
}

void Connection::fail(std::string error) {
  const boost::intrusive_ptr<Connection> self(this);
  Client& client = *client_;
  const bool retry = may_retry();
  Exchange& exchange = *std::exchange(exchange_, nullptr);
  exchange.connection_ = nullptr;
  close();
  if (retry) {
    exchange.retried_ = true;
    exchange.response.buffer = {};
    Client::Host& host = client.host_of(origin_);
    client.connect_for(host, exchange);
  } else {
    client.fail(exchange, std::move(error));
  }
  client.closed(*this);
}

void Connection::close_in_order() {
  // Not into the middle of what is half written.
  if (tls_ && open_ && !handshaking_ && unsent_.empty() && !sending_stopped_) {
    tls_->say_goodbye();
    boost::system::error_code ignored;
    socket_.write_some(asio::buffer(tls_->output()), ignored);
  }
  close();
}

void Connection::close() {
  open_ = false;
  if (connector_) connector_->cancel();
  body_buffer_ = {};
  cipher_buffer_ = {};
  upload_.reset();
  boost::system::error_code ignored;
  socket_.close(ignored);
}

}  // namespace locust::http
