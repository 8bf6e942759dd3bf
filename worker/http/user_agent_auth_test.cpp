// Digest challenges, default headers and credentials. Expected: what requests 2.34.2 with an
// HTTPDigestAuth sends to the same server (RFC 7616).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "http/test_user_agent.h"

namespace locust::http {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

constexpr std::string_view kEmpty = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";

std::string challenge(const std::string& nonce, const std::string& more = {}) {
  return "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Digest realm=\"shop\", nonce=\"" + nonce +
         "\", qop=\"auth\", algorithm=SHA-256\r\n" + more + "Content-Length: 6\r\n\r\ndenied";
}

class DigestTest : public UserAgentTest {
 protected:
  const Credentials ana_{"ana", "secret"};

  static auto carries(const std::string& nonce, int use, const std::string& uri) {
    return AllOf(HasSubstr("\r\nAuthorization: Digest username=\"ana\", realm=\"shop\", nonce=\"" +
                           nonce + "\", uri=\"" + uri + "\", "),
                 HasSubstr("qop=\"auth\", nc=0000000" + std::to_string(use) + ", "));
  }
  static auto carries_none() { return Not(HasSubstr("Authorization")); }
  // The agent has been asked for its credentials.
  void learn(const std::string& nonce) {
    begin(parts("/"), &ana_);
    answer(challenge(nonce));
    answer(std::string(kEmpty));
    EXPECT_EQ(end().status, 200);
  }
};

TEST_F(DigestTest, AChallengeIsAnsweredInTheSameFetch) {
  begin(parts("/a?b=c"), &ana_);
  EXPECT_THAT(answer(challenge("n1")), carries_none());
  EXPECT_THAT(answer(std::string(kOk)),
              AllOf(StartsWith("GET /a?b=c "), carries("n1", 1, "/a?b=c")));
  EXPECT_EQ(end().status, 200);
  EXPECT_EQ(end().body, "ok") << "not that of the challenge";
  EXPECT_TRUE(end().history.empty());
  EXPECT_EQ(server_.accepted, 1);
}

TEST_F(DigestTest, FurtherRequestsCarryTheHeaderAtOnce) {
  learn("n1");
  for (int use = 2; use < 5; ++use) {
    begin(parts("/next"), &ana_);
    EXPECT_THAT(answer(std::string(kEmpty)), carries("n1", use, "/next"));
    EXPECT_EQ(end().status, 200);
  }
  // Others of the same user do not.
  begin(parts("/"));
  EXPECT_THAT(answer(std::string(kEmpty)), carries_none());
  end();
  const Credentials bea{"bea", "x"};
  begin(parts("/"), &bea);
  EXPECT_THAT(answer(std::string(kEmpty)), carries_none());
  end();
}

TEST_F(DigestTest, ANewNonceIsUsedFromOne) {
  learn("n1");
  begin(parts("/"), &ana_);
  EXPECT_THAT(answer(challenge("n2")), carries("n1", 2, "/"));
  EXPECT_THAT(answer(std::string(kEmpty)), carries("n2", 1, "/"));
  EXPECT_EQ(end().status, 200);
}

TEST_F(DigestTest, OnlyOneChallengeIsAnswered) {
  begin(parts("/"), &ana_);
  answer(challenge("n1"));
  answer(challenge("n2"));
  EXPECT_EQ(end().status, 401);
  EXPECT_TRUE(end().ok());
  EXPECT_EQ(end().body, "denied");
  EXPECT_TRUE(TestServer::is_quiet(peer_));
}

TEST_F(DigestTest, MethodBodyAndHeadersGoAgain) {
  RequestParts made = parts("/order", "POST");
  made.body = "a=b";
  made.has_body = true;
  made.headers = {{"X-Kept", "1"}};
  begin(std::move(made), &ana_);
  EXPECT_THAT(answer(challenge("n1", "Set-Cookie: id=7\r\n")), Not(HasSubstr("Cookie")));
  const std::string again = answer(std::string(kEmpty));
  EXPECT_THAT(again, AllOf(StartsWith("POST /order "), carries("n1", 1, "/order"),
                           HasSubstr("\r\nX-Kept: 1\r\n"), HasSubstr("\r\nCookie: id=7\r\n"),
                           HasSubstr("\r\n\r\na=b")));
  EXPECT_EQ(end().status, 200);
}

TEST_F(DigestTest, WhatIsNoDigestChallengeIsTheResponse) {
  for (const std::string header :
       {"", "WWW-Authenticate: Basic realm=\"x\"\r\n",
        "WWW-Authenticate: Digest realm=\"x\", nonce=\"n\", algorithm=MAGIC\r\n"}) {
    begin(parts("/"), &ana_);
    answer("HTTP/1.1 401 No\r\n" + header + "Content-Length: 0\r\n\r\n");
    EXPECT_EQ(end().status, 401);
  }
  begin(parts("/"));
  answer(challenge("n1"));
  EXPECT_EQ(end().status, 401) << "without credentials";
}

TEST_F(DigestTest, OneOfSeveralChallengesWillDo) {
  begin(parts("/"), &ana_);
  answer(
      "HTTP/1.1 401 No\r\nWWW-Authenticate: Basic realm=\"x\"\r\nWWW-Authenticate: Digest "
      "realm=\"shop\", nonce=\"n1\", qop=\"auth\"\r\nContent-Length: 0\r\n\r\n");
  EXPECT_THAT(answer(std::string(kEmpty)), carries("n1", 1, "/"));
  EXPECT_EQ(end().status, 200);
}

// The response to each place on the way is one to this place's URI.
TEST_F(DigestTest, ARedirectIsAnsweredForItsOwnPlace) {
  begin(parts("/a"), &ana_);
  answer(challenge("n1"));
  EXPECT_THAT(answer(redirect(302, "/b")), carries("n1", 1, "/a"));
  EXPECT_THAT(answer(challenge("n2")), carries("n1", 2, "/b"));
  EXPECT_THAT(answer(std::string(kEmpty)), carries("n2", 1, "/b"));
  EXPECT_EQ(end().status, 200);
  EXPECT_EQ(end().history.size(), 1U);
}

TEST_F(DigestTest, AnotherHostIsNotAnswered) {
  learn("n1");
  begin(parts("/a"), &ana_);
  answer(redirect(302, "http://localhost:" + std::to_string(server_.port()) + "/b"));
  Peer there = server_.accept();
  EXPECT_THAT(server_.request(there), carries_none());
  server_.send(there, challenge("n9"));
  EXPECT_EQ(end().status, 401);
}

TEST_F(DigestTest, TheAgentsCredentialsAreForRequestsWithoutTheirOwn) {
  UserAgentSettings settings;
  settings.digest_auth = ana_;
  use(settings);
  begin(parts("/"));
  answer(challenge("n1"));
  EXPECT_THAT(answer(std::string(kEmpty)), carries("n1", 1, "/"));
  end();
  RequestParts made = parts("/");
  made.headers = {{"authorization", "Bearer x"}};
  begin(std::move(made));
  EXPECT_THAT(answer(challenge("n2")), AllOf(HasSubstr("Bearer x"), Not(HasSubstr("Digest"))));
  EXPECT_EQ(end().status, 401);
}

TEST_F(DigestTest, TheTimeLimitIsOneForBoth) {
  RequestParts made = parts("/");
  made.timeout = milliseconds(100);
  begin(std::move(made), &ana_);
  server_.run_for(milliseconds(60));
  answer(challenge("n1"));
  server_.request(peer_);
  server_.run_for(milliseconds(60));
  ASSERT_EQ(fetch_->calls, 1) << "not 60 + 100";
  EXPECT_EQ(end().error, "RetriesExceeded('" + url("/") + "', 0, original=timed out)");
}

TEST_F(DigestTest, CredentialsThatNoHeaderCanHoldAreAFailure) {
  const Credentials broken{"ana\r\nX-Evil: 1", "secret"};
  begin(parts("/"), &broken);
  answer(challenge("n1"));
  EXPECT_EQ(end().error, "ValueError(\"control character in the header 'Authorization'\")");
  EXPECT_EQ(end().status, 0);
  EXPECT_GE(end().ended, end().started);
  EXPECT_TRUE(TestServer::is_quiet(peer_));
}

TEST_F(DigestTest, ManyCredentialsDoNotAddUp) {
  std::vector<Credentials> all;
  for (int i = 0; i < 100; ++i) all.push_back({"user" + std::to_string(i), "x"});
  for (const Credentials& one : all) {
    begin(parts("/"), &one);
    answer(challenge("n"));
    answer(std::string(kEmpty));
    EXPECT_EQ(end().status, 200);
  }
  begin(parts("/"), &all.back());
  EXPECT_THAT(answer(std::string(kEmpty)), HasSubstr("nc=00000002"));
  end();
  begin(parts("/"), &all.front());
  EXPECT_THAT(answer(std::string(kEmpty)), carries_none()) << "forgotten";
  end();
}

// ---- Defaults ----

TEST(UserAgentDefaults, AreForWhatARequestDoesNotName) {
  UserAgentSettings settings;
  settings.default_headers = {{"X-Token", "t"}, {"accept-language", "de"}};
  settings.basic_auth = Credentials{"ana", "s:e"};
  RequestParts parts;
  parts.headers = {{"Accept-Language", "en"}};
  add_defaults(settings, parts);
  // requests.auth._basic_auth_str("ana", "s:e")
  EXPECT_EQ(parts.headers, (Headers{{"Accept-Language", "en"},
                                    {"X-Token", "t"},
                                    {"Authorization", "Basic YW5hOnM6ZQ=="}}));
  RequestParts own;
  own.headers = {{"authorization", "Bearer x"}};
  add_defaults(settings, own);
  EXPECT_EQ(own.headers.size(), 3U);
  EXPECT_EQ(own.headers[0].second, "Bearer x");
}

TEST_F(UserAgentTest, DefaultCredentialsDoNotGoToAnotherHost) {
  UserAgentSettings settings;
  settings.default_headers = {{"X-Token", "t"}};
  settings.basic_auth = Credentials{"ana", "s:e"};
  use(settings);
  RequestParts made = parts("/");
  add_defaults(settings, made);
  begin(std::move(made));
  EXPECT_THAT(answer(redirect(302, "http://localhost:" + std::to_string(server_.port()) + "/b")),
              AllOf(HasSubstr("Authorization: Basic "), HasSubstr("X-Token: t")));
  Peer there = server_.accept();
  EXPECT_THAT(server_.request(there),
              AllOf(Not(HasSubstr("Authorization")), HasSubstr("X-Token: t")));
  server_.send(there, kEmpty);
  EXPECT_EQ(end().status, 200);
}

TEST(UserAgentSettings, LikeHttpUser) {
  const UserAgentSettings settings = like_http_user();
  EXPECT_EQ(settings.rules, ClientRules::http_user);
  EXPECT_TRUE(settings.client.tls.verify);
  EXPECT_EQ(settings.client.max_headers, 99U);
  EXPECT_EQ(settings.max_redirects, 30U);
}

// https:// goes another way than http://: both proxies refuse, in words of their own.
TEST_F(UserAgentTest, EachSchemeHasItsProxy) {
  TestServer other;
  UserAgentSettings settings;
  settings.client.proxy = {.host = "127.0.0.1", .port = server_.port()};
  settings.https_proxy = ProxySettings{.host = "127.0.0.1", .port = other.port()};
  use(settings);
  RequestParts made = parts("/");
  made.url = *parse_url("http://shop.example/a");
  begin(made);
  EXPECT_THAT(answer(std::string(kEmpty)), StartsWith("GET http://shop.example/a HTTP/1.1\r\n"));
  EXPECT_EQ(end().status, 200);
  made.url = *parse_url("https://shop.example/a");
  begin(made);
  Peer proxy;
  EXPECT_TRUE(server_.run_until([&] { return static_cast<bool>(proxy = other.accept_if_any()); }));
  EXPECT_THAT(server_.request(proxy), StartsWith("CONNECT shop.example:443 HTTP/1.1\r\n"));
  server_.send(proxy, "HTTP/1.1 403 No\r\n\r\n");
  EXPECT_EQ(end().error, "RuntimeError('Proxy CONNECT failed: HTTP/1.1 403 No')");
}

TEST(UserAgentSettings, TheEnvironmentCountsWhereItIsAskedFor) {
  ASSERT_EQ(setenv("http_proxy", "http://env:3128", 1), 0);
  ASSERT_EQ(setenv("no_proxy", "localhost", 1), 0);
  UserAgentSettings settings;
  EXPECT_EQ(with_environment(settings).client.proxy.host, "") << "not asked for";
  settings.trust_env = true;
  EXPECT_EQ(with_environment(settings).client.proxy.host, "env");
  EXPECT_EQ(with_environment(settings).client.proxy.no_proxy, "localhost");
  EXPECT_EQ(with_environment(settings).https_proxy->host, "");
  settings.client.proxy.no_proxy = "own";
  EXPECT_EQ(with_environment(settings).client.proxy.no_proxy, "own");
  settings.client.proxy = {.host = "own", .port = 1};
  EXPECT_EQ(with_environment(settings).client.proxy.host, "own");
  EXPECT_FALSE(with_environment(settings).https_proxy);
  unsetenv("http_proxy");
  unsetenv("no_proxy");
}

}  // namespace
}  // namespace locust::http
