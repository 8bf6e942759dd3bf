#include "http/upload.h"

#include <fmt/core.h>

#include <algorithm>
#include <cstring>
#include <iterator>
#include <utility>

namespace locust::http {

namespace {

// Before a piece there is room for its size as a chunk, and after it for the line's end.
constexpr std::size_t kBefore = 8;
constexpr std::size_t kAfter = 2;

}  // namespace

Upload::Upload(std::unique_ptr<BodyReader> reader, std::optional<std::uint64_t> size)
    : reader_(std::move(reader)), size_(size) {}

Upload::Status Upload::next(std::string_view& bytes) {
  // The text of requests where it follows a redirect.
  if (!reader_) return fail("UnrewindableBodyError('Unable to rewind request body for redirect.')");
  if (ended_ || (size_ && sent_ == *size_)) return Status::ended;
  if (!buffer_) buffer_.reset(new char[kBefore + kPiece + kAfter]);
  const std::uint64_t most = size_ ? std::min<std::uint64_t>(kPiece, *size_ - sent_) : kPiece;
  std::size_t size = 0;
  switch (reader_->read({buffer_.get() + kBefore, static_cast<std::size_t>(most)}, size)) {
    case BodyReader::Status::some:
      if (size == 0 || size > most) return fail("ValueError('a body source broke its contract')");
      sent_ += size;
      bytes = size_ ? std::string_view(buffer_.get() + kBefore, size) : as_chunk(size);
      return Status::some;
    case BodyReader::Status::later:
      return Status::later;
    case BodyReader::Status::ended:
      if (size_) {
        return fail(
            fmt::format("ValueError('the body ended after {} of {} bytes')", sent_, *size_));
      }
      ended_ = true;
      bytes = "0\r\n\r\n";
      return Status::some;
    case BodyReader::Status::failed:
      return fail(reader_->failure());
  }
  return fail("ValueError('a body source broke its contract')");
}

std::string_view Upload::as_chunk(std::size_t size) {
  char line[kBefore + 1];
  const char* const end = fmt::format_to(line, "{:x}\r\n", size);
  const auto length = static_cast<std::size_t>(end - line);
  char* const start = buffer_.get() + kBefore - length;
  std::memcpy(start, line, length);
  std::memcpy(buffer_.get() + kBefore + size, "\r\n", kAfter);
  return {start, length + size + kAfter};
}

Upload::Status Upload::fail(std::string failure) {
  failure_ = failure.empty() ? "OSError('the body could not be read')" : std::move(failure);
  return Status::failed;
}

}  // namespace locust::http
