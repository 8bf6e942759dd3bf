#include "http/header_value.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace locust::http {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;

TEST(HeaderValue, HasParameters) {
  const auto type = parse_header_value(R"(text/html; Charset="utf-8" ; q=0.5)");
  EXPECT_EQ(type.value, "text/html");
  EXPECT_THAT(type.parameters, ElementsAre(Pair("charset", "utf-8"), Pair("q", "0.5")));
  EXPECT_EQ(*find_parameter(type.parameters, "q"), "0.5");
  EXPECT_EQ(find_parameter(type.parameters, "boundary"), nullptr);
}

TEST(HeaderValue, QuotedStringsHoldSeparatorsAndEscapes) {
  const auto value = parse_header_value(R"(attachment; filename="a;b\"c\\d.txt"; x=1)");
  EXPECT_EQ(value.value, "attachment");
  EXPECT_THAT(value.parameters, ElementsAre(Pair("filename", R"(a;b"c\d.txt)"), Pair("x", "1")));
}

TEST(HeaderValue, LeavesOutWhatMakesNoSense) {
  EXPECT_THAT(parse_header_value("text/plain;;=x; lonely; ok = 1 ;").parameters,
              ElementsAre(Pair("ok", "1")));
  EXPECT_THAT(parse_header_value(R"(a; b="never ends)").parameters,
              ElementsAre(Pair("b", "never ends")));
  EXPECT_THAT(parse_header_value(R"(a; b="ends in \)").parameters,
              ElementsAre(Pair("b", "ends in ")));
  EXPECT_EQ(parse_header_value("").value, "");
  EXPECT_THAT(parse_header_value("a; b=").parameters, ElementsAre(Pair("b", "")));
}

// RFC 9110, 11.6.1.
TEST(Challenges, ShareTheirCommas) {
  const auto challenges = parse_challenges(
      R"(Basic realm="simple", Newauth realm="apps", type=1, title="Login to \"apps\"")");
  ASSERT_EQ(challenges.size(), 2U);
  EXPECT_EQ(challenges[0].scheme, "basic");
  EXPECT_THAT(challenges[0].parameters, ElementsAre(Pair("realm", "simple")));
  EXPECT_EQ(challenges[1].scheme, "newauth");
  EXPECT_THAT(challenges[1].parameters, ElementsAre(Pair("realm", "apps"), Pair("type", "1"),
                                                    Pair("title", R"(Login to "apps")")));
}

TEST(Challenges, MayHaveATokenOrNothing) {
  const auto challenges = parse_challenges("Negotiate, NTLM TlRMTVNTUAA==, , Digest nonce=\"x==\"");
  ASSERT_EQ(challenges.size(), 3U);
  EXPECT_EQ(challenges[0].scheme, "negotiate");
  EXPECT_THAT(challenges[0].parameters, IsEmpty());
  EXPECT_EQ(challenges[1].scheme, "ntlm");
  EXPECT_EQ(challenges[1].token, "TlRMTVNTUAA==");
  EXPECT_EQ(challenges[2].scheme, "digest");
  EXPECT_THAT(challenges[2].parameters, ElementsAre(Pair("nonce", "x==")));
}

TEST(Challenges, OfNonsenseAreNone) {
  EXPECT_THAT(parse_challenges(""), IsEmpty());
  EXPECT_THAT(parse_challenges(" , ,\t"), IsEmpty());
  EXPECT_THAT(parse_challenges(R"("Basic realm=x")"), IsEmpty());
  const auto mixed = parse_challenges(R"(=?, Basic realm="x")");
  ASSERT_EQ(mixed.size(), 1U);
  EXPECT_EQ(mixed[0].scheme, "basic");
}

TEST(QuotedString, EscapesWhatEndsIt) {
  EXPECT_EQ(quoted_string(R"(a"b\c)"), R"("a\"b\\c")");
  EXPECT_EQ(parse_header_value("x; y=" + quoted_string(R"(a"b\c)")).parameters[0].second,
            R"(a"b\c)");
}

TEST(Text, IsComparedByAsciiLettersOnly) {
  EXPECT_TRUE(equals_ignoring_case("Set-COOKIE", "set-cookie"));
  EXPECT_FALSE(equals_ignoring_case("a", "ab"));
  EXPECT_FALSE(equals_ignoring_case("[", "{"));
  EXPECT_EQ(to_lower_ascii("A-Z\xc3\x89"), "a-z\xc3\x89");
  EXPECT_EQ(trim_blanks(" \ta b\t "), "a b");
  EXPECT_EQ(trim_blanks("\t "), "");
}

}  // namespace
}  // namespace locust::http
