// What came back: the status, how much, how long it took. The head stays in the buffer it was read
// into, so that a header costs nothing until somebody looks for it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "http/buffer_pool.h"

namespace locust::http {

struct Response {
  int status = 0;               // 0: there was none, see error
  std::uint64_t body_size = 0;  // bytes of the body, kept or not; 0 where there is no response
  SteadyTime started{};         // when the request was handed over
  SteadyTime ended{};           // when its last byte, or the error, was there
  std::string body;             // where the request asked to keep it
  // What went wrong, in the words in which Locust's users know it:
  // "ConnectionRefusedError(111, 'Connection refused')", "LocustBadStatusCode(code=404)". Empty
  // where nothing did.
  std::string error;

  // Whether the request counts as a success.
  bool ok() const { return error.empty(); }
  // The value of the first header of this name (any case); nothing where there is none.
  std::optional<std::string_view> header(std::string_view name) const;

  // The bytes of the head, status line to empty line.
  std::string_view head() const {
    return {large_head.empty() ? buffer.data() : large_head.data(), head_size};
  }

  Buffer buffer;  // the head's bytes …
  std::size_t head_size = 0;
  std::string large_head;  // … or at the start of this, for one larger than a buffer
};

}  // namespace locust::http
