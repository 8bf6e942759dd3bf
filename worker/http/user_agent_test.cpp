// Redirects and cookies. Expected: what geventhttpclient 2.6.1 (FastHttpUser) and requests 2.34.2
// (HttpUser) send to the same server, and RFC 9110, 15.4, where they do not follow it.
#include "http/user_agent.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "http/test_user_agent.h"

namespace locust::http {
namespace {

using testing::AllOf;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

TEST_F(UserAgentTest, ARedirectIsFollowedAndTold) {
  begin(parts("/start?a=b"));
  const std::string first = answer(redirect(302, "/next?c=d"));
  EXPECT_THAT(first, StartsWith("GET /start?a=b HTTP/1.1\r\n"));
  EXPECT_THAT(answer(redirect(307, "last")), StartsWith("GET /next?c=d HTTP/1.1\r\n"));
  EXPECT_THAT(answer(std::string(kOk)), StartsWith("GET /last HTTP/1.1\r\n"));
  const Response& response = end();
  EXPECT_TRUE(response.ok());
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.body, "ok");
  EXPECT_EQ(response.body_size, 2U);
  EXPECT_EQ(response.final_url, url("/last"));
  ASSERT_EQ(response.history.size(), 2U);
  EXPECT_EQ(response.history[0].status, 302);
  EXPECT_EQ(response.history[0].url, url("/start?a=b"));
  EXPECT_EQ(response.history[1].status, 307);
  EXPECT_EQ(response.history[1].url, url("/next?c=d"));
  EXPECT_EQ(server_.accepted, 1) << "over the kept connection";
}

TEST_F(UserAgentTest, TheTimeIsThatOfTheWholeChain) {
  begin(parts("/"));
  const SteadyTime began = server_.loop.now();
  server_.run_for(milliseconds(5));
  answer(redirect(302, "/next"));
  answer(std::string(kOk));
  const Response& response = end();
  EXPECT_LE(response.started, began);
  EXPECT_GE(response.ended - response.started, milliseconds(5));
}

TEST_F(UserAgentTest, WithoutARedirectNothingIsTold) {
  begin(parts("/"));
  answer(std::string(kOk));
  EXPECT_TRUE(end().history.empty());
  EXPECT_EQ(end().final_url, "");
}

// geventhttpclient, CompatRequest.redirect; a HEAD stays one, as RFC 9110 and requests have it.
TEST_F(UserAgentTest, MethodAndBodyDependOnTheStatus) {
  for (const std::string method : {"GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS"}) {
    for (const int status : {301, 302, 303, 307, 308}) {
      RequestParts made = parts("/", method);
      const bool has_body = method == "POST" || method == "PUT" || method == "PATCH";
      if (has_body) {
        made.body = "a=b";
        made.has_body = true;
        made.headers = {{"Content-Type", "text/plain"}, {"X-Kept", "yes"}};
      }
      const std::string next = next_after(std::move(made), status);
      const bool as_it_was = status >= 307 || method == "HEAD";
      const std::string shown = method + " " + std::to_string(status);
      EXPECT_THAT(next, StartsWith((as_it_was ? method : "GET") + " /next HTTP/1.1\r\n")) << shown;
      EXPECT_EQ(next.ends_with("\r\n\r\na=b"), has_body && as_it_was) << shown;
      EXPECT_EQ(next.find("Content-Type") != std::string::npos, has_body && as_it_was) << shown;
      EXPECT_EQ(next.find("Content-Length") != std::string::npos, has_body && as_it_was) << shown;
      EXPECT_EQ(next.find("X-Kept: yes") != std::string::npos, has_body) << shown;
    }
  }
}

// requests, rebuild_method(): of a 301 only a POST becomes a GET, and the body goes all the same.
TEST_F(UserAgentTest, HttpUserAsksByOtherRules) {
  use({.rules = ClientRules::http_user});
  for (const std::string method : {"GET", "POST", "PUT", "DELETE", "PATCH", "HEAD"}) {
    for (const int status : {301, 302, 303, 307, 308}) {
      RequestParts made = parts("/", method);
      const bool has_body = method == "POST" || method == "PUT" || method == "PATCH";
      if (has_body) {
        made.body = "a=b";
        made.has_body = true;
        made.headers = {{"Content-Type", "text/plain"}};
      }
      const std::string next = next_after(std::move(made), status);
      const bool same = status >= 307 || method == "HEAD" || (status == 301 && method != "POST");
      const std::string shown = method + " " + std::to_string(status);
      EXPECT_THAT(next, StartsWith((same ? method : "GET") + " /next HTTP/1.1\r\n")) << shown;
      EXPECT_EQ(next.ends_with("\r\n\r\na=b"), has_body && status >= 307) << shown;
      EXPECT_EQ(next.find("Content-Type") != std::string::npos, has_body && status >= 307) << shown;
    }
  }
}

TEST_F(UserAgentTest, AHeadWithABodyLosesItToo) {
  RequestParts made = parts("/", "HEAD");
  made.body = "abc";
  made.has_body = true;
  EXPECT_THAT(next_after(made, 302), AllOf(StartsWith("HEAD /next "), EndsWith("\r\n\r\n")));
  EXPECT_THAT(next_after(made, 307), AllOf(StartsWith("HEAD /next "), EndsWith("\r\n\r\nabc")));
}

TEST_F(UserAgentTest, AChunkedBodyIsSentAgainOrNot) {
  RequestParts made = parts("/", "POST");
  made.body = "abc";
  made.has_body = true;
  made.headers = {{"transfer-encoding", "chunked"}};
  begin(made);
  peer_ = server_.accept();
  const auto all = [&] {
    std::string bytes;
    EXPECT_TRUE(server_.run_until([&] {
      char room[4096];
      const ssize_t size = peer_.receive(room, sizeof(room));
      if (size > 0) bytes.append(room, static_cast<std::size_t>(size));
      return bytes.ends_with("0\r\n\r\n");
    }));
    return bytes;
  };
  all();
  server_.send(peer_, redirect(307, "/again"));
  EXPECT_THAT(all(), AllOf(StartsWith("POST /again "), HasSubstr("\r\n3\r\nabc\r\n0\r\n\r\n")));
  server_.send(peer_, redirect(303, "/see"));
  EXPECT_THAT(answer(std::string(kOk)),
              AllOf(StartsWith("GET /see "), Not(HasSubstr("chunked")), Not(HasSubstr("abc"))));
  EXPECT_EQ(end().status, 200);
}

TEST_F(UserAgentTest, OtherStatusesAreNoRedirects) {
  for (const int status : {200, 201, 300, 304, 305, 306, 309, 404}) {
    begin(parts("/"));
    answer(redirect(status, "/next"));
    EXPECT_EQ(end().status, status);
    EXPECT_TRUE(end().ok());
    EXPECT_TRUE(end().history.empty());
  }
}

TEST_F(UserAgentTest, WithoutALocationItIsTheResponse) {
  for (const std::string location : {"", "Location: \r\n"}) {
    begin(parts("/"));
    answer("HTTP/1.1 302 Found\r\n" + location + "Content-Length: 0\r\n\r\n");
    EXPECT_EQ(end().status, 302);
    EXPECT_TRUE(end().ok());
  }
}

TEST_F(UserAgentTest, NotFollowedWhereNotWanted) {
  RequestParts made = parts("/");
  made.follow_redirects = false;
  begin(std::move(made));
  answer(redirect(302, "/next"));
  EXPECT_EQ(end().status, 302);
  EXPECT_EQ(end().header("Location"), "/next");
}

// Names and passwords, and a Host of the caller's, are for one origin only.
TEST_F(UserAgentTest, CredentialsStayWithTheOrigin) {
  RequestParts made = parts("/");
  made.headers = {{"authorization", "Bearer x"},
                  {"Proxy-Authorization", "Bearer p"},
                  {"X-Kept", "1"},
                  {"Host", "shop.example"}};
  const std::string same = next_after(made, 302);
  EXPECT_THAT(same, AllOf(HasSubstr("authorization: Bearer x\r\n"),
                          HasSubstr("\r\nHost: shop.example\r\n"), HasSubstr("X-Kept: 1\r\n")));
  begin(made);
  const std::string other = "localhost:" + std::to_string(server_.port());
  answer(redirect(302, "http://" + other + "/there"));
  Peer there = server_.accept();
  EXPECT_THAT(server_.request(there),
              AllOf(StartsWith("GET /there HTTP/1.1\r\n"), Not(HasSubstr("Bearer")),
                    HasSubstr("\r\nHost: " + other + "\r\n"), HasSubstr("X-Kept: 1\r\n")));
  server_.send(there, kOk);
  EXPECT_EQ(end().final_url, "http://" + other + "/there");
}

TEST_F(UserAgentTest, AfterTooManyItFails) {
  begin(parts("/start"));
  for (int i = 0; i < 31; ++i) answer(redirect(302, "/loop", "X: y\r\n"));
  const Response& response = end();
  // geventhttpclient raises RetriesExceeded(url, "Redirection limit reached (30)").
  EXPECT_EQ(response.error,
            "RetriesExceeded('" + url("/start") + "', 'Redirection limit reached (30)')");
  EXPECT_EQ(response.status, 0);
  EXPECT_EQ(response.body_size, 0U);
  EXPECT_EQ(response.history.size(), 30U);
  EXPECT_TRUE(TestServer::is_quiet(peer_));
}

TEST_F(UserAgentTest, ThirtyAreNotTooMany) {
  begin(parts("/start"));
  for (int i = 0; i < 30; ++i) answer(redirect(302, "/" + std::to_string(i)));
  answer(std::string(kOk));
  EXPECT_TRUE(end().ok()) << end().error;
  EXPECT_EQ(end().history.size(), 30U);
}

TEST_F(UserAgentTest, TheLimitIsASetting) {
  use({.max_redirects = 1});
  begin(parts("/"));
  answer(redirect(302, "/next"));
  answer(redirect(302, "/next"));
  EXPECT_EQ(end().error, "RetriesExceeded('" + url("/") + "', 'Redirection limit reached (1)')");
}

// geventhttpclient: `if max_redirects > 0 and …`; requests: TooManyRedirects.
TEST_F(UserAgentTest, ALimitOfNoneFollowsNone) {
  use({.max_redirects = 0});
  begin(parts("/"));
  answer(redirect(302, "/next"));
  EXPECT_EQ(end().status, 302);
  EXPECT_TRUE(end().ok());
  use({.max_redirects = 0, .rules = ClientRules::http_user});
  peer_ = {};
  begin(parts("/"));
  answer(redirect(302, "/next"));
  EXPECT_EQ(end().error, "TooManyRedirects('Exceeded 0 redirects.')");
}

// FastHttpUser's failure for another scheme. For what is no URL it raises a ValueError into the
// task; told here in requests' words.
TEST_F(UserAgentTest, ALocationThatLeadsNowhereFails) {
  const auto error = [&](const std::string& location) {
    begin(parts("/"));
    answer(redirect(302, location));
    EXPECT_EQ(end().status, 0);
    return end().error;
  };
  const auto refused = [&](const std::string& scheme) {
    return "UnsupportedRedirectSchemeError('" + url("/") + "', \"refusing to follow redirect to '" +
           scheme + "' URL\")";
  };
  EXPECT_EQ(error("ftp://x/"), refused("ftp"));
  EXPECT_EQ(error("MAILTO:x@y"), refused("mailto"));
  EXPECT_EQ(error("http+unix://%2Frun%2Fx.sock/"), refused("http+unix"));
  EXPECT_EQ(error("http://[::1"), "InvalidURL('Failed to parse: http://[::1')");
  EXPECT_EQ(error("http://h:99999/"), "InvalidURL('Failed to parse: http://h:99999/')");
  EXPECT_EQ(error("//"), "InvalidURL('Failed to parse: //')");
}

TEST_F(UserAgentTest, AFailureOnTheWayIsTheOutcome) {
  begin(parts("/"));
  answer(redirect(302, "http://127.0.0.1:1/"));
  EXPECT_EQ(end().error, "ConnectionRefusedError(111, 'Connection refused')");
  EXPECT_EQ(end().history.size(), 1U);
  EXPECT_EQ(end().status, 0);
}

TEST_F(UserAgentTest, DestroyedOnTheWayItCancels) {
  begin(parts("/"));
  answer(redirect(302, "/next"));
  server_.request(peer_);
  fetch_.reset();
  EXPECT_TRUE(server_.closed_by_client(peer_));
}

// Neither an interim response nor a trailer redirects, sets cookies or encodes the body.
TEST_F(UserAgentTest, OnlyTheFinalHeadCounts) {
  begin(parts("/"));
  answer(
      "HTTP/1.1 103 Early\r\nLocation: /a\r\nSet-Cookie: a=1\r\n\r\n"
      "HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n");
  EXPECT_EQ(end().status, 302);
  begin(parts("/"));
  answer(
      "HTTP/1.1 302 Found\r\nTransfer-Encoding: chunked\r\nTrailer: Location\r\n\r\n2\r\nok\r\n0"
      "\r\nLocation: /b\r\nSet-Cookie: b=1\r\nContent-Encoding: gzip\r\n\r\n");
  EXPECT_EQ(end().status, 302);
  EXPECT_EQ(end().body, "ok");
  EXPECT_TRUE(agent_->cookies().empty());
}

// ---- The time limit ----

// Long enough for a machine that does something else as well.
constexpr SteadyDuration kChainLimit = milliseconds(600);

// One for the chain: the second exchange has what the first one has left.
TEST_F(UserAgentTest, RedirectsDoNotExtendTheTimeLimit) {
  RequestParts made = parts("/");
  made.timeout = kChainLimit;
  begin(std::move(made));
  server_.run_for(kChainLimit / 2);
  answer(redirect(302, "/next"));
  server_.request(peer_);
  const SteadyTime redirected = std::chrono::steady_clock::now();
  const Response& response = end();
  EXPECT_LT(std::chrono::steady_clock::now() - redirected, kChainLimit);
  EXPECT_EQ(response.error, "RetriesExceeded('" + url("/next") + "', 0, original=timed out)");
  EXPECT_GE(response.ended - response.started, kChainLimit);
}

TEST_F(UserAgentTest, NeitherWithTheAgentsTimeLimit) {
  UserAgentSettings settings;
  settings.client.network_timeout = kChainLimit;
  use(settings);
  begin(parts("/"));
  for (int i = 0; i < 3; ++i) {
    server_.run_for(kChainLimit / 6);
    answer(redirect(302, "/" + std::to_string(i)));
  }
  server_.request(peer_);
  const SteadyTime redirected = std::chrono::steady_clock::now();
  end();
  EXPECT_LT(std::chrono::steady_clock::now() - redirected, kChainLimit);
  EXPECT_EQ(end().error, "RetriesExceeded('" + url("/2") + "', 0, original=timed out)");
}

// ---- Bodies that are streamed ----

class Collecting final : public BodySink {
 public:
  std::string all;
  Next take(std::string_view piece) override {
    all += piece;
    return Next::more;
  }
};

TEST_F(UserAgentTest, ASinkGetsTheLastBodyOnly) {
  RequestParts made = parts("/");
  made.keep_body = false;
  made.stream_response = true;
  Collecting sink;
  request_.emplace(std::move(made));
  fetch_ = std::make_unique<TestFetch>();
  fetch_->sink = &sink;
  fetch_->begin(*agent_, *request_);
  answer("HTTP/1.1 302 Found\r\nLocation: /next\r\nContent-Length: 5\r\n\r\nmoved");
  answer(std::string(kOk));
  EXPECT_TRUE(end().ok()) << end().error;
  EXPECT_EQ(sink.all, "ok");
  EXPECT_EQ(fetch_->heads, std::vector<int>{200});
}

// geventhttpclient, _rewind_payload(), and requests, rewind_body().
class Once final : public BodySource {
 public:
  std::optional<std::uint64_t> size() const override { return 0; }
  bool rewindable() const override { return false; }
  std::unique_ptr<BodyReader> open() const override {
    class Nothing final : public BodyReader {
      Status read(std::span<char>, std::size_t&) override { return Status::ended; }
    };
    return std::make_unique<Nothing>();
  }
};

TEST_F(UserAgentTest, ABodyThatCannotBeReadAgainIsNotSentAgain) {
  for (const ClientRules rules : {ClientRules::fast_http_user, ClientRules::http_user}) {
    use({.rules = rules});
    peer_ = {};
    RequestParts made = parts("/", "POST");
    made.has_body = true;
    made.source = std::make_shared<Once>();
    EXPECT_THAT(next_after(made, 303), StartsWith("GET /next "));
    begin(made);
    answer(redirect(307, "/next"));
    EXPECT_EQ(end().error,
              rules == ClientRules::http_user
                  ? "UnrewindableBodyError('Unable to rewind request body for redirect.')"
                  : "UnrewoundBodyError('" + url("/") +
                        "', 'payload cannot be rewound and resent after a redirect')");
  }
}

// ---- Cookies ----

TEST_F(UserAgentTest, CookiesComeBackWithTheNextRequest) {
  begin(parts("/"));
  EXPECT_THAT(answer(cookie("id=7; Path=/")), Not(HasSubstr("Cookie")));
  end();
  begin(parts("/"));
  EXPECT_THAT(answer(cookie("more=1")), HasSubstr("\r\nCookie: id=7\r\n"));
  end();
  begin(parts("/"));
  EXPECT_THAT(answer(cookie("id=; Max-Age=0; Path=/")), HasSubstr("\r\nCookie: id=7; more=1\r\n"));
  end();
  begin(parts("/"));
  EXPECT_THAT(answer(std::string(kOk)), HasSubstr("\r\nCookie: more=1\r\n"));
}

TEST_F(UserAgentTest, EverySetCookieCounts) {
  begin(parts("/"));
  answer("HTTP/1.1 200 OK\r\nset-cookie: a=1\r\nSet-Cookie: b=2\r\nContent-Length: 0\r\n\r\n");
  end();
  EXPECT_EQ(agent_->cookies().cookies().size(), 2U);
}

TEST_F(UserAgentTest, ACookieOfARedirectGoesToTheNextPlace) {
  begin(parts("/login", "POST"));
  answer(redirect(303, "/home", "Set-Cookie: session=abc\r\n"));
  const std::string home = answer(redirect(302, "/sub/x", "Set-Cookie: session=def\r\n"));
  EXPECT_THAT(home, HasSubstr("\r\nCookie: session=abc\r\n"));
  const std::string last = answer(std::string(kOk));
  EXPECT_THAT(last, HasSubstr("\r\nCookie: session=def\r\n"));
  EXPECT_EQ(last.find("Cookie"), last.rfind("Cookie")) << "once";
  EXPECT_EQ(end().status, 200);
}

TEST_F(UserAgentTest, CookiesOfAnErrorPageCount) {
  begin(parts("/"));
  answer("HTTP/1.1 500 No\r\nSet-Cookie: a=1\r\nContent-Length: 0\r\n\r\n");
  EXPECT_EQ(end().status, 500);
  EXPECT_FALSE(agent_->cookies().empty());
}

TEST_F(UserAgentTest, ACookieHeaderOfTheCallersComesFirst) {  // http.cookiejar, add_cookie_header
  begin(parts("/"));
  answer(cookie("id=7"));
  end();
  RequestParts made = parts("/");
  made.headers = {{"cookie", "own=1"}};
  begin(std::move(made));
  EXPECT_THAT(answer(std::string(kOk)),
              AllOf(HasSubstr("cookie: own=1\r\n"), Not(HasSubstr("id=7"))));
}

TEST_F(UserAgentTest, WithoutCookiesNoneAreKept) {
  use({.cookies = false});
  begin(parts("/"));
  answer(cookie("id=7"));
  end();
  EXPECT_TRUE(agent_->cookies().empty());
}

TEST_F(UserAgentTest, UsersDoNotShareCookies) {
  begin(parts("/"));
  answer(cookie("id=7"));
  end();
  use({});
  peer_ = {};
  begin(parts("/"));
  EXPECT_THAT(answer(std::string(kOk)), Not(HasSubstr("Cookie")));
}

}  // namespace
}  // namespace locust::http
