#include "http/decoder_stage.h"

#include <brotli/decode.h>
#include <fmt/core.h>
#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <new>
#include <optional>

namespace locust::http {

namespace {

constexpr std::string_view kWrongHeader = "incorrect header check";  // zlib's own words

// gzip (all members, as RFC 1952 has it; what follows them is ignored, as everywhere) and deflate.
class ZlibStage final : public DecoderStage {
 public:
  ZlibStage() : DecoderStage(Kind::kZlib) {
    if (inflateInit2(&stream_, 15) != Z_OK) throw std::bad_alloc();
  }
  ~ZlibStage() override { inflateEnd(&stream_); }

  void reset(bool gzip) {
    inflateReset2(&stream_, gzip ? 16 + 15 : 15);
    gzip_ = gzip;
    state_ = gzip ? State::kInside : State::kStart;
    raw_ = further_member_ = false;
    first_byte_.reset();
    set_error({});
  }

  std::size_t step(std::string_view& in, char* out, std::size_t size) override {
    std::size_t produced = 0;
    if (state_ == State::kStart && !in.empty()) produced = guess_wrapper(in, out, size);
    while (error().empty() && state_ != State::kStart) {
      if (state_ == State::kBetween) begin_member(in);
      if (state_ != State::kInside) break;
      const std::size_t before = in.size();
      const std::size_t more = inflate_some(in, out + produced, size - produced);
      produced += more;
      if (produced == size || (in.size() == before && more == 0)) return produced;
    }
    if (state_ == State::kEnded) in = {};
    return produced;
  }

  bool complete() override {
    if (state_ == State::kEnded || state_ == State::kBetween) return true;
    // What looked like a further member and gave nothing is as good as none.
    if (state_ == State::kInside && further_member_ && stream_.total_out == 0) return true;
    complain(Z_BUF_ERROR, "incomplete or truncated stream");
    return false;
  }

 private:
  enum class State {
    kStart,    // deflate whose first two bytes are not there yet
    kInside,   // a stream
    kBetween,  // a member of gzip has ended, another may follow
    kEnded,    // whatever follows is ignored
  };

  // "deflate" means zlib's format, but some send the bare stream. No encoder writes one that begins
  // like a zlib header: that would be a stored block with padding bits set.
  std::size_t guess_wrapper(std::string_view& in, char* out, std::size_t size) {
    if (!first_byte_) {
      first_byte_ = in.front();
      in.remove_prefix(1);
      if (in.empty()) return 0;
    }
    const auto first = static_cast<unsigned char>(*first_byte_);
    const auto second = static_cast<unsigned char>(in.front());
    raw_ = (first & 0xfU) != 8 || (first * 256U + second) % 31 != 0;
    inflateReset2(&stream_, raw_ ? -15 : 15);
    state_ = State::kInside;
    std::string_view byte(&*first_byte_, 1);
    return inflate_some(byte, out, size);
  }

  void begin_member(std::string_view in) {
    if (in.empty()) return;
    if (in.front() != '\x1f') {
      state_ = State::kEnded;
      return;
    }
    inflateReset(&stream_);
    further_member_ = true;
    state_ = State::kInside;
  }

  std::size_t inflate_some(std::string_view& in, char* out, std::size_t size) {
    const auto length = std::min<std::size_t>(in.size(), std::numeric_limits<uInt>::max());
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(in.data()));
    stream_.avail_in = static_cast<uInt>(length);
    stream_.next_out = reinterpret_cast<Bytef*>(out);
    stream_.avail_out = static_cast<uInt>(size);
    const int result = inflate(&stream_, Z_NO_FLUSH);
    in.remove_prefix(length - stream_.avail_in);
    if (result == Z_STREAM_END) {
      state_ = gzip_ ? State::kBetween : State::kEnded;
    } else if (result == Z_DATA_ERROR && further_member_ && stream_.total_out == 0) {
      state_ = State::kEnded;
    } else if (result != Z_OK && result != Z_BUF_ERROR) {
      complain(result,
               raw_ ? kWrongHeader : std::string_view(stream_.msg == nullptr ? "" : stream_.msg));
    }
    return size - stream_.avail_out;
  }

  void complain(int code, std::string_view message) {
    set_error(fmt::format("error('Error {} while decompressing data{}{}')", code,
                          message.empty() ? "" : ": ", message));
  }

  z_stream stream_{};
  State state_ = State::kStart;
  bool gzip_ = false;
  bool raw_ = false;
  bool further_member_ = false;
  std::optional<char> first_byte_;
};

class BrotliStage final : public DecoderStage {
 public:
  BrotliStage() : DecoderStage(Kind::kBrotli) {
    if (!state_) throw std::bad_alloc();
  }

