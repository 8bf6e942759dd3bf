// One coding of a body at work: what ContentDecoder puts on top of each other. Internal to http/.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace locust::http {

class DecoderStage {
 public:
  enum class Kind { kZlib, kBrotli, kZstd };

  explicit DecoderStage(Kind kind) : kind_(kind) {}
  DecoderStage(const DecoderStage&) = delete;
  DecoderStage& operator=(const DecoderStage&) = delete;
  virtual ~DecoderStage() = default;

  Kind kind() const { return kind_; }
  // Takes bytes from the front of `in` and writes up to `size` to `out`. Unless it fills `out`, it
  // takes all of `in`. Nothing and error() set where the bytes are no good.
  virtual std::size_t step(std::string_view& in, char* out, std::size_t size) = 0;
  // Whether the encoding has reached its end; where not, error() may be set to the reason.
  virtual bool complete() = 0;
  const std::string& error() const { return error_; }
  // Whether it is too large to be worth keeping.
  virtual bool is_large() const { return false; }

 protected:
  void set_error(std::string error) { error_ = std::move(error); }

 private:
  Kind kind_;
  std::string error_;
};

// Each gives a stage at its start: `used` set back to it, or a new one where that is null.
std::unique_ptr<DecoderStage> zlib_stage(std::unique_ptr<DecoderStage> used, bool gzip);
std::unique_ptr<DecoderStage> zstd_stage(std::unique_ptr<DecoderStage> used);
// A Brotli decoder cannot be set back.
std::unique_ptr<DecoderStage> brotli_stage();

}  // namespace locust::http
