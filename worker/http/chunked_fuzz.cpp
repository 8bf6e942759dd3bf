// Answers with a body in chunks that is cut anywhere, against a decoder of RFC 9112, 7.1, written
// for this: what is right must arrive as it was meant, what is wrong must not pass for a response.
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "http/fuzz_exchange.h"

namespace {

using namespace locust::http;

struct Chunks {
  std::string body;
  std::size_t trailers = 0;
};

bool is_text(std::string_view text) {
  for (const char c : text) {
    if ((static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7f) return false;
  }
  return true;
}

bool is_token(std::string_view text) {
  for (const char c : text) {
    if (std::isalnum(static_cast<unsigned char>(c)) == 0 &&
        std::string_view("!#$%&'*+-.^_`|~").find(c) == std::string_view::npos) {
      return false;
    }
  }
  return !text.empty();
}

// Takes a line off the front; nothing where none ends.
std::optional<std::string_view> take_line(std::string_view& bytes) {
  const auto end = bytes.find("\r\n");
  if (end == std::string_view::npos) return std::nullopt;
  const std::string_view line = bytes.substr(0, end);
  bytes.remove_prefix(end + 2);
  return line;
}

// The size that a chunk's line begins with; what follows it is left in `line`.
std::optional<std::uint64_t> take_size(std::string_view& line) {
  std::uint64_t size = 0;
  const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), size, 16);
  if (error != std::errc() || line.starts_with('-')) return std::nullopt;
  line.remove_prefix(static_cast<std::size_t>(end - line.data()));
  return size;
}

// What the bytes say where they are chunks to the letter; `strict` also about extensions and
// trailers. What follows the end is not looked at.
std::optional<Chunks> decode(std::string_view bytes, bool strict) {
  Chunks result;
  for (;;) {
    auto line = take_line(bytes);
    if (!line) return std::nullopt;
    const auto size = take_size(*line);
    if (!size) return std::nullopt;
    // Extensions: only the plainest form, ";token" and ";token=token".
    while (strict && !line->empty()) {
      if (line->front() != ';') return std::nullopt;
      line->remove_prefix(1);
      const std::string_view one = line->substr(0, line->find(';'));
      const auto equals = one.find('=');
      if (!is_token(one.substr(0, equals)) ||
          (equals != std::string_view::npos && !is_token(one.substr(equals + 1)))) {
        return std::nullopt;
      }
      line->remove_prefix(one.size());
    }
    if (*size == 0) break;
    if (bytes.size() < 2 || bytes.size() - 2 < *size) return std::nullopt;
    if (bytes.substr(*size, 2) != "\r\n") return std::nullopt;
    result.body.append(bytes.substr(0, *size));
    bytes.remove_prefix(*size + 2);
  }
  for (;;) {
    const auto line = take_line(bytes);
    if (!line) return std::nullopt;
    if (line->empty()) return result;
    ++result.trailers;
    const auto colon = line->find(':');
    if (strict && (colon == std::string_view::npos || !is_token(line->substr(0, colon)) ||
                   !is_text(line->substr(colon + 1)))) {
      return std::nullopt;
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  static FuzzServer server;
  const std::string_view chunks(reinterpret_cast<const char*>(data) + 2, size - 2);
  const std::string bytes =
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + std::string(chunks);
  FuzzServing serving;
  serving.parts.keep_body = true;
  serving.parts.keep_trailers = true;
  const FuzzOutcome whole = server.exchange(serving, bytes, [&] { return bytes.size(); });
  bool odd = false;
  const FuzzOutcome cut = server.exchange(serving, bytes, [&] {
    odd = !odd;
    return std::size_t{1} + data[odd ? 0 : 1];
  });
  FUZZ_REQUIRE(whole == cut);
  if (const auto meant = decode(chunks, true); meant && meant->trailers < 100) {
    FUZZ_REQUIRE(whole.status == 200 && whole.body == meant->body);
    FUZZ_REQUIRE(whole.trailers.size() == meant->trailers);
  }
  if (whole.status != 0) {
    const auto meant = decode(chunks, false);
    FUZZ_REQUIRE(meant && meant->body == whole.body);
  }
  return 0;
}
