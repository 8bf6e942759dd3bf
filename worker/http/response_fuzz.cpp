// Answers a request with arbitrary bytes: what the client makes of them must not depend on how the
// network cuts them. The first byte says what is asked, the next two how they are cut.
#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "http/fuzz_exchange.h"

namespace {

using namespace locust::http;

// One byte of the input stands for so many letters, to get to where buffers end and limits are.
constexpr char kMany = '\xf9';
constexpr std::size_t kLetters = 3000;
constexpr std::size_t kMost = 200'000;

std::string expanded(std::string_view input) {
  std::string bytes;
  for (const char c : input) {
    if (c != kMany) {
      bytes += c;
    } else if (bytes.size() < kMost) {
      bytes.append(kLetters, 'a');
    }
  }
  return bytes;
}

FuzzServing serving_for(std::uint8_t options) {
  FuzzServing serving;
  if ((options & 1U) != 0) serving.parts.method = "HEAD";
  serving.parts.keep_body = (options & 2U) != 0;
  serving.parts.stream_response = (options & 4U) != 0;
  serving.pauses = (options & 8U) != 0;
  serving.parts.keep_trailers = (options & 16U) != 0;
  if ((options & 32U) != 0) serving.headers = 3;
  return serving;
}

void check_body(const FuzzServing& serving, const FuzzOutcome& outcome) {
  if (outcome.status == 0) return;
  FUZZ_REQUIRE(outcome.status >= 100 && outcome.status <= 999);
  const bool none =
      serving.parts.method == "HEAD" || outcome.status == 204 || outcome.status == 304;
  FUZZ_REQUIRE(!none || outcome.body_size == 0);
  FUZZ_REQUIRE(outcome.body.empty() || outcome.body.size() == outcome.body_size);
  FUZZ_REQUIRE(!serving.parts.keep_body || outcome.body.size() == outcome.body_size);
  FUZZ_REQUIRE(serving.parts.keep_trailers || outcome.trailers.empty());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 3) return 0;
  static FuzzServer server;
  const FuzzServing serving = serving_for(data[0]);
  const std::string bytes = expanded({reinterpret_cast<const char*>(data) + 3, size - 3});
  const FuzzOutcome whole = server.exchange(serving, bytes, [&] { return bytes.size(); });
  check_body(serving, whole);
  // A large one not byte by byte: that takes seconds.
  const std::size_t least = 1 + bytes.size() / 2000;
  bool odd = false;
  const FuzzOutcome cut = server.exchange(serving, bytes, [&] {
    odd = !odd;
    return least + data[odd ? 1 : 2];
  });
  FUZZ_REQUIRE(whole == cut);
  if (bytes.size() <= 300) {
    FUZZ_REQUIRE(whole == server.exchange(serving, bytes, [] { return std::size_t{1}; }));
  }
  return 0;
}
