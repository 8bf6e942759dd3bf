// Expected values are those of Python 3.11's bytes.decode(errors="replace").
#include "base/utf8.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace locust {
namespace {

using namespace std::string_literals;

TEST(Utf8, ValidTextIsKept) {
  for (const auto& text : {""s, "GET /hello/"s, "grüße – „oh“"s, "\xF0\x9F\x98\x80"s, "nul\0in"s,
                           "\xEF\xBF\xBD"s, "\xF4\x8F\xBF\xBF"s, "\xED\x9F\xBF\xEE\x80\x80"s}) {
    EXPECT_TRUE(is_utf8(text)) << text;
    EXPECT_EQ(sanitize_utf8(text), text);
  }
}

TEST(Utf8, EachMaximalBadRunBecomesOneReplacementCharacter) {
  const auto r = "\xEF\xBF\xBD"s;
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"\xFF", r},
      {"a\xC3", "a" + r},
      {"\xC3(", r + "("},
      {"\xE2\x82", r},
      {"\xE2\x82\xE2\x82\xAC", r + "\xE2\x82\xAC"},
      {"\xED\xA0\x80", r + r + r},
      {"\xF0\x9F\x98", r},
      {"\xF4\x90\x80\x80", r + r + r + r},
      {"\xC0\xAF", r + r},
      {"\xE0\x80\xAF", r + r + r},
      {"\xF8\x88\x80\x80\x80", r + r + r + r + r},
      {"\xF0\x80\x80\x80", r + r + r + r},
      {"\x80\x80x", r + r + "x"},
      {"\xF1\x80\x80x", r + "x"},
  };
  for (const auto& [bytes, expected] : cases) {
    EXPECT_FALSE(is_utf8(bytes));
    EXPECT_EQ(sanitize_utf8(bytes), expected);
    EXPECT_TRUE(is_utf8(sanitize_utf8(bytes)));
  }
}

TEST(Utf8, StepsGiveCodePoints) {
  EXPECT_EQ(utf8_step("a").code_point, U'a');
  EXPECT_EQ(utf8_step("\xC3\xBC!").code_point, U'\u00fc');
  EXPECT_EQ(utf8_step("\xE2\x82\xAC").code_point, U'\u20ac');
  EXPECT_EQ(utf8_step("\xF0\x9F\x98\x80").code_point, U'\U0001F600');
  EXPECT_EQ(utf8_step("\xF0\x9F\x98\x80").length, 4u);
}

}  // namespace
}  // namespace locust
