// Where a request ends in the bytes of a connection, and whether its framing can be trusted: all
// that happens before cpp-httplib sees it. No socket, no clock, no copy.
//
// cpp-httplib 0.11.4 would let through what two servers in a row may read differently: a length
// beside chunks, two lengths, chunk sizes that wrap, bare line feeds, endless lines and headers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace hello {

struct FramingLimits {
  std::size_t head_bytes = std::size_t{16} << 10;  // request line and headers
  std::size_t body_bytes = std::size_t{1} << 20;   // without what chunks add
};

class RequestFramer {
 public:
  enum class Verdict { need_more, whole, refused };

  explicit RequestFramer(const FramingLimits& limits) : limits_(limits) {}

  // All bytes since the last request's end, those of earlier calls included. The verdict depends on
  // them alone, not on how they were cut into calls. Not again after `whole` or `refused`.
  Verdict advance(std::string_view bytes);
  // For the next request.
  void reset() { *this = RequestFramer(limits_); }

  // Refused: the status to answer. There is no telling where the next request begins.
  int status() const { return status_; }
  // Whole: bytes up to the next request.
  std::size_t size() const { return position_; }
  // Whole: false where the client wants the connection closed (or speaks HTTP/1.0 and does not say
  // otherwise).
  bool keep_alive() const { return keep_alive_; }
  // Need more: true once, when the client holds its body back for "100 Continue".
  bool take_continue();

  // Whole: the request for cpp-httplib, in origin-form and without trailers, which it cannot read.
  // A view of `bytes`, or of `storage` where it had to be changed.
  std::string_view plain(std::string_view bytes, std::string& storage) const;
  // Whole: path and query as sent, in origin-form.
  std::string_view target(std::string_view bytes) const {
    return bytes.substr(target_, target_end_ - target_);
  }

 private:
  enum class Stage : std::uint8_t { start, request_line, header, body, chunk, data, trailer, done };

  Verdict refuse(int status);
  // False where the line is not whole yet, or is refused: see status_.
  bool take_line(std::string_view bytes, std::string_view& line);
  std::size_t line_limit() const;
  bool skip_blank_lines(std::string_view bytes);
  bool step(std::string_view bytes);
  int read_request_line(std::string_view line);
  int read_target(std::string_view target);
  int read_header(std::string_view line);
  int read_length(std::string_view value);
  int read_coding(std::string_view value);
  int read_connection(std::string_view value);
  int end_head();
  int read_chunk_size(std::string_view line);

  FramingLimits limits_;
  std::size_t position_ = 0;  // of the first byte that is not understood yet
  std::size_t searched_ = 0;  // no line feed between position_ and here
  std::size_t begin_ = 0;     // behind blank lines
  std::size_t head_end_ = 0;
  std::size_t target_ = 0;
  std::size_t target_end_ = 0;
  std::size_t method_end_ = 0;
  std::size_t trailer_ = 0;
  std::size_t expected_ = 0;  // bytes of the body or of this chunk with its line end
  std::size_t decoded_ = 0;   // bytes of all chunks so far
  int status_ = 0;
  std::uint16_t headers_ = 0;
  std::uint8_t hosts_ = 0;
  std::uint8_t lengths_ = 0;
  std::uint8_t codings_ = 0;
  Stage stage_ = Stage::start;
  bool old_ = false;  // HTTP/1.0
  bool keep_alive_ = true;
  bool close_ = false;
  bool encoded_ = false;
  bool expects_continue_ = false;
  bool absolute_ = false;
  bool trailers_ = false;
};

}  // namespace hello
