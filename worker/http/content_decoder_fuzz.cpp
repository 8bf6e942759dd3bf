// The first byte says which codings, the rest is the body, fed in pieces: a body must decode to the
// same however it is split, within the limits, and a refused one must have a reason.
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "http/content_decoder.h"

namespace {

void require(bool condition) {
  if (!condition) std::abort();
}

struct Outcome {
  bool ok;
  std::string kept;
};

Outcome decode(std::string_view encoding, std::string_view body, std::size_t piece) {
  using namespace locust::http;
  static DecoderPool pool;
  DecodeLimits limits;
  limits.most = 1U << 20U;
  ContentDecoder decoder(pool, limits);
  Outcome outcome{decoder.start(encoding), {}};
  while (outcome.ok && !body.empty()) {
    outcome.ok = decoder.feed(body.substr(0, piece), &outcome.kept);
    body.remove_prefix(std::min(piece, body.size()));
  }
  outcome.ok = outcome.ok && decoder.finish();
  require(outcome.ok == decoder.error().empty());
  require(outcome.kept.size() <= limits.most);
  return outcome;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::array<std::string_view, 8> kEncodings = {
      "gzip", "deflate", "br", "zstd", "gzip, br", "deflate, gzip", "zstd,deflate", "identity"};
  if (size == 0) return 0;
  const std::string_view encoding = kEncodings[data[0] % kEncodings.size()];
  const std::string_view body(reinterpret_cast<const char*>(data) + 1, size - 1);
  const Outcome whole = decode(encoding, body, body.size() + 1);
  const Outcome split = decode(encoding, body, 1);
  require(whole.ok == split.ok);
  require(!whole.ok || whole.kept == split.kept);
  return 0;
}
