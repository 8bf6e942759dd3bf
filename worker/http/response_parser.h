// Beast's parser of HTTP/1 messages (RFC 9112) made to count a body, or to hand it on, instead of
// keeping it, and to keep no headers. Internal to http/.
#pragma once

#include <fmt/core.h>

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/error.hpp>
#include <cstdint>
#include <limits>
#include <string>

#include "http/body_source.h"
#include "http/content_decoder.h"
#include "http/request.h"
#include "http/response.h"

namespace locust::http {

class ResponseParser final : public boost::beast::http::basic_parser<false> {
 public:
  static constexpr std::uint32_t kHeadLimit = 64 * 1024;  // bytes

  // `max_headers` is the most lines that a head, and the trailers of a body, may have.
  ResponseParser(Response& response, DecoderPool& decoders, const Request& request,
                 std::size_t max_headers)
      : response_(response),
        decoder_(decoders),
        max_headers_(max_headers),
        keep_body_(request.keep_body()),
        keep_trailers_(request.keep_trailers()) {
    header_limit(kHeadLimit);
    // Not boost::none: Beast 1.74 takes any Content-Length for more than that.
    body_limit(std::numeric_limits<std::uint64_t>::max());
    skip(request.is_head());
  }

  // What is wrong, where it is not Beast that says so: the text of the failure. Empty: nothing.
  std::string own_error() const {
    if (!too_many_) return decoder_.error();
    // As http.client, which allows fewer.
    return fmt::format("HTTPException('got more than {} {}')", max_headers_,
                       head_done_ ? "trailers" : "headers");
  }

  // From the end of the head on: the body goes there, too. May be null.
  void hand_to(BodySink* sink) { sink_ = sink; }
  // The sink has asked for a pause; it ends when resume() is called.
  bool paused() const { return paused_; }
  void resume() { paused_ = false; }

  // Whether another request may follow, as far as the message says.
  bool reusable() const {
    // Chunks are not of HTTP/1.0: the server's idea of the end may be another (RFC 9112, 6.1).
    return keep_alive() && !(http10_ && chunked());
  }

 private:
  using string_view = boost::beast::string_view;
  using error_code = boost::beast::error_code;
  using field = boost::beast::http::field;

  void on_request_impl(boost::beast::http::verb, string_view, string_view, int,
                       error_code&) override {}
  void on_response_impl(int status, string_view, int version, error_code& error) override {
    response_.status = status;
    http10_ = version < 11;
    error = {};
    if (status < 100) error = boost::beast::http::error::bad_status;
  }
  void on_field_impl(field name, string_view text, string_view value, error_code& error) override {
    error = {};
    if (++fields_ > max_headers_) {
      too_many_ = true;
      return refuse(error);
    }
    if (head_done_) return keep_trailer(text, value);
    if (name == field::set_cookie) {
      response_.sets_cookies = true;
    } else if (name == field::location) {
      response_.has_location = true;
    } else if (name == field::content_encoding) {
      if (!encoding_.empty()) encoding_ += ", ";
      encoding_.append(value.data(), value.size());
    }
  }
  // Apart, and so is what else a plain response has no need of: it would cost each of them.
  [[gnu::noinline]] void keep_trailer(string_view name, string_view value) {
    if (!keep_trailers_) return;
    response_.trailers.emplace_back(std::string(name.data(), name.size()),
                                    std::string(value.data(), value.size()));
  }
  void on_header_impl(error_code& error) override {
    error = {};
    head_done_ = true;
    fields_ = 0;  // the trailers' now
    if (!encoding_.empty() && !decoder_.start(encoding_)) refuse(error);
  }
  void on_body_init_impl(boost::optional<std::uint64_t> const&, error_code& error) override {
    error = {};
  }
  std::size_t on_body_impl(string_view bytes, error_code& error) override {
    return take(bytes, error);
  }
  void on_chunk_header_impl(std::uint64_t, string_view, error_code& error) override { error = {}; }
  std::size_t on_chunk_body_impl(std::uint64_t, string_view bytes, error_code& error) override {
    return take(bytes, error);
  }
  void on_finish_impl(error_code& error) override {
    error = {};
    if (!encoding_.empty() && !decoder_.finish()) refuse(error);
  }

  std::size_t take(string_view bytes, error_code& error) {
    error = {};
    const std::string_view piece(bytes.data(), bytes.size());
    if (!encoding_.empty() || sink_ != nullptr) return take_specially(piece, error);
    response_.body_size += piece.size();
    if (keep_body_) response_.body.append(piece);
    return piece.size();
  }
  [[gnu::noinline]] std::size_t take_specially(std::string_view piece, error_code& error) {
    if (!decoder_.feed(piece, keep_body_ ? &response_.body : nullptr, sink_)) refuse(error);
    if (decoder_.pause_wanted()) paused_ = true;
    response_.body_size = decoder_.decoded_bytes();
    return piece.size();
  }
  // Any error will do: own_error() tells.
  static void refuse(error_code& error) { error = boost::beast::http::error::bad_value; }

  Response& response_;
  std::string encoding_;  // Content-Encoding; empty: as it is
  ContentDecoder decoder_;
  BodySink* sink_ = nullptr;
  std::size_t max_headers_;
  std::size_t fields_ = 0;
  bool keep_body_;
  bool keep_trailers_;
  bool head_done_ = false;
  bool http10_ = false;
  bool too_many_ = false;
  bool paused_ = false;
};

}  // namespace locust::http
