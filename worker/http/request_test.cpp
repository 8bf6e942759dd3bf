// Expected values: RFC 9110 and 9112, and geventhttpclient's _build_request.
#include "http/request.h"

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <stdexcept>
#include <string>

namespace locust::http {
namespace {

const std::string kUserAgent = "User-Agent: locustpp/" LOCUSTPP_VERSION "\r\n";

RequestParts parts(std::string method, const std::string& url, Headers headers = {},
                   std::string body = {}) {
  RequestParts result;
  result.method = std::move(method);
  result.url = *parse_url(url);
  result.headers = std::move(headers);
  result.has_body = !body.empty();
  result.body = std::move(body);
  return result;
}

std::string bytes(RequestParts request) { return std::string(Request(std::move(request)).bytes()); }

TEST(RequestBytes, AGet) {
  EXPECT_EQ(bytes(parts("GET", "http://h/hello/?a=b")),
            "GET /hello/?a=b HTTP/1.1\r\nHost: h\r\n" + kUserAgent + "Accept: */*\r\n\r\n");
}

TEST(RequestBytes, TheHostHasItsPortAndBrackets) {
  EXPECT_NE(bytes(parts("GET", "http://u:p@[::1]:8000")).find("\r\nHost: [::1]:8000\r\n"),
            std::string::npos);
}

TEST(RequestBytes, TheCallersHeadersComeInTheirOrderAndAsTheyAre) {
  EXPECT_EQ(bytes(parts("GET", "http://h/", {{"X-b", "1"}, {"x-A", " two "}, {"X-b", ""}})),
            "GET / HTTP/1.1\r\nHost: h\r\n" + kUserAgent +
                "Accept: */*\r\nX-b: 1\r\nx-A:  two \r\nX-b: \r\n\r\n");
}

TEST(RequestBytes, TheCallersHeadersReplaceTheDefaultsInAnyCase) {
  EXPECT_EQ(bytes(parts("POST", "http://h/",
                        {{"hOST", "other"},
                         {"user-agent", "me"},
                         {"ACCEPT", "text/html"},
                         {"content-length", "2"}},
                        "ab")),
            "POST / HTTP/1.1\r\nhOST: other\r\nuser-agent: me\r\nACCEPT: text/html\r\n"
            "content-length: 2\r\n\r\nab");
}

struct Length {
  std::string method, body;
  bool has_body;
  std::string expected;  // the value of Content-Length
};

class ContentLength : public testing::TestWithParam<Length> {};

// RFC 9110, 8.6: also for an empty body where the method expects one, not where it does not.
TEST_P(ContentLength, IsThereWhereItBelongs) {
  RequestParts request = parts(GetParam().method, "http://h/");
  request.body = GetParam().body;
  request.has_body = GetParam().has_body;
  const std::string text = bytes(std::move(request));
  const std::string line = "\r\nContent-Length: " + GetParam().expected + "\r\n";
  EXPECT_EQ(text.find(line) != std::string::npos, !GetParam().expected.empty()) << text;
  EXPECT_EQ(text.find("Content-Length") != std::string::npos, !GetParam().expected.empty());
  EXPECT_EQ(text.substr(text.find("\r\n\r\n") + 4), GetParam().body);
}

INSTANTIATE_TEST_SUITE_P(
    Table, ContentLength,
    testing::Values(Length{"GET", "", false, ""}, Length{"HEAD", "", false, ""},
                    Length{"DELETE", "", false, ""}, Length{"OPTIONS", "", false, ""},
                    Length{"POST", "", false, "0"}, Length{"PUT", "", false, "0"},
                    Length{"PATCH", "", false, "0"}, Length{"GET", "", true, "0"},
                    Length{"GET", "q", true, "1"}, Length{"DELETE", "abc", true, "3"},
                    Length{"POST", "abc\r\n\r\nd", true, "8"},
                    Length{"PUT", std::string("\0\xff", 2), true, "2"}));

// RFC 9112, 6.2: never both; the body is coded as the header says (as geventhttpclient does).
TEST(RequestBytes, AChunkedBodyHasNoLength) {
  const std::string start = "POST / HTTP/1.1\r\nHost: h\r\n" + kUserAgent +
                            "Accept: */*\r\ntransfer-encoding: Chunked\r\n";
  const Headers headers = {{"Content-Length", "99"}, {"transfer-encoding", "Chunked"}};
  EXPECT_EQ(bytes(parts("POST", "http://h/", headers, std::string(26, 'x'))),
            start + "\r\n1a\r\n" + std::string(26, 'x') + "\r\n0\r\n\r\n");
  EXPECT_EQ(bytes(parts("POST", "http://h/", headers)), start + "\r\n0\r\n\r\n");
}

class BadMethod : public testing::TestWithParam<std::string> {};
TEST_P(BadMethod, IsRefused) {
  EXPECT_THROW(Request(parts(GetParam(), "http://h/")), std::invalid_argument);
}
INSTANTIATE_TEST_SUITE_P(Table, BadMethod,
                         testing::Values("", " ", "GET ", "G ET", "GET\r\nX: y", "GE:T", "G\tT",
                                         std::string("G\0", 2), "G\xc3\x89T", "GET / HTTP/1.1"));

class BadName : public testing::TestWithParam<std::string> {};
TEST_P(BadName, IsRefused) {
  EXPECT_THROW(Request(parts("GET", "http://h/", {{GetParam(), "v"}})), std::invalid_argument);
}
INSTANTIATE_TEST_SUITE_P(Table, BadName,
                         testing::Values("", " X", "X ", "X Y", "X:", "X\r\nY", "X\n", "X\t", "(X)",
                                         std::string("X\0", 2), "\xc3\xa9"));

class BadValue : public testing::TestWithParam<std::string> {};
TEST_P(BadValue, IsRefused) {
  EXPECT_THROW(Request(parts("GET", "http://h/", {{"X", GetParam()}})), std::invalid_argument);
}
INSTANTIATE_TEST_SUITE_P(Table, BadValue,
                         testing::Values("a\r\nY: b", "\r", "\n", "a\r\n b", "a\nY: b", "a\r",
                                         std::string("a\0b", 3), "a\x01", "a\x1b[0m", "a\x7f"));

TEST(RequestBytes, TabsAndBytesBeyondAsciiMayBeInAValue) {
  EXPECT_NE(bytes(parts("GET", "http://h/", {{"X", "a\tb\xc3\xa9\xff"}}))
                .find("\r\nX: a\tb\xc3\xa9\xff\r\n"),
            std::string::npos);
}

TEST(RequestBytes, AnyTokenIsAMethod) {
  EXPECT_TRUE(bytes(parts("M-SEARCH", "http://h/")).starts_with("M-SEARCH / HTTP/1.1\r\n"));
  EXPECT_TRUE(bytes(parts("a!#$%&'*+-.^_`|~9", "http://h/")).starts_with("a!#$%&'*+-.^_`|~9 / "));
}

// A Url need not come from parse_url.
TEST(RequestBytes, ATargetOrHostThatBreaksTheHeadIsRefused) {
  for (const char* target : {"", "/a b", "/\r\nX: y", "/\n", "/\t", "/\x7f"}) {
    RequestParts request = parts("GET", "http://h/");
    request.url.target = target;
    EXPECT_THROW(Request{std::move(request)}, std::invalid_argument) << target;
  }
  RequestParts request = parts("GET", "http://h/");
  request.url.origin.host = "h\r\nX: y";
  EXPECT_THROW(Request{std::move(request)}, std::invalid_argument);
}

TEST(Request, KnowsWhatMayBeSentAgain) {  // RFC 9110, 9.2.2
  for (const char* method : {"GET", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE"}) {
    EXPECT_TRUE(Request(parts(method, "http://h/")).idempotent()) << method;
  }
  for (const char* method : {"POST", "PATCH", "CONNECT", "LOCK", "get"}) {
    EXPECT_FALSE(Request(parts(method, "http://h/")).idempotent()) << method;
  }
}

TEST(Request, KeepsWhatTheClientNeeds) {
  RequestParts request = parts("HEAD", "https://h:444/");
  request.keep_body = true;
  request.timeout = seconds(3);
  const Request head(std::move(request));
  EXPECT_TRUE(head.is_head());
  EXPECT_TRUE(head.keep_body());
  EXPECT_EQ(head.timeout(), seconds(3));
  EXPECT_EQ(head.origin(), (Origin{"https", "h", 444}));
  EXPECT_FALSE(Request(parts("GET", "http://h/")).is_head());
}

// ---- A body from a source ----

class Promise final : public BodySource {
 public:
  explicit Promise(std::optional<std::uint64_t> size, bool rewindable = true)
      : size_(size), rewindable_(rewindable) {}
  std::optional<std::uint64_t> size() const override { return size_; }
  bool rewindable() const override { return rewindable_; }
  std::unique_ptr<BodyReader> open() const override { return nullptr; }

 private:
  std::optional<std::uint64_t> size_;
  bool rewindable_;
};

RequestParts from_source(const char* method, std::optional<std::uint64_t> size,
                         Headers headers = {}, bool rewindable = true) {
  RequestParts request = parts(method, "http://h/", std::move(headers));
  request.has_body = true;
  request.body = "not sent";
  request.source = std::make_shared<Promise>(size, rewindable);
  return request;
}

// What follows the usual headers.
std::string rest_of(const Request& request) {
  const std::string all(request.bytes());
  return all.substr(all.find("Accept: */*\r\n") + 13);
}

TEST(RequestFromASource, AnnouncesTheBodyAndDoesNotHoldIt) {
  const Request sized(from_source("POST", 5'000'000'000));
  EXPECT_EQ(rest_of(sized), "Content-Length: 5000000000\r\n\r\n");
  EXPECT_EQ(sized.source_size(), 5'000'000'000U);
  EXPECT_NE(sized.source(), nullptr);
  const Request chunked(from_source("PUT", std::nullopt));
  EXPECT_EQ(rest_of(chunked), "Transfer-Encoding: chunked\r\n\r\n");
  EXPECT_EQ(chunked.source_size(), std::nullopt);
  EXPECT_EQ(rest_of(Request(from_source("GET", 0))), "Content-Length: 0\r\n\r\n");
}

TEST(RequestFromASource, GoesInChunksWhereThatIsAskedFor) {
  const Request request(from_source("POST", 7, {{"transfer-encoding", "Chunked"}}));
  EXPECT_EQ(rest_of(request), "transfer-encoding: Chunked\r\n\r\n");
  EXPECT_EQ(request.source_size(), std::nullopt);
}

// Another length than what is sent would break the connection apart (RFC 9112, 6.3).
TEST(RequestFromASource, HasNoOtherLengthThanItsOwn) {
  EXPECT_EQ(rest_of(Request(from_source("POST", 7, {{"content-length", "8"}}))),
            "Content-Length: 7\r\n\r\n");
  EXPECT_EQ(rest_of(Request(from_source("POST", std::nullopt, {{"Content-Length", "8"}}))),
            "Transfer-Encoding: chunked\r\n\r\n");
}

// As after a redirect that drops the body.
TEST(RequestFromASource, HasNoneWithoutABody) {
  RequestParts request = from_source("GET", 7);
  request.has_body = false;
  request.body.clear();
  const Request get(std::move(request));
  EXPECT_EQ(rest_of(get), "\r\n");
  EXPECT_EQ(get.source(), nullptr);
}

TEST(RequestFromASource, IsSentAgainOnlyWhereThatCanBeDone) {
  EXPECT_TRUE(Request(from_source("PUT", 7)).idempotent());
  EXPECT_FALSE(Request(from_source("PUT", 7, {}, false)).idempotent());
  EXPECT_FALSE(Request(from_source("POST", 7)).idempotent());
}

}  // namespace
}  // namespace locust::http
