// What a Connection writes: the request, what follows from its source, what TLS has to say; and
// what becomes of it where the server does not take it all.
#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <memory>

#include "http/connection.h"
#include "http/failure.h"
#include "http/proxy.h"

namespace locust::http {

namespace asio = boost::asio;

namespace {

// After so many pieces of a body others of the same thread have their turn.
constexpr int kPiecesAtOnce = 8;

}  // namespace

bool Connection::is_lost(const boost::system::error_code& error) {
  return error == asio::error::broken_pipe || error == asio::error::connection_reset;
}

void Connection::send() {
  Response& response = exchange_->response;
  response.buffer = client_->context_.buffers().lend();
  read_at_ = response.buffer.data();
  room_ = BufferPool::kBufferSize;
  unparsed_ = 0;
  start_parser();
  if (const BodySource* source = exchange_->request_->source()) {
    upload_ = std::make_unique<Upload>(source->open(), exchange_->request_->source_size());
  }
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

void Connection::write(std::string_view bytes) {
  unsent_ = bytes;
  flush();
}

void Connection::flush() {
  for (int pieces = 0; pieces < kPiecesAtOnce; ++pieces) {
    if (!unsent_.empty()) {
      boost::system::error_code error;
      unsent_.remove_prefix(
          socket_.write_some(asio::buffer(unsent_.data(), unsent_.size()), error));
      if (error && error != asio::error::would_block) {
        if (handshaking_ || !is_lost(error)) {
          return fail(failure_of_errno(error.value()));
        }
        write_error_ = error.value();
        stop_sending();
      }
      if (!unsent_.empty()) break;
    }
    switch (refill()) {
      case Refill::some:
        break;
      case Refill::nothing:
        return read();
      case Refill::failed:
        return;
    }
  }
  wait_to_write();
  read();  // the server may answer before it has taken all
}

Connection::Refill Connection::refill() {
  if (sending_stopped_) return Refill::nothing;
  if (upload_ && (!tls_ || tls_->output().empty())) {
    std::string_view piece;
    switch (upload_->next(piece)) {
      case Upload::Status::some:
        if (!tls_) {
          unsent_ = piece;
          return Refill::some;
        }
        if (tls_->write(piece) == TlsStream::Status::done) break;
        fail(failure_of_tls());
        return Refill::failed;
      case Upload::Status::later:
        return Refill::nothing;
      case Upload::Status::ended:
        upload_.reset();
        break;
      case Upload::Status::failed:
        exchange_->retried_ = true;  // it would fail on another connection as well
        fail(upload_->failure());
        return Refill::failed;
    }
  }
  if (!tls_ || tls_->output().empty()) return Refill::nothing;
  cipher_out_.clear();
  cipher_out_.swap(tls_->output());  // both keep their memory
  unsent_ = cipher_out_;
  return Refill::some;
}

void Connection::wait_to_write() {
  waiting_to_write_ = true;
  socket_.async_wait(Socket::wait_write,
                     [self = boost::intrusive_ptr(this)](const boost::system::error_code& error) {
                       // What is to be written is the exchange's: gone with it, and then this
                       // connection is closed.
                       if (!self->open_ || error) return;
                       self->waiting_to_write_ = false;
                       self->flush();
                     });
}

void Connection::stop_sending() {
  sending_stopped_ = true;
  unsent_ = {};
  upload_.reset();
}

void Connection::resume_upload() {
  if (upload_ && !waiting_to_write_) flush();
}

}  // namespace locust::http
