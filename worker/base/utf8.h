// UTF-8 as Python's decoder sees it: no surrogates, no overlong forms, nothing beyond U+10FFFF.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace locust {

// What stands at the start of a text that is not empty: one character, or the longest run of bytes
// that cannot begin one (Unicode's "maximal subpart", for which Python puts one U+FFFD).
struct Utf8Step {
  std::size_t length;  // at least 1
  bool valid;
  char32_t code_point;  // U+FFFD where not valid
};
Utf8Step utf8_step(std::string_view text);

bool is_utf8(std::string_view text);

// As Python's bytes.decode(errors="replace").
std::string sanitize_utf8(std::string_view text);

}  // namespace locust
