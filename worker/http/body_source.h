// Where a request body comes from that is too large for memory, and where a response body goes to.
// All of it is called on the thread of the client that uses it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace locust::http {

// Reads a body once, from its start to its end. Its calls must not destroy the exchange they are
// for.
class BodyReader {
 public:
  enum class Status {
    some,    // into `into`: at least one byte
    later,   // nothing yet: Exchange::resume_upload() asks again
    ended,   // that was all
    failed,  // see failure()
  };

  virtual ~BodyReader() = default;
  // May block for as long as a file in the page cache takes, not longer.
  virtual Status read(std::span<char> into, std::size_t& size) = 0;
  // In words that a Python user knows: "FileNotFoundError(2, 'No such file or directory')".
  virtual std::string failure() const { return {}; }
};

// A body that a request is made with: immutable as the request is, and shared between threads.
class BodySource {
 public:
  virtual ~BodySource() = default;
  // Bytes in all: exactly so many are read and sent, after a Content-Length. Where it is not known,
  // the body goes in chunks (RFC 9112, 7.1).
  virtual std::optional<std::uint64_t> size() const = 0;
  // Whether the body can be sent more than once: for a redirect that keeps it (307, 308), and for
  // another try where a kept connection turns out to be dead.
  virtual bool rewindable() const { return true; }
  // Null where it is not rewindable and has been opened before.
  virtual std::unique_ptr<BodyReader> open() const = 0;
};

// Takes the body of a response as it comes, decoded.
class BodySink {
 public:
  enum class Next {
    more,
    pause,  // nothing more is read from the socket until Exchange::resume_body()
  };

  virtual ~BodySink() = default;
  // The next bytes, which are gone after the call. What has been read already still comes after a
  // pause. Must not destroy the exchange, nor resume it.
  virtual Next take(std::string_view piece) = 0;
};

}  // namespace locust::http
