#include "stats/error_key.h"

#include <gtest/gtest.h>

#include "base/sha256.h"

namespace locust::stats {
namespace {

// Expected values: StatsError.parse_error and StatsError.create_key of Locust 2.47.0. Many more
// texts are compared in recorder_test.cpp.

TEST(MaskAddress, ReplacesTheAddressWhereverItOccurs) {
  EXPECT_EQ(mask_address("<Foo object at 0x7f00ab12>"), "<Foo object at 0x....>");
  EXPECT_EQ(mask_address("<Foo object at 0xaa> is 0xaa, not 0xbb"),
            "<Foo object at 0x....> is 0x...., not 0xbb");
  EXPECT_EQ(mask_address("<A object at 0x1> <B object at 0x12>"),
            "<A object at 0x....> <B object at 0x....2>");
}

TEST(MaskAddress, LeavesOtherTextsAlone) {
  for (const char* text : {"", "404", "object at 0x12 that does not end", "at 0x12>"}) {
    EXPECT_FALSE(has_address(text));
    EXPECT_EQ(mask_address(text), text);
  }
}

TEST(ErrorKey, IsTheDigestOfMethodNameAndPythonLiteral) {
  EXPECT_EQ(error_key("GET", "/", "404"), sha256_hex("GET./.'404'"));
  EXPECT_EQ(error_key("GET", "/", "it's"), sha256_hex("GET./.\"it's\""));
  EXPECT_EQ(error_key("GET", "/", "'\""), sha256_hex("GET./.'\\'\"'"));
  EXPECT_EQ(error_key("GET", "/", "a\n\x01\xc2\xa0\xe2\x80\x8b\xf3\xa0\x81\x81"),
            sha256_hex("GET./.'a\\n\\x01\\xa0\\u200b\\U000e0041'"));
  EXPECT_EQ(error_key("GET", "/", "<X object at 0x1>"), sha256_hex("GET./.'<X object at 0x....>'"));
  EXPECT_EQ(error_key("GET", "/", "404"),
            "7e88b0946aedcb21320435d4fd5bc1258cf88108cf2cb25e60c8a931fbb973fa");
}

TEST(ErrorKey, TakesBytesThatAreNotUtf8AsTheReplacementCharacter) {
  const std::string one_bad = sha256_hex("GET./.'a\xef\xbf\xbdz'");
  EXPECT_EQ(error_key("GET", "/", "a\xffz"), one_bad);
  EXPECT_EQ(error_key("GET", "/", "a\xc3z"), one_bad);
  // An overlong form, a surrogate and a truncated sequence: one for each byte.
  const std::string bad = "\xef\xbf\xbd";
  EXPECT_EQ(error_key("", "", "\xc0\xaf"), sha256_hex("..'" + bad + bad + "'"));
  EXPECT_EQ(error_key("", "", "\xed\xa0\x80"), sha256_hex("..'" + bad + bad + bad + "'"));
  EXPECT_EQ(error_key("", "", "\xf0\x9f\x98"), sha256_hex("..'" + bad + bad + bad + "'"));
}

}  // namespace
}  // namespace locust::stats
