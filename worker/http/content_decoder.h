// Bodies with a Content-Encoding, decoded as they arrive: gzip, deflate, br, zstd, and several of
// them on top of each other. What a server can make it produce is limited.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "http/body_source.h"

namespace locust::http {

struct DecodeLimits {
  std::uint64_t most = std::uint64_t{1} << 30U;  // bytes of a body; the stock clients have no limit
  // Decoded bytes for each received one, beyond the first 8 MiB. Deflate cannot exceed 1,032.
  std::uint64_t most_ratio = 10'000;
};

// One coding's decoder at work; see decoder_stage.h.
class DecoderStage;

// Decoders that no body needs at the moment (one holds up to 44 KB for gzip), for one shard.
class DecoderPool {
 public:
  DecoderPool();
  ~DecoderPool();
  DecoderPool(const DecoderPool&) = delete;
  DecoderPool& operator=(const DecoderPool&) = delete;

 private:
  friend class ContentDecoder;
  static constexpr std::size_t kMostFree = 64;  // of each kind
  std::unique_ptr<DecoderStage> take(std::string_view coding);
  void give_back(std::unique_ptr<DecoderStage> stage);

  std::vector<std::unique_ptr<DecoderStage>> zlib_;
  std::vector<std::unique_ptr<DecoderStage>> zstd_;
};

// start(), feed() for each piece, finish(); then start() again. Between finish() (or an error) and
// start() it holds no decoder, and for a body without an encoding it never does. Not longer than
// its pool.
class ContentDecoder {
 public:
  static constexpr std::size_t kMostCodings = 5;  // as urllib3

  explicit ContentDecoder(DecoderPool& pool, const DecodeLimits& limits = {});
  ~ContentDecoder();
  ContentDecoder(const ContentDecoder&) = delete;
  ContentDecoder& operator=(const ContentDecoder&) = delete;

  // A body with this Content-Encoding follows (several fields: joined with commas); empty or
  // "identity": it is passed on as it is, without limit. False for a coding nobody knows.
  bool start(std::string_view content_encoding);
  // The next bytes of the body. What they decode to is appended to `kept` and handed to `sink`, in
  // pieces of at most 16 KB, or only counted where both are nullptr (the same for the whole body).
  // False once the body is no good.
  bool feed(std::string_view bytes, std::string* kept, BodySink* sink = nullptr);
  // The body has ended. False where its encoding has not. A body without any byte is whole, as the
  // answer to a HEAD request is.
  bool finish();

  bool is_identity() const { return identity_; }
  // Whether the sink has asked for a pause during the last feed().
  bool pause_wanted() const { return pause_wanted_; }
  std::uint64_t received_bytes() const { return received_; }
  std::uint64_t decoded_bytes() const { return decoded_; }
  // Why one of the above was false: the repr of the exception that Locust's users know,
  // "error('Error -3 while decompressing data: incorrect header check')".
  const std::string& error() const { return error_; }

 private:
  bool decode(std::size_t stage, std::string_view bytes);
  bool deliver(std::string_view bytes);
  void pass_on(std::string_view bytes);
  bool fail(std::string text);
  void release();

  DecoderPool& pool_;
  DecodeLimits limits_;
  std::vector<std::unique_ptr<DecoderStage>> stages_;  // the outermost coding first
  std::string* kept_ = nullptr;                        // during feed()
  BodySink* sink_ = nullptr;                           // during feed()
  bool pause_wanted_ = false;
  bool identity_ = true;
  std::uint64_t received_ = 0;
  std::uint64_t decoded_ = 0;
  std::uint64_t between_ = 0;  // bytes that went from one stage to the next
  std::string encoding_;
  std::string error_;
};

}  // namespace locust::http
