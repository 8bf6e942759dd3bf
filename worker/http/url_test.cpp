// Expected values: RFC 3986, and what Python's urlsplit and geventhttpclient make of the same text.
#include "http/url.h"

#include <gtest/gtest.h>

namespace locust::http {
namespace {

struct Good {
  std::string text, scheme, host;
  std::uint16_t port;
  std::string target, host_header;
};

class GoodUrl : public testing::TestWithParam<Good> {};

TEST_P(GoodUrl, IsTakenApart) {
  const auto url = parse_url(GetParam().text);
  ASSERT_TRUE(url) << GetParam().text;
  EXPECT_EQ(url->origin.scheme, GetParam().scheme);
  EXPECT_EQ(url->origin.host, GetParam().host);
  EXPECT_EQ(url->origin.port, GetParam().port);
  EXPECT_EQ(url->target, GetParam().target);
  EXPECT_EQ(url->origin.host_header(), GetParam().host_header);
}

INSTANTIATE_TEST_SUITE_P(
    Table, GoodUrl,
    testing::Values(
        Good{"http://h/", "http", "h", 80, "/", "h"}, Good{"http://h", "http", "h", 80, "/", "h"},
        Good{"https://h/x", "https", "h", 443, "/x", "h"},
        Good{"HTTP://h/X", "http", "h", 80, "/X", "h"},
        Good{"hTTpS://h", "https", "h", 443, "/", "h"},
        Good{"http://h:8000/a/b?c=d&e", "http", "h", 8000, "/a/b?c=d&e", "h:8000"},
        Good{"http://h:80/", "http", "h", 80, "/", "h"},
        Good{"https://h:443/", "https", "h", 443, "/", "h"},
        Good{"https://h:80/", "https", "h", 80, "/", "h:80"},
        Good{"http://h:443/", "http", "h", 443, "/", "h:443"},
        Good{"http://h:65535/", "http", "h", 65535, "/", "h:65535"},
        Good{"http://h:1/", "http", "h", 1, "/", "h:1"},
        Good{"http://h:00080/", "http", "h", 80, "/", "h"},
        // RFC 3986, 6.2.3: an empty port is the default.
        Good{"http://h:/x", "http", "h", 80, "/x", "h"},
        Good{"http://h?q=1", "http", "h", 80, "/?q=1", "h"},
        Good{"http://h:81?q=/", "http", "h", 81, "/?q=/", "h:81"},
        Good{"http://h/?", "http", "h", 80, "/?", "h"},
        // Fragments are the client's (RFC 9110, 4.2.5).
        Good{"http://h#frag", "http", "h", 80, "/", "h"},
        Good{"http://h/a?b#c?d/e", "http", "h", 80, "/a?b", "h"},
        Good{"http://h/a#b@c:1", "http", "h", 80, "/a", "h"},
        // No userinfo in what is sent (RFC 9110, 4.2.4).
        Good{"http://user:secret@h:81/", "http", "h", 81, "/", "h:81"},
        Good{"http://user@h/", "http", "h", 80, "/", "h"},
        Good{"http://a@b@h/", "http", "h", 80, "/", "h"},
        Good{"http://h/@x:1", "http", "h", 80, "/@x:1", "h"},
        Good{"http://h?@x", "http", "h", 80, "/?@x", "h"},
        Good{"http://127.0.0.1:8000/hello/", "http", "127.0.0.1", 8000, "/hello/",
             "127.0.0.1:8000"},
        Good{"http://[::1]/", "http", "::1", 80, "/", "[::1]"},
        Good{"http://[::1]:8000/x", "http", "::1", 8000, "/x", "[::1]:8000"},
        Good{"http://u:p@[2001:db8::1]:1?x", "http", "2001:db8::1", 1, "/?x", "[2001:db8::1]:1"},
        Good{"http://[::ffff:1.2.3.4]:/", "http", "::ffff:1.2.3.4", 80, "/", "[::ffff:1.2.3.4]"},
        // Sent by FastHttpUser 2.47: quote(…, safe="!#$%&'()*+,/:;=?@[]~").
        Good{"http://h/a b", "http", "h", 80, "/a%20b", "h"},
        Good{"http://h/a b?q={x}|y^`\"<>\\", "http", "h", 80,
             "/a%20b?q=%7Bx%7D%7Cy%5E%60%22%3C%3E%5C", "h"},
        Good{"http://h/caf\u00e9?\u00fc=1#frag", "http", "h", 80, "/caf%C3%A9?%C3%BC=1", "h"},
        Good{"http://h/~!$&'()*+,;=:@", "http", "h", 80, "/~!$&'()*+,;=:@", "h"},
        Good{"http://h/a;p=1?x=[1]", "http", "h", 80, "/a;p=1?x=[1]", "h"},
        Good{"http://h/%41%2f%20", "http", "h", 80, "/%41%2f%20", "h"},
        Good{"http://h/a/../b/./c", "http", "h", 80, "/a/../b/./c", "h"},
        Good{"http://h//x//", "http", "h", 80, "//x//", "h"},
        Good{"http://h/a\r\nX: y", "http", "h", 80, "/a%0D%0AX:%20y", "h"},
        Good{std::string("http://h/a\0b\t\x7f", 14), "http", "h", 80, "/a%00b%09%7F", "h"},
        Good{"http://h/\xff", "http", "h", 80, "/%FF", "h"}));

class BadUrl : public testing::TestWithParam<std::string> {};

TEST_P(BadUrl, IsNone) { EXPECT_FALSE(parse_url(GetParam())) << GetParam(); }

INSTANTIATE_TEST_SUITE_P(
    Table, BadUrl,
    testing::Values("", "h", "/x", "//h/x", "h:80", "http", "http:", "http:/", "http://", "http:h",
                    "https://", "ftp://h/", "httpx://h/", " http://h/", "http:///x", "http://?x",
                    "http://#x", "http://:80/", "http://user@/", "http://user@:80/", "http://h:0/",
                    "http://h:65536/", "http://h:99999999999999999999/", "http://h:-1/",
                    "http://h:+1/", "http://h:x/", "http://h:80x/", "http://h: 80/",
                    "http://h:8 0/", "http://h:1:2/", "http://::1/", "http://[::1", "http://[::1/",
                    "http://[]/", "http://[::1]x/", "http://[::1]80/", "http://[::1]:x/",
                    "http://[foo]/", "http://a b/", "http://a\r\nX: y/", "http://a\tb/",
                    std::string("http://a\0b/", 11), "http://a\\b/", "http://a\x7f/"));

TEST(UrlWithBase, ARelativeOneIsAppendedAsItIs) {  // clients.py: f"{self.base_url}{path}"
  const auto url = parse_url("/hello/?a=b", "http://h:81");
  ASSERT_TRUE(url);
  EXPECT_EQ(url->origin, (Origin{"http", "h", 81}));
  EXPECT_EQ(url->target, "/hello/?a=b");
  EXPECT_EQ(parse_url("/x", "http://h/base")->target, "/base/x");
  EXPECT_EQ(parse_url("/x", "http://h/")->target, "//x");
  EXPECT_EQ(parse_url("", "http://h")->target, "/");
  EXPECT_EQ(parse_url("?q", "http://h")->target, "/?q");
  EXPECT_EQ(parse_url("0/x", "http://h:8")->origin.port, 80);
}

TEST(UrlWithBase, AnAbsoluteOneIsKept) {  // ^https?://, any case
  EXPECT_EQ(parse_url("http://other/x", "http://h/base")->origin.host, "other");
  EXPECT_EQ(parse_url("HTTPS://other/x", "http://h/base")->origin.port, 443);
}

TEST(UrlWithBase, WithoutAUsableBaseThereIsNone) {
  EXPECT_FALSE(parse_url("/x", ""));
  EXPECT_FALSE(parse_url("/x", "h"));
  EXPECT_FALSE(parse_url("ftp://h/", ""));
}

TEST(Origin, TheSchemeAndThePortTellOriginsApart) {
  EXPECT_NE(parse_url("http://h/")->origin, parse_url("https://h/")->origin);
  EXPECT_NE(parse_url("http://h/")->origin, parse_url("http://h:81/")->origin);
  EXPECT_EQ(parse_url("http://h/a")->origin, parse_url("http://u@h:80/b")->origin);
}

// ---- References: RFC 3986, 5.4, without fragments, which are not sent ----

struct Reference {
  std::string reference;
  std::string target;  // at http://a; empty: none of ours
};

class ReferenceOfRfc : public testing::TestWithParam<Reference> {};

TEST_P(ReferenceOfRfc, LeadsWhereItSays) {
  const auto base = parse_url("http://a/b/c/d;p?q");
  const auto url = resolve_reference(*base, GetParam().reference);
  ASSERT_EQ(url.has_value(), !GetParam().target.empty()) << GetParam().reference;
  if (url) {
    EXPECT_EQ(url->to_string(), GetParam().target) << GetParam().reference;
  }
}

INSTANTIATE_TEST_SUITE_P(
    Table, ReferenceOfRfc,
    testing::Values(
        // 5.4.1
        Reference{"g:h", ""}, Reference{"g", "http://a/b/c/g"}, Reference{"./g", "http://a/b/c/g"},
        Reference{"g/", "http://a/b/c/g/"}, Reference{"/g", "http://a/g"},
        Reference{"//g", "http://g/"}, Reference{"?y", "http://a/b/c/d;p?y"},
        Reference{"g?y", "http://a/b/c/g?y"}, Reference{"#s", "http://a/b/c/d;p?q"},
        Reference{"g#s", "http://a/b/c/g"}, Reference{"g?y#s", "http://a/b/c/g?y"},
        Reference{";x", "http://a/b/c/;x"}, Reference{"g;x", "http://a/b/c/g;x"},
        Reference{"g;x?y#s", "http://a/b/c/g;x?y"}, Reference{"", "http://a/b/c/d;p?q"},
        Reference{".", "http://a/b/c/"}, Reference{"./", "http://a/b/c/"},
        Reference{"..", "http://a/b/"}, Reference{"../", "http://a/b/"},
        Reference{"../g", "http://a/b/g"}, Reference{"../..", "http://a/"},
        Reference{"../../", "http://a/"}, Reference{"../../g", "http://a/g"},
        // 5.4.2
        Reference{"../../../g", "http://a/g"}, Reference{"../../../../g", "http://a/g"},
        Reference{"/./g", "http://a/g"}, Reference{"/../g", "http://a/g"},
        Reference{"g.", "http://a/b/c/g."}, Reference{".g", "http://a/b/c/.g"},
        Reference{"g..", "http://a/b/c/g.."}, Reference{"..g", "http://a/b/c/..g"},
        Reference{"./../g", "http://a/b/g"}, Reference{"./g/.", "http://a/b/c/g/"},
        Reference{"g/./h", "http://a/b/c/g/h"}, Reference{"g/../h", "http://a/b/c/h"},
        Reference{"g;x=1/./y", "http://a/b/c/g;x=1/y"}, Reference{"g;x=1/../y", "http://a/b/c/y"},
        Reference{"g?y/./x", "http://a/b/c/g?y/./x"},
        Reference{"g?y/../x", "http://a/b/c/g?y/../x"}, Reference{"g#s/../x", "http://a/b/c/g"},
        Reference{"http:g", ""},
        // Others.
        Reference{"HTTPS://x:8/y", "https://x:8/y"}, Reference{"//x:81?q", "http://x:81/?q"},
        Reference{"mailto:x@y", ""}, Reference{"javascript:void(0)", ""}, Reference{"//", ""},
        Reference{"./g:h", "http://a/b/c/g:h"}, Reference{"g/h:i", "http://a/b/c/g/h:i"},
        Reference{"?next=http://x/", "http://a/b/c/d;p?next=http://x/"},
        Reference{"/g?next=http://x/", "http://a/g?next=http://x/"},
        Reference{"/a b", "http://a/a%20b"}, Reference{"1:x", "http://a/b/c/1:x"}));

TEST(Reference, KeepsSchemeAndPortOfTheBase) {
  const auto base = parse_url("https://a:8443/x");
  EXPECT_EQ(resolve_reference(*base, "/y")->to_string(), "https://a:8443/y");
  EXPECT_EQ(resolve_reference(*base, "//b/y")->to_string(), "https://b/y");
  EXPECT_EQ(resolve_reference(*parse_url("http://[::1]:81/x"), "y")->to_string(),
            "http://[::1]:81/y");
}

// The socket's path is the authority, as requests-unixsocket writes it.
TEST(UnixSocketUrl, HasThePathOfTheSocket) {
  const auto url = parse_url("http+unix://%2Frun%2fa b%25.sock/x?y#z");
  ASSERT_TRUE(url);
  EXPECT_TRUE(url->origin.is_unix());
  EXPECT_EQ(url->origin.host, "/run/a b%.sock");
  EXPECT_EQ(url->target, "/x?y");
  EXPECT_EQ(url->origin.host_header(), "localhost");
  EXPECT_EQ(url->to_string(), "http+unix://%2Frun%2Fa%20b%25.sock/x?y");
  EXPECT_EQ(parse_url(url->to_string())->origin, url->origin);
  EXPECT_EQ(parse_url("/z", "HTTP+UNIX://%2Fa")->to_string(), "http+unix://%2Fa/z");
  EXPECT_EQ(resolve_reference(*url, "w")->to_string(), "http+unix://%2Frun%2Fa%20b%25.sock/w");
  EXPECT_FALSE(resolve_reference(*url, "//other/w"));
  for (const char* bad : {"http+unix://", "http+unix:///x", "http+unix://run/x", "http+unix://%2",
                          "http+unix://%2Fa%00", "http+unix://%2Fa%2x", "http+unix://%-1a"}) {
    EXPECT_FALSE(parse_url(bad)) << bad;
  }
}

TEST(Credentials, AreThoseOfTheUrl) {  // fasthttp.py: unquote(parsed_url.username) …
  const auto found = credentials_in("http://ana:s%40c%2Fret@h:81/x");
  ASSERT_TRUE(found);
  EXPECT_EQ(found->user, "ana");
  EXPECT_EQ(found->password, "s@c/ret");
  EXPECT_EQ(credentials_in("http://a:b%zz%4@h")->password, "b%zz%4");
  EXPECT_EQ(credentials_in("http://a:b:c@h")->password, "b:c");
  for (const char* none : {"", "h", "http://h/", "http://ana@h/", "http://ana:@h/", "http://:x@h/",
                           "http://h/a:b@c", "http://h?a:b@c", "/a:b@c"}) {
    EXPECT_FALSE(credentials_in(none)) << none;
  }
}

TEST(Url, AddressesAreNoNames) {
  for (const char* address : {"127.0.0.1", "0.0.0.0", "::1", "fe80::1", "fe80::1%eth0", "fe80::1%2",
                              "::ffff:10.0.0.1", "2001:db8::"}) {
    EXPECT_TRUE(is_address(address)) << address;
  }
  for (const char* name : {"", "localhost", "127.1", "1.2.3.4.5", "1.2.3.256", "a:b", "%eth0",
                           "dead", "127.0.0.1%eth0", "1.2.3.4.example"}) {
    EXPECT_FALSE(is_address(name)) << name;
  }
}

TEST(Url, AZoneIsNotOfTheAddress) {
  EXPECT_EQ(without_zone("fe80::1%eth0"), "fe80::1");
  EXPECT_EQ(without_zone("fe80::1"), "fe80::1");
  EXPECT_EQ(without_zone("a%20b"), "a%20b");
}

TEST(Url, BytesArePercentEncoded) {  // urllib.parse.quote
  std::string out = "x";
  append_percent(' ', out);
  append_percent('\xff', out);
  append_percent('\0', out);
  EXPECT_EQ(out, "x%20%FF%00");
}

}  // namespace
}  // namespace locust::http
