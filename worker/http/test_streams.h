// Bodies for tests: one that is made while it is sent, one that is looked at while it comes.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "http/body_source.h"
#include "http/client.h"

namespace locust::http {

// The bytes of a made body from one place on: what they are depends on where they are.
inline std::string made_body(std::size_t size, std::size_t from = 0) {
  static const std::string pattern = [] {  // of a length that no buffer has
    std::string bytes(65521, '\0');
    for (std::size_t i = 0; i < bytes.size(); ++i) {
      bytes[i] = static_cast<char>('a' + (i * 31 + i / 997) % 26);
    }
    return bytes;
  }();
  std::string bytes;
  bytes.reserve(size);
  while (bytes.size() < size) {
    bytes.append(pattern, (from + bytes.size()) % pattern.size(), size - bytes.size());
  }
  return bytes;
}

class MadeSource final : public BodySource {
 public:
  struct Options {
    std::uint64_t size = 0;
    bool known = true;  // whether it tells its size
    bool rewindable = true;
    std::uint64_t later_at = ~std::uint64_t{0};   // there it has nothing until `supplied`
    std::uint64_t failed_at = ~std::uint64_t{0};  // there it fails
  };
  explicit MadeSource(Options options) : options_(options) {}

  std::optional<std::uint64_t> size() const override {
    return options_.known ? std::optional(options_.size) : std::nullopt;
  }
  bool rewindable() const override { return options_.rewindable; }
  std::unique_ptr<BodyReader> open() const override {
    if (++opened > 1 && !options_.rewindable) return nullptr;
    return std::make_unique<Reader>(*this);
  }

  mutable int opened = 0;
  mutable std::uint64_t read = 0;  // bytes, by all readers
  bool supplied = false;

 private:
  class Reader final : public BodyReader {
   public:
    explicit Reader(const MadeSource& source) : source_(source) {}
    Status read(std::span<char> into, std::size_t& size) override {
      const Options& options = source_.options_;
      if (at_ == options.failed_at) return Status::failed;
      if (at_ == options.later_at && !source_.supplied) return Status::later;
      std::uint64_t end = std::min(options.size, options.failed_at);
      if (at_ < options.later_at) end = std::min(end, options.later_at);
      size = static_cast<std::size_t>(std::min<std::uint64_t>(into.size(), end - at_));
      if (size == 0) return Status::ended;
      const std::string bytes = made_body(size, at_);
      bytes.copy(into.data(), size);
      at_ += size;
      source_.read += size;
      return Status::some;
    }
    std::string failure() const override { return "OSError(5, 'Input/output error')"; }

   private:
    const MadeSource& source_;
    std::uint64_t at_ = 0;
  };

  const Options options_;
};

inline RequestParts from_source(RequestParts parts, std::shared_ptr<const BodySource> source) {
  parts.has_body = true;
  parts.source = std::move(source);
  return parts;
}

// An exchange that streams, both ways.
class StreamExchange final : public Exchange, public BodySink {
 public:
  using Exchange::resume_body;
  using Exchange::resume_upload;

  int calls = 0;
  int heads = 0;
  int status_at_head = 0;
  bool wants_body = true;
  std::size_t pause_after = ~std::size_t{0};  // bytes; from there on after every piece
  std::size_t largest = 0;
  std::string taken;

  bool done() const { return calls > 0; }

 private:
  BodySink* on_head() override {
    ++heads;
    status_at_head = response.status;
    return wants_body ? this : nullptr;
  }
  Next take(std::string_view piece) override {
    taken.append(piece);
    largest = std::max(largest, piece.size());
    return taken.size() >= pause_after ? Next::pause : Next::more;
  }
  void on_done() override { ++calls; }
};

}  // namespace locust::http