  std::size_t step(std::string_view& in, char* out, std::size_t size) override {
    if (BrotliDecoderIsFinished(state_.get()) != BROTLI_FALSE) {
      if (!in.empty()) complain();
      return 0;
    }
    std::size_t in_left = in.size();
    std::size_t out_left = size;
    const auto* next_in = reinterpret_cast<const std::uint8_t*>(in.data());
    auto* next_out = reinterpret_cast<std::uint8_t*>(out);
    const auto result = BrotliDecoderDecompressStream(state_.get(), &in_left, &next_in, &out_left,
                                                      &next_out, nullptr);
    in.remove_prefix(in.size() - in_left);
    // Bytes after the end are an error for Python's brotli.
    if (result == BROTLI_DECODER_RESULT_ERROR ||
        (result == BROTLI_DECODER_RESULT_SUCCESS && !in.empty())) {
      complain();
    }
    return size - out_left;
  }

  bool complete() override {
    if (BrotliDecoderIsFinished(state_.get()) != BROTLI_FALSE) return true;
    complain();
    return false;
  }

 private:
  struct Delete {
    void operator()(BrotliDecoderState* state) const { BrotliDecoderDestroyInstance(state); }
  };

  void complain() { set_error("error('brotli: decoder failed')"); }

  std::unique_ptr<BrotliDecoderState, Delete> state_{
      BrotliDecoderCreateInstance(nullptr, nullptr, nullptr)};
};

class ZstdStage final : public DecoderStage {
 public:
  ZstdStage() : DecoderStage(Kind::kZstd) {
    if (!context_) throw std::bad_alloc();
    // 8 MiB: the largest window that HTTP allows (RFC 9659).
    ZSTD_DCtx_setParameter(context_.get(), ZSTD_d_windowLogMax, 23);
  }

  void reset() {
    ZSTD_DCtx_reset(context_.get(), ZSTD_reset_session_only);
    between_frames_ = true;
    set_error({});
  }

  std::size_t step(std::string_view& in, char* out, std::size_t size) override {
    if (in.empty() && between_frames_) return 0;
    ZSTD_inBuffer from{in.data(), in.size(), 0};
    ZSTD_outBuffer to{out, size, 0};
    while (to.pos < to.size) {
      if (between_frames_ && from.pos < from.size && !may_begin_frame(in[from.pos])) {
        complain("Unknown frame descriptor");
        break;
      }
      const std::size_t in_before = from.pos;
      const std::size_t out_before = to.pos;
      const std::size_t result = ZSTD_decompressStream(context_.get(), &to, &from);
      if (ZSTD_isError(result) != 0U) {
        complain(ZSTD_getErrorName(result));
        break;
      }
      between_frames_ = result == 0;
      if (from.pos == from.size && between_frames_) break;
      if (from.pos == in_before && to.pos == out_before) break;
    }
    in.remove_prefix(from.pos);
    return to.pos;
  }

  bool complete() override {
    if (!between_frames_) set_error("DecodeError('Zstandard data is incomplete')");
    return between_frames_;
  }

  bool is_large() const override {
    return ZSTD_sizeof_DCtx(context_.get()) > (std::size_t{1} << 20U);
  }

 private:
  struct Delete {
    void operator()(ZSTD_DCtx* context) const { ZSTD_freeDCtx(context); }
  };

  // A frame or a skippable one (RFC 8878, 3.1). The library may know formats from before the
  // standard as well, which nobody sends and which it handles less carefully.
  static bool may_begin_frame(char first) {
    return first == 0x28 || (static_cast<unsigned char>(first) & 0xf0U) == 0x50;
  }

  void complain(std::string_view reason) {
    set_error(fmt::format("ZstdError('Unable to decompress Zstandard data: {}')", reason));
  }

  std::unique_ptr<ZSTD_DCtx, Delete> context_{ZSTD_createDCtx()};
  bool between_frames_ = true;
};

}  // namespace

std::unique_ptr<DecoderStage> zlib_stage(std::unique_ptr<DecoderStage> used, bool gzip) {
  if (!used) used = std::make_unique<ZlibStage>();
  static_cast<ZlibStage&>(*used).reset(gzip);
  return used;
}

std::unique_ptr<DecoderStage> zstd_stage(std::unique_ptr<DecoderStage> used) {
  if (!used) used = std::make_unique<ZstdStage>();
  static_cast<ZstdStage&>(*used).reset();
  return used;
}

std::unique_ptr<DecoderStage> brotli_stage() { return std::make_unique<BrotliStage>(); }

}  // namespace locust::http
