// Walks over UTF-8 one character at a time; table 3-7 of the Unicode standard.
#include "base/utf8.h"

#include <cstdint>
#include <cstring>

namespace locust {
namespace {

constexpr char32_t kReplacement = 0xFFFD;
constexpr std::string_view kReplacementBytes = "\xEF\xBF\xBD";

// How a character goes on after its first byte.
struct Lead {
  std::size_t following;    // bytes after the first
  unsigned char low, high;  // bounds of the second byte; all later ones are 80..BF
  unsigned char payload;    // the bits that the first byte gives
};

// following == 0: not the first byte of a longer character.
Lead lead_of(unsigned char byte) {
  const auto bits = [byte](unsigned mask) { return static_cast<unsigned char>(byte & mask); };
  if (byte >= 0xC2 && byte <= 0xDF) return {1, 0x80, 0xBF, bits(0x1F)};
  if (byte == 0xE0) return {2, 0xA0, 0xBF, bits(0x0F)};
  if (byte == 0xED) return {2, 0x80, 0x9F, bits(0x0F)};
  if (byte >= 0xE1 && byte <= 0xEF) return {2, 0x80, 0xBF, bits(0x0F)};
  if (byte == 0xF0) return {3, 0x90, 0xBF, bits(0x07)};
  if (byte >= 0xF1 && byte <= 0xF3) return {3, 0x80, 0xBF, bits(0x07)};
  if (byte == 0xF4) return {3, 0x80, 0x8F, bits(0x07)};
  return {0, 0, 0, 0};
}

// Bytes of valid UTF-8 at the start.
std::size_t valid_prefix(std::string_view text) {
  std::size_t at = 0;
  while (at < text.size()) {
    // Nearly all text is ASCII: eight bytes at a time where it is.
    std::uint64_t eight = 0;
    if (text.size() - at >= sizeof eight) {
      std::memcpy(&eight, text.data() + at, sizeof eight);
      if ((eight & 0x8080808080808080u) == 0) {
        at += sizeof eight;
        continue;
      }
    }
    const Utf8Step step = utf8_step(text.substr(at));
    if (!step.valid) break;
    at += step.length;
  }
  return at;
}

}  // namespace

Utf8Step utf8_step(std::string_view text) {
  const auto first = static_cast<unsigned char>(text.front());
  if (first < 0x80) return {1, true, first};
  const Lead lead = lead_of(first);
  if (lead.following == 0) return {1, false, kReplacement};
  char32_t code_point = lead.payload;
  for (std::size_t i = 1; i <= lead.following; ++i) {
    if (i == text.size()) return {i, false, kReplacement};
    const auto byte = static_cast<unsigned char>(text[i]);
    const unsigned char low = i == 1 ? lead.low : 0x80;
    const unsigned char high = i == 1 ? lead.high : 0xBF;
    if (byte < low || byte > high) return {i, false, kReplacement};
    code_point = (code_point << 6) | (byte & 0x3Fu);
  }
  return {lead.following + 1, true, code_point};
}

bool is_utf8(std::string_view text) { return valid_prefix(text) == text.size(); }

std::string sanitize_utf8(std::string_view text) {
  std::string clean;
  clean.reserve(text.size());
  while (true) {
    const std::size_t good = valid_prefix(text);
    clean.append(text.substr(0, good));
    text.remove_prefix(good);
    if (text.empty()) return clean;
    clean.append(kReplacementBytes);
    text.remove_prefix(utf8_step(text).length);
  }
}

}  // namespace locust
