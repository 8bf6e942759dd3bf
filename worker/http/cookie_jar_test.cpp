#include "http/cookie_jar.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdexcept>
#include <string>

namespace locust::http {
namespace {

using testing::ElementsAre;
using testing::Field;

constexpr WallTime kNow{std::chrono::seconds(1'700'000'000)};

Url url(std::string_view text) { return *parse_url(text); }

// What goes to `to` after `from` has set these cookies.
std::string sent(std::string_view from, const std::vector<std::string>& set, std::string_view to) {
  CookieJar jar;
  for (const std::string& each : set) jar.store(url(from), each, kNow);
  return jar.header_for(url(to), kNow);
}

TEST(CookieJar, KeepsALoginOnAnAddressOrLocalhost) {
  const std::string session = "sessionid=abc; HttpOnly; Path=/; SameSite=Lax";
  for (const auto* host :
       {"http://127.0.0.1:8000", "http://localhost:8000", "http://[::1]:80", "http://web"}) {
    EXPECT_EQ(sent(std::string(host) + "/login", {session}, std::string(host) + "/"),
              "sessionid=abc");
  }
  // A port is no part of a cookie (RFC 6265, 8.5).
  EXPECT_EQ(sent("http://127.0.0.1:8000/login", {session}, "http://127.0.0.1:9/x"),
            "sessionid=abc");
  EXPECT_EQ(sent("http://127.0.0.1/", {"a=b; Domain=127.0.0.1"}, "http://127.0.0.1/"), "a=b");
  EXPECT_EQ(sent("http://localhost/", {"a=b; Domain=.localhost"}, "http://localhost/"), "a=b");
  EXPECT_EQ(sent("http://127.0.0.1/", {"a=b; Domain=0.0.1"}, "http://127.0.0.1/"), "");
  EXPECT_EQ(sent("http://localhost/", {"a=b; Domain=localhost"}, "http://x.localhost/"), "");
}

TEST(CookieJar, SendsLongestPathsFirstThenTheOldest) {
  const std::vector<std::string> set = {"a=1",
                                        "b=2; Path=/",
                                        "c=3; Path=/a/b",
                                        "d=4; Path=/zz",
                                        "e=\"q v\"",
                                        "f=1; Domain=example.com; Path=/",
                                        "g=1; Domain=com; Path=/"};
  const auto* from = "http://h.example.com/a/b";
  EXPECT_EQ(sent(from, set, "http://h.example.com/a/b"), "c=3; a=1; e=\"q v\"; b=2; f=1");
  EXPECT_EQ(sent(from, set, "http://h.example.com/a/c"), "a=1; e=\"q v\"; b=2; f=1");
  EXPECT_EQ(sent(from, set, "http://x.example.com/a/b"), "f=1");
  EXPECT_EQ(sent(from, set, "http://h.example.com/"), "b=2; f=1");
}

TEST(CookieJar, ReplacedOneKeepsItsPlace) {
  EXPECT_EQ(sent("http://h/", {"a=1", "b=2", "a=3"}, "http://h/"), "a=3; b=2");
  EXPECT_EQ(sent("http://h/", {"a=1", "a=3; Path=/x"}, "http://h/x"), "a=3; a=1");
}

TEST(CookieJar, IgnoresWhatIsNoPair) {
  EXPECT_EQ(sent("http://h/", {"e", "=f", "", ";a=1", "g=", "h=a=b", " i = j \t; x"}, "http://h/"),
            "g=; h=a=b; i=j");
  EXPECT_EQ(
      sent("http://h/", {"a=b\r\nX: y", std::string("a=\0", 3), "a=\x7f", "a\x01=b"}, "http://h/"),
      "");
}

TEST(CookieJar, EndsByMaxAgeElseByExpires) {
  CookieJar jar;
  for (const auto* set :
       {"a=1; Max-Age=0", "b=1; Max-Age=10", "c=1; Expires=Wed, 09 Jun 2021 10:18:14 GMT",
        "d=1; Expires=Wed, 09-Jun-2037 10:18:14 GMT",
        "e=1; Max-Age=-5; Expires=Wed, 09 Jun 2037 10:18:14 GMT",
        "f=1; Expires=Wed, 09 Jun 2021 10:18:14 GMT; Max-Age=20", "g=1; Max-Age=1x",
        "h=1; Expires=soon", "i=1; Max-Age=99999999999999999999",
        "j=1; Expires=Fri, 31 Dec 9999 23:59:59 GMT",
        "k=1; Max-Age=", "l=1; Max-Age=0; Max-Age=9"}) {
    jar.store(url("http://h/"), set, kNow);
  }
  const Url to = url("http://h/");
  EXPECT_EQ(jar.header_for(to, kNow), "b=1; d=1; f=1; g=1; h=1; i=1; j=1; k=1; l=1");
  EXPECT_EQ(jar.header_for(to, kNow + seconds(9)), "b=1; d=1; f=1; g=1; h=1; i=1; j=1; k=1");
  EXPECT_EQ(jar.header_for(to, kNow + seconds(10)), "d=1; f=1; g=1; h=1; i=1; j=1; k=1");
  EXPECT_EQ(jar.value("b", kNow + seconds(10)), std::nullopt);
  jar.store(to, "d=; Expires=Thu, 01 Jan 1970 00:00:00 GMT", kNow);
  EXPECT_EQ(jar.value("d", kNow), std::nullopt);
}

// RFC 6265, 5.1.4, and Python's defaults for a path that is none.
TEST(CookieJar, MatchesPathsByFolder) {
  EXPECT_EQ(sent("http://h/", {"a=1; Path=/foo"}, "http://h/foo?x=/"), "a=1");
  EXPECT_EQ(sent("http://h/", {"a=1; Path=/foo"}, "http://h/foo/bar"), "a=1");
  EXPECT_EQ(sent("http://h/", {"a=1; Path=/foo"}, "http://h/foobar"), "");
  EXPECT_EQ(sent("http://h/", {"a=1; Path=/foo/"}, "http://h/foo/bar"), "a=1");
  EXPECT_EQ(sent("http://h/", {"a=1; Path=/foo/"}, "http://h/foo"), "");
  EXPECT_EQ(sent("http://h/x/y?z=/q/", {"a=1; Path=nonsense"}, "http://h/x/"), "a=1");
  EXPECT_EQ(sent("http://h/x/y", {"a=1"}, "http://h/"), "");
  EXPECT_EQ(sent("http://h/x", {"a=1"}, "http://h/"), "a=1");
  EXPECT_EQ(sent("http://h/x/y", {"a=1; Path=/z; Path=/"}, "http://h/"), "a=1");
}

TEST(CookieJar, KeepsToItsDomain) {
  EXPECT_EQ(sent("http://H.Example.com/", {"a=1"}, "http://h.example.COM/"), "a=1");
  EXPECT_EQ(sent("http://h.example.com/", {"a=1"}, "http://x.h.example.com/"), "");
  EXPECT_EQ(sent("http://h.example.com/", {"a=1; Domain=.Example.com"}, "http://b.a.example.com/"),
            "a=1");
  EXPECT_EQ(sent("http://h.example.com/", {"a=1; Domain=example.com"}, "http://badexample.com/"),
            "");
  EXPECT_EQ(sent("http://example.com/", {"a=1; Domain=h.example.com"}, "http://h.example.com/"),
            "");
  EXPECT_EQ(sent("http://h.example.com/", {"a=1; Domain="}, "http://h.example.com/"), "a=1");
  EXPECT_EQ(sent("http://h.example.com/", {"a=1; Domain="}, "http://x.h.example.com/"), "");
}

TEST(CookieJar, RefusesPublicSuffixes) {
  EXPECT_EQ(sent("http://shop.co.uk/", {"a=1; Domain=co.uk"}, "http://shop.co.uk/"), "");
  EXPECT_EQ(sent("http://me.github.io/", {"a=1; Domain=github.io"}, "http://you.github.io/"), "");
  // Unless the host is one itself, which then has it for itself (RFC 6265, 5.3, 5).
  EXPECT_EQ(sent("http://github.io/", {"a=1; Domain=github.io"}, "http://github.io/"), "a=1");
  EXPECT_EQ(sent("http://github.io/", {"a=1; Domain=github.io"}, "http://me.github.io/"), "");
  EXPECT_EQ(sent("http://a.svc.cluster.local/", {"a=1; Domain=svc.cluster.local"},
                 "http://b.svc.cluster.local/"),
            "a=1");
}

TEST(CookieJar, KeepsSecureOnesFromTheWire) {
  const std::vector<std::string> set = {"a=1; Secure; Path=/"};
  EXPECT_EQ(sent("http://shop.example.com/", set, "http://shop.example.com/"), "");
  EXPECT_EQ(sent("http://shop.example.com/", set, "https://shop.example.com/"), "a=1");
  EXPECT_EQ(sent("http://127.0.0.1:8000/", set, "http://127.0.0.1:8000/"), "a=1");
  EXPECT_EQ(sent("http://localhost/", set, "http://localhost/"), "a=1");
  EXPECT_EQ(sent("http://127.example.com/", set, "http://127.example.com/"), "");
  CookieRules rules;
  rules.secure_over_http = true;
  CookieJar jar(rules);
  jar.store(url("http://shop.example.com/"), set[0], kNow);
  EXPECT_EQ(jar.header_for(url("http://shop.example.com/"), kNow), "a=1");
}

TEST(CookieJar, KeepsTheFlags) {
  CookieJar jar;
  jar.store(url("http://h/"), "a=1; HTTPONLY; secure=whatever", kNow);
  ASSERT_EQ(jar.cookies().size(), 1U);
  EXPECT_TRUE(jar.cookies()[0].http_only);
  EXPECT_TRUE(jar.cookies()[0].secure);
  EXPECT_TRUE(jar.cookies()[0].host_only);
}

TEST(CookieJar, ResistsFloods) {
  CookieJar jar;
  const Url host = url("http://a.example.com/");
  jar.store(host, "first=1", kNow);
  for (int i = 0; i < 200; ++i) jar.store(host, "n" + std::to_string(i) + "=v", kNow);
  EXPECT_EQ(jar.cookies().size(), 180U);
  EXPECT_EQ(jar.value("first", kNow), std::nullopt);
  EXPECT_EQ(jar.value("n199", kNow), "v");
  jar.clear();
  for (int i = 0; i < 3100; ++i) {
    jar.store(url("http://h" + std::to_string(i) + ".example.com/"), "a=1", kNow);
  }
  EXPECT_EQ(jar.cookies().size(), 3000U);
  jar.clear();
  for (int i = 0; i < 100; ++i) {
    jar.store(host, "n" + std::to_string(i) + "=" + std::string(4000, 'x'), kNow);
  }
  EXPECT_EQ(jar.cookies().size(), 65U);  // 256 KiB / (4000 + the name, domain and path)
  jar.clear();
  jar.store(host, "n=" + std::string(4095, 'x'), kNow);
  EXPECT_FALSE(jar.empty());
  jar.store(host, "m=" + std::string(4096, 'x'), kNow);
  EXPECT_EQ(jar.value("m", kNow), std::nullopt);
  jar.store(host, "p=1; Path=/" + std::string(1024, 'x'), kNow);
  EXPECT_EQ(jar.cookies().back().path, "/");  // an attribute too long is none
}

TEST(CookieJar, MakesRoomByTheOldestUseAndFirstByTheExpired) {
  CookieRules rules;
  rules.most_per_domain = 2;
  CookieJar jar(rules);
  const Url host = url("http://h/");
  jar.store(host, "a=1; Path=/a", kNow);
  jar.store(host, "b=1; Path=/b", kNow);
  EXPECT_EQ(jar.header_for(url("http://h/a"), kNow), "a=1");
  jar.store(host, "c=1", kNow);
  EXPECT_THAT(jar.cookies(), ElementsAre(Field(&Cookie::name, "a"), Field(&Cookie::name, "c")));
  jar.store(host, "c=1; Max-Age=5", kNow);
  jar.store(host, "d=1", kNow + seconds(5));
  EXPECT_THAT(jar.cookies(), ElementsAre(Field(&Cookie::name, "a"), Field(&Cookie::name, "d")));
}

TEST(CookieJar, GivesUserCodeTheLatestOfAName) {
  CookieJar jar;
  EXPECT_EQ(jar.value("csrftoken", kNow), std::nullopt);
  jar.store(url("http://h/"), "csrftoken=1; Path=/long", kNow);
  jar.store(url("http://h/"), "csrftoken=2", kNow);
  EXPECT_EQ(jar.value("csrftoken", kNow), "2");
  jar.store(url("http://h/"), "csrftoken=3; Path=/long", kNow);
  EXPECT_EQ(jar.value("csrftoken", kNow), "3");
}

TEST(CookieJar, CanBeSetByHand) {
  CookieJar jar;
  jar.set("a", "1");
  jar.set("b", "2", ".Example.com", "/x");
  EXPECT_EQ(jar.header_for(url("http://anywhere/"), kNow), "a=1");
  EXPECT_EQ(jar.header_for(url("http://h.example.com/x"), kNow), "b=2; a=1");
  EXPECT_THROW(jar.set("", "1"), std::invalid_argument);
  EXPECT_THROW(jar.set("a=b", "1"), std::invalid_argument);
  EXPECT_THROW(jar.set("a", "1;2"), std::invalid_argument);
  EXPECT_THROW(jar.set("a", "1\r\nX: y"), std::invalid_argument);
  EXPECT_TRUE(jar.erase("a"));
  EXPECT_FALSE(jar.erase("a"));
  EXPECT_EQ(jar.header_for(url("http://anywhere/"), kNow), "");
  jar.clear();
  EXPECT_TRUE(jar.empty());
}

TEST(CookieJar, AppendsToATextOnlyWhatThereIs) {
  CookieJar jar;
  std::string text = "Cookie: ";
  EXPECT_FALSE(jar.append_header(url("http://h/"), kNow, text));
  EXPECT_EQ(text, "Cookie: ");
  jar.store(url("http://h/"), "a=1", kNow);
  EXPECT_TRUE(jar.append_header(url("http://h/"), kNow, text));
  EXPECT_EQ(text, "Cookie: a=1");
}

}  // namespace
}  // namespace locust::http
