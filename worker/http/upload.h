// A streamed request body as the bytes that go out next: pieces of at most 64 KB, as chunks where
// its size is not known. No socket and no waiting. Internal to http/.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "http/body_source.h"

namespace locust::http {

class Upload {
 public:
  static constexpr std::size_t kPiece = 64 * 1024;  // bytes of the body in memory at a time

  // `reader` may be null: then the body has been sent before, and cannot be again. Without a size
  // it goes in chunks.
  Upload(std::unique_ptr<BodyReader> reader, std::optional<std::uint64_t> size);

  enum class Status {
    some,    // `bytes` are next, and stay until the next call
    later,   // the reader has nothing yet
    ended,   // the body has gone out in full
    failed,  // see failure()
  };
  Status next(std::string_view& bytes);
  const std::string& failure() const { return failure_; }

 private:
  Status fail(std::string failure);
  std::string_view as_chunk(std::size_t size);

  std::unique_ptr<BodyReader> reader_;
  std::optional<std::uint64_t> size_;
  std::uint64_t sent_ = 0;
  bool ended_ = false;
  std::unique_ptr<char[]> buffer_;
  std::string failure_;
};

}  // namespace locust::http
