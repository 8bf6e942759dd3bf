#include "stats/error_key.h"

#include <fmt/core.h>

#include <algorithm>
#include <cstdint>
#include <iterator>

#include "base/sha256.h"

namespace locust::stats {
namespace {

constexpr std::string_view before_address = "object at 0x";

// The address with its 0x, up to the next '>'; empty where there is none.
std::string_view find_address(std::string_view error) {
  const std::size_t found = error.find(before_address);
  if (found == std::string_view::npos) return {};
  const std::size_t begin = found + before_address.size() - 2;
  const std::size_t end = error.find('>', begin);
  if (end == std::string_view::npos) return {};
  return error.substr(begin, end - begin);
}

// What Python's str.isprintable() denies from U+0080 on: separators, format characters, surrogates,
// private use and non-characters (Unicode 14). Not the code points that are not assigned yet: they
// differ from one Python to the next.
struct Range {
  std::uint32_t first, last;
};
constexpr Range not_printable[] = {
    {0x80, 0xa0},       {0xad, 0xad},       {0x600, 0x605},     {0x61c, 0x61c},
    {0x6dd, 0x6dd},     {0x70f, 0x70f},     {0x890, 0x891},     {0x8e2, 0x8e2},
    {0x1680, 0x1680},   {0x180e, 0x180e},   {0x2000, 0x200f},   {0x2028, 0x202f},
    {0x205f, 0x2064},   {0x2066, 0x206f},   {0x3000, 0x3000},   {0xd800, 0xf8ff},
    {0xfdd0, 0xfdef},   {0xfeff, 0xfeff},   {0xfff9, 0xfffb},   {0xfffe, 0xffff},
    {0x110bd, 0x110bd}, {0x110cd, 0x110cd}, {0x13430, 0x13438}, {0x1bca0, 0x1bca3},
    {0x1d173, 0x1d17a}, {0xe0001, 0xe0001}, {0xe0020, 0xe007f}, {0xf0000, 0x10ffff},
};

bool is_printable(std::uint32_t code_point) {
  if (code_point < 0x80) return code_point >= 0x20 && code_point != 0x7f;
  const auto* range = std::lower_bound(
      std::begin(not_printable), std::end(not_printable), code_point,
      [](const Range& candidate, std::uint32_t value) { return candidate.last < value; });
  return range == std::end(not_printable) || code_point < range->first;
}

struct CodePoint {
  std::uint32_t value;
  std::size_t length;  // in bytes; 0 where the bytes are not UTF-8
};

// The first code point of a text that is not empty.
CodePoint decode_utf8(std::string_view text) {
  const auto byte = [text](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(0);
  if (lead < 0x80) return {lead, 1};
  const std::size_t length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  if (lead < 0xc2 || lead > 0xf4 || text.size() < length) return {0, 0};
  std::uint32_t value = lead & (0x7fu >> length);
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return {0, 0};
    value = value << 6 | (byte(i) & 0x3fu);
  }
  constexpr std::uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
  const bool surrogate = value >= 0xd800 && value <= 0xdfff;
  if (value < least[length] || value > 0x10ffff || surrogate) return {0, 0};
  return {value, length};
}

std::string escape(std::uint32_t code_point) {
  if (code_point <= 0xff) return fmt::format("\\x{:02x}", code_point);
  if (code_point <= 0xffff) return fmt::format("\\u{:04x}", code_point);
  return fmt::format("\\U{:08x}", code_point);
}

// repr() of a Python str. Bytes that are not UTF-8 become U+FFFD, as in the frame that is sent.
std::string python_literal(std::string_view text) {
  const bool double_quotes = text.find('\'') != text.npos && text.find('"') == text.npos;
  const char quote = double_quotes ? '"' : '\'';
  std::string literal(1, quote);
  while (!text.empty()) {
    const CodePoint code_point = decode_utf8(text);
    const std::string_view bytes = text.substr(0, std::max(code_point.length, std::size_t{1}));
    text.remove_prefix(bytes.size());
    if (code_point.length == 0) {
      literal += "\xef\xbf\xbd";
    } else if (bytes[0] == '\\' || bytes[0] == quote) {
      literal += '\\';
      literal += bytes[0];
    } else if (bytes[0] == '\t') {
      literal += "\\t";
    } else if (bytes[0] == '\n') {
      literal += "\\n";
    } else if (bytes[0] == '\r') {
      literal += "\\r";
    } else if (is_printable(code_point.value)) {
      literal += bytes;
    } else {
      literal += escape(code_point.value);
    }
  }
  literal += quote;
  return literal;
}

}  // namespace

bool has_address(std::string_view error) { return !find_address(error).empty(); }

std::string mask_address(std::string_view error) {
  const std::string address(find_address(error));
  std::string masked(error);
  if (address.empty()) return masked;
  constexpr std::string_view mask = "0x....";
  for (std::size_t at = masked.find(address); at != std::string::npos;
       at = masked.find(address, at + mask.size())) {
    masked.replace(at, address.size(), mask);
  }
  return masked;
}

std::string error_key(std::string_view method, std::string_view name, std::string_view error) {
  std::string text;
  text += method;
  text += '.';
  text += name;
  text += '.';
  text += python_literal(mask_address(error));
  return sha256_hex(text);
}

}  // namespace locust::stats
