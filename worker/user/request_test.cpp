// What a RequestBuilder makes: the bytes that go out, and the name in the statistics (FastHttpUser:
// `name or url`, as it was passed).
#include "user/request.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdexcept>

#include "user/test_shard.h"

namespace locust {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

constexpr const char* kBase = "http://example.com:8080";

std::string bytes(const Request& request) { return std::string(request.data().wire.bytes()); }

std::string body_of(const Request& request) {
  const std::string all = bytes(request);
  return all.substr(all.find("\r\n\r\n") + 4);
}

TEST(Request, NameIsTheUrlAsItWasGiven) {
  const Request relative = RequestBuilder("GET", "/items?id=7", kBase);
  EXPECT_EQ(relative.data().name, "/items?id=7");
  EXPECT_EQ(relative.data().method, "GET");
  EXPECT_THAT(bytes(relative), StartsWith("GET /items?id=7 HTTP/1.1\r\n"));
  EXPECT_THAT(bytes(relative), HasSubstr("\r\nHost: example.com:8080\r\n"));

  const Request absolute = RequestBuilder("GET", "http://other.org/x", kBase);
  EXPECT_EQ(absolute.data().name, "http://other.org/x");
  EXPECT_THAT(bytes(absolute), HasSubstr("\r\nHost: other.org\r\n"));
}

TEST(Request, NamedChangesTheRowAndNotTheRequest) {
  const Request request = RequestBuilder("GET", "/items/7", kBase).named("/items/[id]");
  EXPECT_EQ(request.data().name, "/items/[id]");
  EXPECT_THAT(bytes(request), StartsWith("GET /items/7 HTTP/1.1\r\n"));
}

TEST(Request, BaseWithAPathIsPrepended) {
  const Request request = RequestBuilder("GET", "/hello/", "http://example.com/api");
  EXPECT_THAT(bytes(request), StartsWith("GET /api/hello/ HTTP/1.1\r\n"));
}

TEST(Request, HeadersAreSent) {
  const Request request = RequestBuilder("GET", "/", kBase).header("X-Token", "a b");
  EXPECT_THAT(bytes(request), HasSubstr("\r\nX-Token: a b\r\n"));
}

TEST(Request, JsonIsABodyWithItsType) {
  const Request request = RequestBuilder("POST", "/", kBase).json(R"({"a": 1})");
  EXPECT_THAT(bytes(request), HasSubstr("\r\nContent-Type: application/json\r\n"));
  EXPECT_THAT(bytes(request), HasSubstr("\r\nContent-Length: 8\r\n"));
  EXPECT_EQ(body_of(request), R"({"a": 1})");
}

TEST(Request, BodyIsOctetsWhereNothingElseIsSaid) {
  const Request request = RequestBuilder("POST", "/", kBase).body(std::string("\0\xff", 2));
  EXPECT_THAT(bytes(request), HasSubstr("\r\nContent-Type: application/octet-stream\r\n"));
  EXPECT_EQ(body_of(request), std::string("\0\xff", 2));
}

// As Python's urllib.parse.urlencode({"user": "ana maria", "päß": "50 % & more=-._"}).
TEST(Request, FormIsUrlEncoded) {
  const Request request = RequestBuilder("POST", "/", kBase)
                              .form({{"user", "ana maria"}, {"p\u00e4\u00df", "50 % & more=-._"}});
  EXPECT_EQ(body_of(request), "user=ana+maria&p%C3%A4%C3%9F=50+%25+%26+more%3D-._");
  EXPECT_THAT(bytes(request), HasSubstr("\r\nContent-Type: application/x-www-form-urlencoded\r\n"));
  const Request special = RequestBuilder("POST", "/", kBase).form({{"~", "*"}});
  EXPECT_EQ(body_of(special), "~=%2A");
}

TEST(Request, EmptyFieldsKeepTheirPlace) {
  const Request request = RequestBuilder("POST", "/", kBase).form({{"a", ""}, {"b", "2"}});
  EXPECT_EQ(body_of(request), "a=&b=2");
}

TEST(Request, QueryIsAppendedAndNotPartOfTheName) {
  const Request request =
      RequestBuilder("GET", "/items?a=1#part", kBase).query({{"q", "x y"}, {"p", "&"}});
  EXPECT_THAT(bytes(request), StartsWith("GET /items?a=1&q=x+y&p=%26 HTTP/1.1\r\n"));
  EXPECT_EQ(request.data().name, "/items?a=1#part");
  const Request bare = RequestBuilder("GET", "", kBase).query({{"q", "1"}});
  EXPECT_THAT(bytes(bare), StartsWith("GET /?q=1 HTTP/1.1\r\n"));
}

TEST(Request, MultipartNamesItsBoundary) {
  const Request request = RequestBuilder("POST", "/", kBase)
                              .header("Content-Type", "text/plain")
                              .multipart({{.name = "file",
                                           .data = "abc",
                                           .filename = "a.txt",
                                           .content_type = {},
                                           .headers = {}}});
  const std::string all = bytes(request);
  constexpr std::string_view kType = "\r\nContent-Type: multipart/form-data; boundary=";
  const auto at = all.find(kType);
  ASSERT_NE(at, std::string::npos) << all;
  const auto from = at + kType.size();
  const std::string boundary = all.substr(from, all.find("\r\n", from) - from);
  EXPECT_THAT(body_of(request), StartsWith("--" + boundary + "\r\n"));
  EXPECT_THAT(body_of(request), HasSubstr("--" + boundary + "--\r\n"));
  EXPECT_THAT(all.substr(0, all.find("\r\n\r\n")), Not(HasSubstr("text/plain")));
}

TEST(Request, CredentialsAreAHeader) {
  // requests.auth._basic_auth_str("ana", "s:e")
  const Request basic = RequestBuilder("GET", "/", kBase).basic_auth("ana", "s:e");
  EXPECT_THAT(bytes(basic), HasSubstr("\r\nAuthorization: Basic YW5hOnM6ZQ==\r\n"));
  const Request bearer = RequestBuilder("GET", "/", kBase).basic_auth("ana", "x").bearer("abc.def");
  EXPECT_THAT(bytes(bearer), HasSubstr("\r\nAuthorization: Bearer abc.def\r\n"));
  EXPECT_THAT(bytes(bearer), Not(HasSubstr("Basic")));
}

// fasthttp.py, FastHttpSession.__init__: name and password of the host, unquoted.
TEST(Request, CredentialsOfTheHostAreUsed) {
  constexpr const char* kHeader = "\r\nAuthorization: Basic YW5hOnM6ZQ==\r\n";
  const Request of_host = RequestBuilder("GET", "/x", "http://ana:s%3Ae@h");
  EXPECT_THAT(bytes(of_host), HasSubstr(kHeader));
  const Request absolute = RequestBuilder("GET", "http://ana:s%3Ae@h/x", kBase);
  EXPECT_THAT(bytes(absolute), HasSubstr(kHeader));
  const Request elsewhere = RequestBuilder("GET", "http://other/x", "http://ana:s%3Ae@h");
  EXPECT_THAT(bytes(elsewhere), Not(HasSubstr("Authorization")));
  const Request own = RequestBuilder("GET", "/x", "http://ana:s%3Ae@h").bearer("t");
  EXPECT_THAT(bytes(own), Not(HasSubstr("Basic")));
}

TEST(Request, ALaterHeaderTakesThePlaceOfAnEarlierOne) {
  const Request request =
      RequestBuilder("GET", "/", kBase).header("X-A", "1").header("x-a", "2").header("X-B", "3");
  EXPECT_THAT(bytes(request), HasSubstr("\r\nx-a: 2\r\nX-B: 3\r\n"));
  EXPECT_THAT(bytes(request), Not(HasSubstr("X-A")));
}

// fasthttp.py: `if "Content-Type" not in headers`, and the same of Accept and Accept-Encoding.
TEST(Request, WhatTheCallerSaysComesBeforeTheDefaults) {
  const Request usual = RequestBuilder("POST", "/", kBase).json("{}");
  EXPECT_THAT(bytes(usual), HasSubstr("\r\nAccept: application/json\r\n"));
  EXPECT_THAT(bytes(usual), HasSubstr("\r\nAccept-Encoding: gzip, deflate, br, zstd\r\n"));
  for (const bool first : {true, false}) {
    RequestBuilder builder("POST", "/", kBase);
    if (!first) builder = std::move(builder).json("{}");
    builder = std::move(builder)
                  .header("content-type", "application/hal+json")
                  .header("accept", "text/html")
                  .header("accept-encoding", "identity");
    if (first) builder = std::move(builder).json("{}");
    const std::string all = bytes(builder);
    EXPECT_THAT(all, HasSubstr("\r\ncontent-type: application/hal+json\r\n"));
    EXPECT_THAT(all, HasSubstr("\r\naccept: text/html\r\n"));
    EXPECT_THAT(all, HasSubstr("\r\naccept-encoding: identity\r\n"));
    EXPECT_THAT(all, Not(HasSubstr("application/json")));
    EXPECT_THAT(all, Not(HasSubstr("gzip")));
    EXPECT_THAT(all, Not(HasSubstr("*/*")));
  }
}

TEST(Request, RedirectsAreFollowedUnlessRefused) {
  const Request usual = RequestBuilder("GET", "/", kBase);
  const Request refused = RequestBuilder("GET", "/", kBase).no_redirects();
  EXPECT_TRUE(usual.data().wire.parts().follow_redirects);
  EXPECT_FALSE(refused.data().wire.parts().follow_redirects);
}

TEST(Request, BodyIsKeptOnlyWhereAsked) {
  const Request counted = RequestBuilder("GET", "/", kBase);
  const Request kept = RequestBuilder("GET", "/", kBase).keep_body();
  EXPECT_FALSE(counted.data().wire.keep_body());
  EXPECT_TRUE(kept.data().wire.keep_body());
}

TEST(Request, TimeoutIsItsOwn) {
  const Request request = RequestBuilder("GET", "/", kBase).timeout(milliseconds(250));
  EXPECT_EQ(request.data().wire.timeout(), milliseconds(250));
}

TEST(Request, HeaderThatWouldBreakTheMessageApartIsRefused) {
  const auto make = [](const char* name, const char* value) {
    return static_cast<Request>(RequestBuilder("GET", "/", kBase).header(name, value));
  };
  EXPECT_THROW(make("X", "a\r\nSet-Cookie: b"), std::invalid_argument);
  EXPECT_THROW(make("X\r\nY", "a"), std::invalid_argument);
}

std::string refusal(const char* url, const char* base) {
  try {
    const RequestBuilder builder("GET", url, base);
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
  return {};
}

TEST(Request, TheLastCredentialsCount) {
  const Request digest =
      RequestBuilder("GET", "http://ana:secret@h/", "").basic_auth("a", "b").digest_auth("c", "d");
  EXPECT_THAT(bytes(digest), Not(HasSubstr("Authorization")));
  EXPECT_EQ(digest.data().digest, (http::Credentials{"c", "d"}));
  const Request bearer =
      RequestBuilder("GET", "/", kBase).digest_auth("c", "d").header("authorization", "Bearer x");
  EXPECT_EQ(bearer.data().digest, std::nullopt);
  http::UserAgentSettings settings;
  settings.basic_auth = http::Credentials{"a", "b"};
  const Request own = RequestBuilder("GET", "/", kBase, &settings).digest_auth("c", "d");
  EXPECT_THAT(bytes(own), Not(HasSubstr("Authorization")));
}

// locust: `name or url`.
TEST(Request, AnEmptyNameIsNone) {
  const Request request = RequestBuilder("GET", "/x", kBase).named("");
  EXPECT_EQ(request.data().name, "/x");
}

TEST(Request, UrlThatIsNoneSaysWhatIsMissing) {
  // users.py and fasthttp.py, where the class has no host.
  EXPECT_EQ(refusal("/x", ""),
            "You must specify the base host. Either in the host attribute in the User class, or on "
            "the command line using the --host option.");
  EXPECT_THAT(refusal("/x", "example.com"), HasSubstr("'example.com/x'"));
}

TEST(Request, CopiesShareTheirBytes) {
  const Request one = RequestBuilder("GET", "/", kBase);
  const Request two = one;  // NOLINT(performance-unnecessary-copy-initialization): what is tested
  EXPECT_EQ(&one.data(), &two.data());
}

std::string host_header(const std::string& of_class, const std::optional<std::string>& of_master) {
  test::ScriptedUser::Hooks hooks;
  test::ScriptedUser::hooks = &hooks;
  test::TestShard shard;
  shard.environment.host = of_master;
  UserClassOf<test::ScriptedUser> user_class("Scripted");
  user_class.host(of_class);
  const ConstructionScope scope(shard.context, user_class);
  const std::unique_ptr<User> user = user_class.make();
  const std::string all = bytes(static_cast<test::ScriptedUser&>(*user).get("/"));
  const auto begin = all.find("Host: ") + 6;
  return all.substr(begin, all.find("\r\n", begin) - begin);
}

// runners.py, spawn_users: `if self.environment.host: user_class.host = self.environment.host`.
TEST(User, MastersHostComesFirstUnlessItIsEmpty) {
  EXPECT_EQ(host_header("http://class", "http://master"), "master");
  EXPECT_EQ(host_header("http://class", std::nullopt), "class");
  EXPECT_EQ(host_header("http://class", ""), "class");
}

TEST(User, IsMadeByTheEngineAlone) {
  test::ScriptedUser::Hooks hooks;
  test::ScriptedUser::hooks = &hooks;
  EXPECT_THROW(test::ScriptedUser(), std::logic_error);
}

}  // namespace
}  // namespace locust
