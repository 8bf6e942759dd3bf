// What each check says of a response: nothing where it is as expected, else expected and got.
#include "user/expect.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <stdexcept>
#include <string>

#include "base/utf8.h"
#include "user/request.h"

namespace locust {
namespace {

using namespace std::chrono_literals;
using testing::StartsWith;

http::Response with_body(std::string body, int status = 200) {
  http::Response response;
  response.status = status;
  response.body = std::move(body);
  return response;
}

http::Response with_head(const std::string& head) {
  http::Response response;
  response.status = 200;
  response.large_head = head;
  response.head_size = head.size();
  return response;
}

std::string verdict(const Check& check, const http::Response& response) {
  return check.rule().verdict(response);
}

std::string refusal(const std::function<void()>& make) {
  try {
    make();
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
  return {};
}

TEST(StatusCheck, OneOrSeveral) {
  EXPECT_EQ(verdict(status(200), with_body("", 200)), "");
  EXPECT_EQ(verdict(status(200), with_body("", 404)), "expected status 200, got 404");
  EXPECT_EQ(verdict(status({404, 410}), with_body("", 410)), "");
  EXPECT_EQ(verdict(status({404, 410}), with_body("", 200)), "expected status 404 or 410, got 200");
  EXPECT_TRUE(status(200).rule().judges_status());
  EXPECT_FALSE(status(200).rule().needs_body());
}

TEST(BodyContainsCheck, ShowsTheStartOfTheBody) {
  EXPECT_EQ(verdict(body_contains("price"), with_body("the price: 1")), "");
  EXPECT_EQ(verdict(body_contains(""), with_body("")), "");
  EXPECT_EQ(verdict(body_contains("price"), with_body("sold out")),
            "expected 'price' in the body, got 'sold out'");
  EXPECT_EQ(verdict(body_contains("price"), with_body("")), "expected 'price' in the body, got ''");
  EXPECT_EQ(verdict(body_contains("it's"), with_body("a\nb")),
            "expected \"it's\" in the body, got 'a\\nb'");
  EXPECT_EQ(verdict(body_contains("price"), with_body(std::string(81, 'x'))),
            "expected 'price' in the body, got '" + std::string(80, 'x') + "…'");
  EXPECT_EQ(verdict(body_contains("price"), with_body(std::string(80, 'x'))),
            "expected 'price' in the body, got '" + std::string(80, 'x') + "'");
}

// A text that is no UTF-8 would be refused by the master (msgpack).
TEST(BodyContainsCheck, TheTextIsUtf8WhateverTheBodyIs) {
  EXPECT_EQ(verdict(body_contains("x"), with_body("\xff\xfe")),
            "expected 'x' in the body, got '\uFFFD\uFFFD'");
  const std::string cut = std::string(79, 'a') + "\u00e4\u00e4";
  EXPECT_EQ(verdict(body_contains("x"), with_body(cut)),
            "expected 'x' in the body, got '" + std::string(79, 'a') + "\uFFFD…'");
  EXPECT_TRUE(is_utf8(verdict(body_contains("\xff"), with_body("y"))));
  EXPECT_TRUE(is_utf8(verdict(header_equals("X", "\xff"), with_body("y"))));
}

TEST(BodyContainsCheck, FindsBytesOfAnyKind) {
  EXPECT_EQ(verdict(body_contains(std::string("\0b", 2)), with_body(std::string("a\0b", 3))), "");
}

TEST(BodyMatchesCheck, AnywhereInTheBody) {
  EXPECT_EQ(verdict(body_matches("id=[0-9]+"), with_body("x id=42 y")), "");
  EXPECT_EQ(verdict(body_matches("^x.*y$"), with_body("x id=42 y")), "");
  EXPECT_EQ(verdict(body_matches("id=[0-9]+"), with_body("id=x")),
            "expected a match of 'id=[0-9]+' in the body, got 'id=x'");
  EXPECT_TRUE(body_matches("a").rule().needs_body());
}

TEST(BodyMatchesCheck, WhatIsNoExpressionIsSaidAtOnce) {
  EXPECT_EQ(refusal([] { body_matches("a(b"); }), "'a(b' is no regular expression: missing ): a(b");
  EXPECT_THAT(refusal([] { body_matches("(?=x)"); }),
              StartsWith("'(?=x)' is no regular expression: "));
}

TEST(JsonCheck, ValuesAreComparedAsJson) {
  const http::Response page = with_body(R"({"a": [1, {"b~/": "x"}], "n": 1.0, "e": null})");
  EXPECT_EQ(verdict(json_equals("/a/0", "1"), page), "");
  EXPECT_EQ(verdict(json_equals("/n", "1"), page), "");
  EXPECT_EQ(verdict(json_equals("/e", "null"), page), "");
  EXPECT_EQ(verdict(json_equals("/a/1/b~0~1", "\"x\""), page), "");  // RFC 6901, 3
  EXPECT_EQ(verdict(json_equals("/a", R"([ 1,{"b~/":"x"} ])"), page), "");
  EXPECT_EQ(verdict(json_equals("", "7"), with_body(" 7 ")), "");
  EXPECT_EQ(verdict(json_equals("/a/0", "2"), page), "expected 2 at /a/0, got 1");
  EXPECT_EQ(verdict(json_equals("/a/1", "2"), page), R"(expected 2 at /a/1, got {"b~/":"x"})");
  EXPECT_EQ(verdict(json_equals("/a/0", "\"1\""), page), "expected \"1\" at /a/0, got 1");
  EXPECT_EQ(verdict(json_equals("", "7"), with_body("8")), "expected 7 at the top, got 8");
  EXPECT_TRUE(json_equals("", "7").rule().needs_body());
}

TEST(JsonCheck, WhatIsNotThereIsSaid) {
  const http::Response page = with_body(R"({"a": [1]})");
  for (const char* pointer :
       {"/b", "/a/1", "/a/x", "/a/01", "/a/-", "/a/0/c", "/a/99999999999999999999", "/"}) {
    EXPECT_EQ(verdict(json_equals(pointer, "1"), page),
              "expected 1 at " + std::string(pointer) + ", got nothing there");
  }
}

TEST(JsonCheck, WhatIsNoJsonIsSaid) {
  EXPECT_EQ(verdict(json_equals("/a", "1"), with_body("<html>")),
            "expected 1 at /a, got what is not JSON: '<html>'");
  EXPECT_EQ(verdict(json_equals("/a", "1"), with_body("")),
            "expected 1 at /a, got what is not JSON: ''");
  EXPECT_EQ(verdict(json_equals("/a", "1"), with_body("{} x")),
            "expected 1 at /a, got what is not JSON: '{} x'");
}

TEST(JsonCheck, LongTextsAreCutAsUtf8) {
  const std::string long_text = "\"" + std::string(78, 'a') + "\u00e4\u00e4\"";
  EXPECT_EQ(verdict(json_equals("", "1"), with_body(long_text)),
            "expected 1 at the top, got \"" + std::string(78, 'a') + "\uFFFD");
}

// What a hostile or broken server sends must not take the stack with it.
TEST(JsonCheck, NestingIsNoDanger) {
  const std::string deep = std::string(100'000, '[') + std::string(100'000, ']');
  EXPECT_EQ(verdict(json_equals("", "1"), with_body(deep)), "expected 1 at the top, got an array");
  EXPECT_EQ(verdict(json_equals("/0", "1"), with_body(std::string(100'000, '['))).substr(0, 42),
            "expected 1 at /0, got what is not JSON: '[");
}

TEST(JsonCheck, MalformedOnesAreSaidAtOnce) {
  EXPECT_THAT(refusal([] { json_equals("a", "1"); }), StartsWith("json_equals('a', '1'): "));
  EXPECT_THAT(refusal([] { json_equals("/a~2", "1"); }), StartsWith("json_equals('/a~2', '1'): "));
  EXPECT_THAT(refusal([] { json_equals("/a", "x"); }), StartsWith("json_equals('/a', 'x'): "));
}

TEST(HeaderCheck, TheFirstOfThisName) {
  const http::Response page =
      with_head("HTTP/1.1 200 OK\r\nX-Cache:  HIT \r\nx-cache: MISS\r\n\r\n");
  EXPECT_EQ(verdict(header_equals("x-CACHE", "HIT"), page), "");
  EXPECT_EQ(verdict(header_equals("X-Cache", "MISS"), page),
            "expected header X-Cache: 'MISS', got 'HIT'");
  EXPECT_EQ(verdict(header_equals("X-Other", "1"), page), "expected header X-Other: '1', got none");
  EXPECT_FALSE(header_equals("X", "1").rule().needs_body());
}

TEST(FasterCheck, SaysTheLimitOnly) {
  http::Response response = with_body("");
  response.ended = response.started + milliseconds(100);
  EXPECT_EQ(verdict(faster_than(101ms), response), "");
  EXPECT_EQ(verdict(faster_than(100ms), response),
            "expected a response in less than 100 ms, got a slower one");
  EXPECT_EQ(verdict(faster_than(1s), response), "");
  response.ended = response.started + std::chrono::microseconds(1500);
  EXPECT_EQ(verdict(faster_than(std::chrono::duration<double, std::milli>(1.25)), response),
            "expected a response in less than 1.25 ms, got a slower one");
}

TEST(Expect, TheBodyIsKeptOnlyForAChecksSake) {
  const auto keeps = [](const Check& check) {
    const Request request = RequestBuilder("GET", "http://h/", "").expect(check);
    return request.data().wire.keep_body();
  };
  EXPECT_TRUE(keeps(body_contains("x")));
  EXPECT_TRUE(keeps(body_matches("x")));
  EXPECT_TRUE(keeps(json_equals("", "1")));
  EXPECT_FALSE(keeps(status(200)));
  EXPECT_FALSE(keeps(header_equals("X", "1")));
  EXPECT_FALSE(keeps(faster_than(1s)));
}

}  // namespace
}  // namespace locust
