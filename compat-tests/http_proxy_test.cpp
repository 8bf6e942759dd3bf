// The HTTP client in this process through Debian's tinyproxy, to nginx behind it. The texts of
// failures are what FastHttpUser of Locust 2.47.0 reports of the same proxy.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "harness/browser.h"
#include "harness/free_port.h"
#include "harness/nginx.h"
#include "harness/temp_dir.h"
#include "harness/tinyproxy.h"

namespace compat {
namespace {

using locust::http::ClientSettings;
using locust::http::Response;
using testing::ContainsRegex;
using testing::HasSubstr;
using testing::StartsWith;

class ProxyTest : public testing::Test {
 protected:
  ClientSettings through(const Tinyproxy& proxy, const std::string& user = {},
                         const std::string& password = {}, const std::string& no_proxy = {}) const {
    return {.tls = {.verify = true, .ca_file = certificates().ca_file()},
            .proxy = {.host = "127.0.0.1",
                      .port = static_cast<std::uint16_t>(proxy.port()),
                      .user = user,
                      .password = password,
                      .no_proxy = no_proxy}};
  }
  std::string plain(const std::string& path) const {
    return "http://127.0.0.1:" + std::to_string(nginx_.plain()) + path;
  }

  TempDir dir_;
  Nginx nginx_{dir_, {good().cert_file, good().key_file, certificates().ca_file()}};
  const FreePort nobody_;
  Tinyproxy proxy_{dir_, {nginx_.tls12(), nginx_.tls13(), nobody_.number()}};
};

TEST_F(ProxyTest, PlainRequestsGoThroughIt) {
  Browser browser(through(proxy_));
  const Response hello = browser.get(plain("/"));
  EXPECT_EQ(hello.body, "hello\n") << hello.error;
  EXPECT_THAT(header(hello, "Via"), HasSubstr("tinyproxy"));
  const Response text = browser.send("GET", plain("/text"), {{"Accept-Encoding", "gzip"}});
  EXPECT_EQ(header(text, "Content-Encoding"), "gzip");
  EXPECT_EQ(text.body_size, Nginx::text_size) << text.error;
  // It ends its connections without a word in the response before: a POST on a used one may be
  // lost, and is not sent again.
  Browser fresh(through(proxy_));
  const Response login = fresh.send("POST", plain("/login"), {}, "x");
  EXPECT_EQ(login.body, "id=7") << login.error;
  EXPECT_EQ(proxy_.requests("GET " + plain("/cookie")), 1) << "redirects and cookies, too";
  EXPECT_EQ(browser.send("PUT", plain("/upload"), {}, std::string(1'000'000, 'x')).body, "1000000");
}

TEST_F(ProxyTest, TlsGoesThroughATunnelThatIsKept) {
  for (const int port : {nginx_.tls12(), nginx_.tls13()}) {
    Browser browser(through(proxy_));
    const Response first = browser.get_tls(port, "/");
    ASSERT_EQ(first.body, "hello\n") << first.error;
    EXPECT_EQ(header(first, "Via"), "none");
    for (int i = 0; i < 5; ++i) {
      const Response next = browser.get_tls(port, "/text");
      EXPECT_EQ(next.body_size, Nginx::text_size) << next.error;
      EXPECT_EQ(header(next, "X-Connection"), header(first, "X-Connection"));
    }
    const std::string to = "https://localhost:" + std::to_string(port);
    EXPECT_EQ(browser.send("PUT", to + "/upload", {}, std::string(1'000'000, 'x')).body, "1000000");
    EXPECT_EQ(proxy_.requests("CONNECT localhost:" + std::to_string(port)), 1);
  }
}

TEST_F(ProxyTest, EveryTunnelIsAskedForAndSessionsAreResumedThroughThem) {
  Browser browser(through(proxy_));
  EXPECT_EQ(header(browser.get_tls(nginx_.tls13(), "/one"), "X-Reused"), ".");
  EXPECT_EQ(header(browser.get_tls(nginx_.tls13(), "/one"), "X-Reused"), "r");
  EXPECT_EQ(proxy_.requests("CONNECT localhost:" + std::to_string(nginx_.tls13())), 2);
}

TEST_F(ProxyTest, TheServersNameIsVerifiedNotTheProxys) {
  ClientSettings settings = through(proxy_);
  settings.tls.ca_file = {};
  Browser browser(settings);
  EXPECT_THAT(browser.get_tls(nginx_.tls13(), "/").error,
              StartsWith("SSLCertVerificationError(1, '[SSL: CERTIFICATE_VERIFY_FAILED]"));
}

TEST_F(ProxyTest, WhomItKnowsItServes) {
  const Tinyproxy closed(dir_, {nginx_.tls13()}, "user", "secret");
  Browser browser(through(closed, "user", "secret"));
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(browser.get(plain("/one")).body, "one\n");
    EXPECT_EQ(browser.get_tls(nginx_.tls13(), "/one").body, "one\n");
  }
  // The credentials are for the proxy alone.
  Browser fresh(through(closed, "user", "secret"));
  const Response post = fresh.send("POST", plain("/post"), {}, "x");
  EXPECT_EQ(post.body, "POST ") << post.error;
}

TEST_F(ProxyTest, WhomItDoesNotKnowItRefuses) {
  const Tinyproxy closed(dir_, {nginx_.tls13()}, "user", "secret");
  Browser stranger(through(closed));
  const Response refused = stranger.get(plain("/"));
  EXPECT_EQ(refused.status, 407) << refused.error;
  EXPECT_THAT(header(refused, "Proxy-Authenticate"), StartsWith("Basic realm="));
  EXPECT_EQ(stranger.get_tls(nginx_.tls13(), "/").error,
            "RuntimeError('Proxy CONNECT failed: HTTP/1.0 407 Proxy Authentication Required (proxy "
            "authentication required?)')");
  // Its word for a wrong password.
  Browser impostor(through(closed, "user", "wrong"));
  EXPECT_EQ(impostor.get(plain("/")).status, 401);
  EXPECT_THAT(impostor.get_tls(nginx_.tls13(), "/").error,
              ContainsRegex("^RuntimeError\\('Proxy CONNECT failed: HTTP/1.[01] 401 "));
}

TEST_F(ProxyTest, WhatItCannotReachOrWillNot) {
  Browser browser(through(proxy_));
  EXPECT_EQ(browser.get(nobody_.number(), "/").status, 500);
  EXPECT_EQ(browser.get_tls(nobody_.number(), "/").error,
            "RuntimeError('Proxy CONNECT failed: HTTP/1.1 500 Unable to connect')");
  EXPECT_EQ(browser.get_tls(nginx_.client_certificate(), "/").error,
            "RuntimeError('Proxy CONNECT failed: HTTP/1.1 403 Access violation')");
  EXPECT_EQ(browser.get(plain("/")).status, 200);
}

TEST_F(ProxyTest, ThatIsNotThereRefuses) {
  proxy_.process().kill();
  Browser browser(through(proxy_));
  for (const std::string& url :
       {plain("/"), "https://localhost:" + std::to_string(nginx_.tls13())}) {
    EXPECT_EQ(browser.get(url).error, "ConnectionRefusedError(111, 'Connection refused')");
  }
}

TEST_F(ProxyTest, WhomNoProxyNamesIsSpokenToDirectly) {
  Browser browser(through(proxy_, "", "", "localhost, 127.0.0.0/8"));
  const Response hello = browser.get(plain("/"));
  EXPECT_EQ(hello.body, "hello\n") << hello.error;
  EXPECT_EQ(header(hello, "Via"), "none");
  EXPECT_EQ(browser.get_tls(nginx_.tls13(), "/").body, "hello\n");
  EXPECT_EQ(proxy_.requests("CONNECT ") + proxy_.requests("GET " + plain("/")), 0);
  Browser other(through(proxy_, "", "", "example.org,10.0.0.0/8"));
  EXPECT_THAT(header(other.get(plain("/")), "Via"), HasSubstr("tinyproxy"));
}

}  // namespace
}  // namespace compat
