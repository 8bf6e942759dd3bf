// What came back: the status, how much, how long it took. The head stays in the buffer it was read
// into, so that a header costs nothing until somebody looks for it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "http/buffer_pool.h"

namespace locust::http {

// A response that was followed to another place.
struct Hop {
  int status = 0;
  std::string url;  // that it was the answer to
};

struct Response {
  int status = 0;               // 0: there was none, see error
  std::uint64_t body_size = 0;  // bytes of the decoded body, kept or not; 0 without a response
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
  // Calls `visit(value)` for each header of this name, in order.
  template <class Visit>
  void for_each_header(std::string_view name, Visit visit) const {
    std::string_view rest = head();
    std::string_view value;
    while (next_header(rest, name, value)) visit(value);
  }

  // The bytes of the head, status line to empty line.
  std::string_view head() const {
    return {large_head.empty() ? buffer.data() : large_head.data(), head_size};
  }

  // The redirects that were followed, first to last, and where they led: empty where there was
  // none.
  std::vector<Hop> history;
  std::string final_url;

  // The fields after a chunked body, in order, where the request asked to keep them: never part of
  // the head (RFC 9110, 6.5.1).
  std::vector<std::pair<std::string, std::string>> trailers;
  // As header(), of these.
  std::optional<std::string_view> trailer(std::string_view name) const;

  // What of the head concerns the client itself.
  bool sets_cookies = false;
  bool has_location = false;

  Buffer buffer;  // the head's bytes …
  std::size_t head_size = 0;
  std::string large_head;  // … or at the start of this, for one larger than a buffer

 private:
  // Moves `rest`, from the end of one line on, to the end of the next one with this name.
  static bool next_header(std::string_view& rest, std::string_view name, std::string_view& value);
};

}  // namespace locust::http
