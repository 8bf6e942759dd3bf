// Beast's parser of HTTP/1 messages (RFC 9112) made to count a body instead of keeping it, and to
// keep no headers. Internal to http/.
#pragma once

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/error.hpp>
#include <cstdint>
#include <limits>

#include "http/content_decoder.h"
#include "http/response.h"

namespace locust::http {

class ResponseParser final : public boost::beast::http::basic_parser<false> {
 public:
  static constexpr std::uint32_t kHeadLimit = 64 * 1024;  // bytes

  ResponseParser(Response& response, DecoderPool& decoders, bool head_request, bool keep_body)
      : response_(response), decoder_(decoders), keep_body_(keep_body) {
    header_limit(kHeadLimit);
    // Not boost::none: Beast 1.74 takes any Content-Length for more than that.
    body_limit(std::numeric_limits<std::uint64_t>::max());
    skip(head_request);
  }

  // Why the body cannot be decoded, where that is what is wrong.
  const std::string& decoding_error() const { return decoder_.error(); }

 private:
  using string_view = boost::beast::string_view;
  using error_code = boost::beast::error_code;
  using field = boost::beast::http::field;

  void on_request_impl(boost::beast::http::verb, string_view, string_view, int,
                       error_code&) override {}
  void on_response_impl(int status, string_view, int, error_code& error) override {
    response_.status = status;
    error = {};
    if (status < 100) error = boost::beast::http::error::bad_status;
  }
  void on_field_impl(field name, string_view, string_view value, error_code& error) override {
    error = {};
    if (head_done_) return;  // a trailer
    if (name == field::set_cookie) {
      response_.sets_cookies = true;
    } else if (name == field::location) {
      response_.has_location = true;
    } else if (name == field::content_encoding) {
      if (!encoding_.empty()) encoding_ += ", ";
      encoding_.append(value.data(), value.size());
    }
  }
  void on_header_impl(error_code& error) override {
    error = {};
    head_done_ = true;
    if (!encoding_.empty() && !decoder_.start(encoding_)) fail_decoding(error);
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
    if (!encoding_.empty() && !decoder_.finish()) fail_decoding(error);
  }

  std::size_t take(string_view bytes, error_code& error) {
    error = {};
    if (encoding_.empty()) {
      response_.body_size += bytes.size();
      if (keep_body_) response_.body.append(bytes.data(), bytes.size());
    } else {
      if (!decoder_.feed({bytes.data(), bytes.size()}, keep_body_ ? &response_.body : nullptr)) {
        fail_decoding(error);
      }
      response_.body_size = decoder_.decoded_bytes();
    }
    return bytes.size();
  }
  // Any error will do: decoding_error() tells.
  static void fail_decoding(error_code& error) { error = boost::beast::http::error::bad_value; }

  Response& response_;
  std::string encoding_;  // Content-Encoding; empty: as it is
  ContentDecoder decoder_;
  bool keep_body_;
  bool head_done_ = false;
};

}  // namespace locust::http
