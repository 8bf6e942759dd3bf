#include "http/connection.h"

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
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
  boost::system::error_code ignored;  // the alert, for the server's log
  socket_.write_some(asio::buffer(tls_->output()), ignored);
  fail(failure_of_tls());
}

void Connection::write_cipher() {
  cipher_out_.clear();
  cipher_out_.swap(tls_->output());  // both keep their memory
  write(cipher_out_);
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

void Connection::send() {
  Response& response = exchange_->response;
  response.buffer = client_->context_.buffers().lend();
  read_at_ = response.buffer.data();
  room_ = BufferPool::kBufferSize;
  unparsed_ = 0;
  start_parser();
  if (to_proxy_) {
    for_proxy_ = absolute_form(*exchange_->request_, client_->settings_.proxy);
    return write(for_proxy_);
  }
  if (!tls_) return write(exchange_->request_->bytes());
  if (tls_->write(exchange_->request_->bytes()) != TlsStream::Status::done) {
    return fail(failure_of_tls());
  }
  write_cipher();
}

void Connection::start_parser() {
  const Request& request = *exchange_->request_;
  parser_.emplace(exchange_->response, client_->context_.decoders(), request.is_head(),
                  request.keep_body());
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

void Connection::write(std::string_view bytes) {
  boost::system::error_code error;
  const std::size_t sent = socket_.write_some(asio::buffer(bytes.data(), bytes.size()), error);
  if (error && error != asio::error::would_block) return fail(failure_of_errno(error.value()));
  if (sent < bytes.size()) {
    wait_to_write(bytes.substr(sent));
  } else {
    read();
  }
}

void Connection::wait_to_write(std::string_view rest) {
  socket_.async_wait(Socket::wait_write, [self = boost::intrusive_ptr(this),
                                          rest](const boost::system::error_code& error) {
    // The request's bytes are the exchange's: gone with it, and then this connection is closed.
    if (self->open_ && !error) self->write(rest);
  });
}

void Connection::read() {
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
  if (!open_) return;
  client_->context_.loop().begin_turn();
  if (error == asio::error::eof) {
    on_eof();
  } else if (error) {
    fail(failure_of_errno(error.value()));
  } else if (tls_) {
    on_cipher(size);
  } else if (parse(size)) {
    read();
  }
}

void Connection::on_cipher(std::size_t size) {
  tls_->feed({cipher_buffer_.data(), size});
  if (handshaking_) return advance_handshake();
  for (;;) {
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
    if (!parser_->decoding_error().empty()) {
      fail(parser_->decoding_error());
      return false;
    }
    if (error) return wrong(error.message());
    if (in_head && parser_->is_header_done()) {
      response.head_size = static_cast<std::size_t>(read_at_ - head_start());
      parser_->eager(true);
    }
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
    // Nothing at all, or nothing after an interim response.
    return fail(exchange_->response.head_size == 0 ? failure_closed() : failure_truncated(false));
  }
  const bool in_head = !parser_->is_header_done();
  boost::system::error_code error;
  parser_->put_eof(error);
  if (!parser_->decoding_error().empty()) return fail(parser_->decoding_error());
  if (error || !parser_->is_done()) return fail(failure_truncated(in_head));
  succeed();
}

void Connection::succeed() {
  Exchange& exchange = *std::exchange(exchange_, nullptr);
  exchange.connection_ = nullptr;
  exchange.response.ended = client_->context_.loop().now();
  idle_since_ = exchange.response.ended;
  // After 101 it speaks another protocol.
  const bool reusable = parser_->keep_alive() && unparsed_ == 0 &&
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
    close();
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

void Connection::close() {
  open_ = false;
  if (connector_) connector_->cancel();
  body_buffer_ = {};
  cipher_buffer_ = {};
  boost::system::error_code ignored;
  socket_.close(ignored);
}

}  // namespace locust::http
