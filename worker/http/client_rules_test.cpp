// Expected: what Locust 2.47.0 records for HttpUser (requests 2.34.2) and FastHttpUser
// (geventhttpclient 2.6.1) of a server that answers like this.
#include "http/client_rules.h"

#include <gtest/gtest.h>

#include <string>

#include "http/failure.h"

namespace locust::http {
namespace {

constexpr ClientRules kFast = ClientRules::fast_http_user;
constexpr ClientRules kHttp = ClientRules::http_user;

Response with_head(int status, std::string status_line) {
  Response response;
  response.status = status;
  response.large_head = std::move(status_line) + "\r\nContent-Length: 0\r\n\r\n";
  response.head_size = response.large_head.size();
  return response;
}

std::string failure(ClientRules rules, int status, std::string status_line,
                    std::string_view name = "/x") {
  return failure_of_status(rules, with_head(status, std::move(status_line)), name);
}

TEST(ClientRules, Success) {
  for (int status = 200; status < 700; ++status) {
    EXPECT_EQ(is_success(kHttp, status), status < 400 || status >= 600) << status;
    const bool fast = status <= 208 || status == 226 || (status >= 301 && status <= 304) ||
                      status == 307 || status == 308;
    EXPECT_EQ(is_success(kFast, status), fast) << status;
  }
}

TEST(ClientRules, FailureOfStatus) {
  EXPECT_EQ(failure(kFast, 404, "HTTP/1.1 404 NOT FOUND"), "LocustBadStatusCode(code=404)");
  EXPECT_EQ(failure(kHttp, 404, "HTTP/1.1 404 NOT FOUND"),
            "HTTPError('404 Client Error: NOT FOUND for url: /x')");
  EXPECT_EQ(failure(kHttp, 404, "HTTP/1.1 404 NOT FOUND", "group"),
            "HTTPError('404 Client Error: NOT FOUND for url: group')");
  EXPECT_EQ(failure(kHttp, 503, "HTTP/1.1 503 Service Unavailable"),
            "HTTPError('503 Server Error: Service Unavailable for url: /x')");
  EXPECT_EQ(failure(kHttp, 404, "HTTP/1.1 404"), "HTTPError('404 Client Error:  for url: /x')");
  EXPECT_EQ(failure(kHttp, 404, "HTTP/1.1 404 Caf\xe9's  gone "),
            "HTTPError(\"404 Client Error: Caf\u00e9's  gone for url: /x\")");
}

TEST(ClientRules, DefaultName) {
  const auto name = [](ClientRules rules, const std::string& written) {
    const auto url = parse_url(written, "http://h");
    return default_name(rules, written, *url);
  };
  EXPECT_EQ(name(kFast, "/ok?a=b c#f"), "/ok?a=b c#f");
  EXPECT_EQ(name(kHttp, "/ok?a=b c#f"), "/ok?a=b%20c");
  EXPECT_EQ(name(kFast, "http://h:1/ok?x=1"), "http://h:1/ok?x=1");
  EXPECT_EQ(name(kHttp, "http://h:1/ok?x=1"), "/ok?x=1");
  EXPECT_EQ(name(kFast, "/ok?"), "/ok?");
  EXPECT_EQ(name(kHttp, "/ok?"), "/ok");
  EXPECT_EQ(name(kHttp, "http://h"), "/");
  EXPECT_EQ(name(kHttp, "/\u00f6k"), "/%C3%B6k");
}

// requests' Session.should_strip_auth; geventhttpclient compares the origins.
TEST(ClientRules, KeepsCredentials) {
  const auto keeps = [](ClientRules rules, const char* from, const char* to) {
    return keeps_credentials(rules, parse_url(from)->origin, parse_url(to)->origin);
  };
  for (const ClientRules rules : {kFast, kHttp}) {
    EXPECT_TRUE(keeps(rules, "http://h/a", "http://h/b"));
    EXPECT_TRUE(keeps(rules, "https://h", "https://h:443"));
    EXPECT_FALSE(keeps(rules, "http://h", "http://other"));
    EXPECT_FALSE(keeps(rules, "http://h", "http://h:8080"));
    EXPECT_FALSE(keeps(rules, "https://h", "http://h"));
    EXPECT_FALSE(keeps(rules, "http://h:8080", "https://h"));
  }
  EXPECT_FALSE(keeps(kFast, "http://h", "https://h"));
  EXPECT_TRUE(keeps(kHttp, "http://h", "https://h"));
  EXPECT_FALSE(keeps(kHttp, "http://h", "https://h:8443"));
  EXPECT_FALSE(keeps(kHttp, "http://h", "https://other"));
}

TEST(ClientRules, FailuresOfRedirects) {
  EXPECT_EQ(failure_of_redirects(kFast, "http://h/loop", 30),
            "RetriesExceeded('http://h/loop', 'Redirection limit reached (30)')");
  EXPECT_EQ(failure_of_redirects(kHttp, "http://h/loop", 30),
            "TooManyRedirects('Exceeded 30 redirects.')");
  const Url here = *parse_url("http://h/ftp");
  EXPECT_EQ(failure_of_location(kFast, here, "ftp://x/"),
            "UnsupportedRedirectSchemeError('http://h/ftp', \"refusing to follow redirect to 'ftp' "
            "URL\")");
  EXPECT_EQ(failure_of_location(kHttp, here, "ftp://x/"),
            "InvalidSchema(\"No connection adapters were found for 'ftp://x/'\")");
}

TEST(ClientRules, FailuresBelowHttp) {
  const Origin origin = parse_url("http://127.0.0.1:18099")->origin;
  const auto told = [&](std::string text) {
    EXPECT_EQ(failure_as_told(kFast, text, origin, milliseconds(500)), text);
    return failure_as_told(kHttp, std::move(text), origin, milliseconds(500));
  };
  EXPECT_EQ(told(failure_closed()),
            "RemoteDisconnected('Remote end closed connection without response')");
  EXPECT_EQ(told(failure_truncated(false)),
            "ChunkedEncodingError(ProtocolError('Response ended prematurely'))");
  EXPECT_EQ(told(failure_timed_out("http://127.0.0.1:18099/never")),
            "ReadTimeout(ReadTimeoutError(\"HTTPConnectionPool(host='127.0.0.1', port=18099): Read "
            "timed out. (read timeout=0.5)\"))");
  EXPECT_EQ(told("ConnectionRefusedError(111, 'Connection refused')"),
            "ConnectionRefusedError(111, 'Connection refused')");
  EXPECT_EQ(told("RetriesExceeded('http://h/', 'Redirection limit reached (3)')"),
            "RetriesExceeded('http://h/', 'Redirection limit reached (3)')");
  EXPECT_NE(failure_as_told(kHttp, failure_timed_out("u"), origin, seconds(60))
                .find("(read timeout=60.0)"),
            std::string::npos);
}

}  // namespace
}  // namespace locust::http
