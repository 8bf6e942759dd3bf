#include "http/content_decoder.h"

#include <fmt/core.h>

#include <array>
#include <utility>

#include "base/value.h"
#include "http/decoder_stage.h"
#include "http/header_value.h"

namespace locust::http {

namespace {

constexpr std::size_t kChunk = 16 * 1024;                      // bytes decoded at once
constexpr std::uint64_t kRatioFrom = std::uint64_t{8} << 20U;  // decoded bytes

std::unique_ptr<DecoderStage> take_from(std::vector<std::unique_ptr<DecoderStage>>& free) {
  if (free.empty()) return nullptr;
  auto stage = std::move(free.back());
  free.pop_back();
  return stage;
}

// The last of a list of codings, in lower case, which is removed from it.
std::string take_last_coding(std::string_view& list) {
  const auto comma = list.rfind(',');
  const std::string_view last = comma == std::string_view::npos ? list : list.substr(comma + 1);
  list = comma == std::string_view::npos ? std::string_view() : list.substr(0, comma);
  return to_lower_ascii(trim_blanks(last));
}

}  // namespace

DecoderPool::DecoderPool() = default;
DecoderPool::~DecoderPool() = default;

// nullptr for a coding that is not known.
std::unique_ptr<DecoderStage> DecoderPool::take(std::string_view coding) {
  const bool gzip = coding == "gzip" || coding == "x-gzip";
  if (gzip || coding == "deflate") return zlib_stage(take_from(zlib_), gzip);
  if (coding == "zstd") return zstd_stage(take_from(zstd_));
  return coding == "br" ? brotli_stage() : nullptr;
}

void DecoderPool::give_back(std::unique_ptr<DecoderStage> stage) {
  if (stage->kind() == DecoderStage::Kind::kBrotli || stage->is_large()) return;
  auto& free = stage->kind() == DecoderStage::Kind::kZlib ? zlib_ : zstd_;
  if (free.size() < kMostFree) free.push_back(std::move(stage));
}

ContentDecoder::ContentDecoder(DecoderPool& pool, const DecodeLimits& limits)
    : pool_(pool), limits_(limits) {}

ContentDecoder::~ContentDecoder() { release(); }

bool ContentDecoder::start(std::string_view content_encoding) {
  release();
  received_ = decoded_ = between_ = 0;
  error_.clear();
  encoding_.assign(content_encoding);
  identity_ = true;
  while (!content_encoding.empty()) {
    const std::string coding = take_last_coding(content_encoding);
    if (coding.empty() || coding == "identity") continue;
    identity_ = false;
    auto stage = pool_.take(coding);
    if (coding == "compress" || coding == "x-compress") {
      return fail(fmt::format("ValueError('Compression type not supported: {}')", coding));
    }
    if (!stage) {
      return fail(fmt::format("ValueError({})",
                              repr("Unknown content encoding: " + coding.substr(0, 100))));
    }
    stages_.push_back(std::move(stage));
    if (stages_.size() > kMostCodings) {
      return fail(fmt::format("DecodeError('Too many content encodings in the chain: {} > {}')",
                              stages_.size(), kMostCodings));
    }
  }
  return true;
}

bool ContentDecoder::feed(std::string_view bytes, std::string* kept, BodySink* sink) {
  if (!error_.empty()) return false;
  kept_ = kept;
  sink_ = sink;
  pause_wanted_ = false;
  received_ += bytes.size();
  if (!identity_) return decode(0, bytes);
  decoded_ += bytes.size();
  pass_on(bytes);
  return true;
}

bool ContentDecoder::decode(std::size_t index, std::string_view bytes) {
  if (index == stages_.size()) return deliver(bytes);
  if (index > 0 && (between_ += bytes.size()) > limits_.most) {
    return fail(fmt::format("ContentDecodingError({})",
                            repr(fmt::format("a body encoded with {} decodes to more than {} bytes",
                                             encoding_.substr(0, 100), limits_.most))));
  }
  std::array<char, kChunk> chunk;
  std::size_t produced = 0;
  do {
    produced = stages_[index]->step(bytes, chunk.data(), chunk.size());
    if (!stages_[index]->error().empty()) return fail(stages_[index]->error());
    if (produced > 0 && !decode(index + 1, {chunk.data(), produced})) return false;
  } while (!bytes.empty() || produced == chunk.size());
  return true;
}

bool ContentDecoder::deliver(std::string_view bytes) {
  decoded_ += bytes.size();
  const bool too_dense = decoded_ > kRatioFrom && decoded_ > received_ * limits_.most_ratio;
  if (decoded_ > limits_.most || too_dense) {
    const std::string what = too_dense
                                 ? fmt::format("more than {} times its size", limits_.most_ratio)
                                 : fmt::format("more than {} bytes", limits_.most);
    return fail(fmt::format(
        "ContentDecodingError({})",
        repr(fmt::format("a body encoded with {} decodes to {}", encoding_.substr(0, 100), what))));
  }
  pass_on(bytes);
  return true;
}

void ContentDecoder::pass_on(std::string_view bytes) {
  if (kept_ != nullptr) kept_->append(bytes);
  if (sink_ != nullptr && sink_->take(bytes) == BodySink::Next::pause) pause_wanted_ = true;
}

bool ContentDecoder::finish() {
  if (!error_.empty()) return false;
  for (const auto& stage : stages_) {
    if (received_ > 0 && !stage->complete()) return fail(stage->error());
  }
  release();
  return true;
}

bool ContentDecoder::fail(std::string text) {
  error_ = std::move(text);
  release();
  return false;
}

void ContentDecoder::release() {
  for (auto& stage : stages_) pool_.give_back(std::move(stage));
  stages_.clear();
}

}  // namespace locust::http
