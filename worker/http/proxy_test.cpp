// Who goes through a proxy, and what is said to it. Expected: requests.utils.should_bypass_proxies,
// run on the same pairs, and geventhttpclient's _setup_proxy.
#include "http/proxy.h"

#include <gtest/gtest.h>

#include <string>

namespace locust::http {
namespace {

struct Case {
  const char* url;
  const char* no_proxy;
  bool bypasses;
};

TEST(Proxy, NoProxyIsReadAsRequestsReadsIt) {
  const Case cases[] = {
      {"http://example.com/", "example.com", true},
      {"http://www.example.com/", "example.com", true},
      {"http://www.example.com/", ".example.com", true},
      {"http://example.com/", ".example.com", true},
      {"http://notexample.com/", "example.com", false},
      {"http://example.com/", "EXAMPLE.com", true},
      {"http://EXAMPLE.com/", "example.com", true},
      {"http://example.com:8080/", "example.com:8080", true},
      {"http://example.com:8081/", "example.com:8080", false},
      {"http://a.example.com:8080/", "example.com:8080", true},
      {"http://example.com/", "*", true},
      {"http://example.com/", "*,x", false},
      {"http://example.com/", "a, example.com ,b", true},
      {"http://10.1.2.3/", "10.0.0.0/8", true},
      {"http://11.1.2.3/", "10.0.0.0/8", false},
      {"http://10.1.2.3/", "10.1.2.3", true},
      {"http://10.1.2.3:99/", "10.1.2.3", true},
      {"http://10.1.2.3/", "10.1.2.4/32", false},
      {"http://10.1.2.3/", "0.0.0.0/0", false},
      {"http://10.1.2.3/", "10.0.0.0/33", false},
      {"http://10.1.2.3/", "10.0.0.0/x", false},
      {"http://example.com/", "", false},
      {"http://example.com/", ",", false},
      {"http://example.com/", "com", true},
      {"http://[::1]/", "::1", true},
      {"http://10.1.2.3/", "2.3", true},
  };
  for (const Case& one : cases) {
    EXPECT_EQ(bypasses_proxy(parse_url(one.url)->origin, one.no_proxy), one.bypasses)
        << one.url << " " << one.no_proxy;
  }
}

// Where this is more than requests does: the port counts also where it is not written, and with an
// address.
TEST(Proxy, APortInNoProxyMeansThePort) {
  EXPECT_TRUE(bypasses_proxy(parse_url("http://a.com/")->origin, "a.com:80"));
  EXPECT_TRUE(bypasses_proxy(parse_url("https://a.com/")->origin, "a.com:443"));
  EXPECT_TRUE(bypasses_proxy(parse_url("http://10.1.2.3:81/")->origin, "10.1.2.3:81"));
  EXPECT_FALSE(bypasses_proxy(parse_url("http://10.1.2.3:82/")->origin, "10.1.2.3:81"));
}

TEST(Proxy, IsWhereToConnect) {
  const ProxySettings settings{.host = "proxy", .port = 3128, .no_proxy = "direct"};
  EXPECT_EQ(proxy_for(parse_url("http://a/")->origin, settings), (Origin{"http", "proxy", 3128}));
  EXPECT_EQ(proxy_for(parse_url("https://a/")->origin, settings), (Origin{"http", "proxy", 3128}));
  EXPECT_FALSE(proxy_for(parse_url("https://direct/")->origin, settings));
  EXPECT_FALSE(proxy_for(parse_url("http+unix://%2Fa/")->origin, settings));
  EXPECT_FALSE(proxy_for(parse_url("http://a/")->origin, {}));
}

RequestParts parts(const std::string& url, Headers headers = {}) {
  RequestParts result;
  result.method = "POST";
  result.url = *parse_url(url);
  result.headers = std::move(headers);
  result.body = "POST / HTTP/1.1\r\n";
  return result;
}

TEST(Proxy, PlainRequestsHaveAnAbsoluteUrl) {
  const Request request(parts("http://a.test:81/x?y=http://z"));
  const std::string rest(request.bytes().substr(request.bytes().find("HTTP/1.1")));
  EXPECT_EQ(absolute_form(request, {}), "POST http://a.test:81/x?y=http://z " + rest);
}

// printf user:secret | base64
TEST(Proxy, CredentialsAreSentWithPlainRequests) {
  const Request request(parts("http://a.test/"));
  const std::string rest(request.bytes().substr(request.bytes().find("Host: ")));
  EXPECT_EQ(
      absolute_form(request, {.user = "user", .password = "secret"}),
      "POST http://a.test/ HTTP/1.1\r\nProxy-Authorization: Basic dXNlcjpzZWNyZXQ=\r\n" + rest);
  const Request own(parts("http://a.test/", {{"proxy-authorization", "mine"}}));
  EXPECT_EQ(absolute_form(own, {.user = "user"}).find("Basic"), std::string::npos);
}

TEST(Proxy, ATunnelIsAskedForByConnect) {
  EXPECT_EQ(tunnel_request(parse_url("https://a.test/x")->origin, {}),
            "CONNECT a.test:443 HTTP/1.1\r\nHost: a.test:443\r\n\r\n");
  EXPECT_EQ(tunnel_request(parse_url("https://[::1]:8443/")->origin,
                           {.user = "user", .password = "secret"}),
            "CONNECT [::1]:8443 HTTP/1.1\r\nHost: [::1]:8443\r\n"
            "Proxy-Authorization: Basic dXNlcjpzZWNyZXQ=\r\n\r\n");
}

TEST(Proxy, ATunnelThatIsRefusedIsToldAsGeventhttpclientDoes) {
  EXPECT_EQ(tunnel_failure("HTTP/1.1 200 Connection established\r\n\r\n"), "");
  EXPECT_EQ(tunnel_failure("HTTP/1.0 200\r\nA: b\r\n\r\n"), "");
  EXPECT_EQ(tunnel_failure("HTTP/1.1 407 Proxy Authentication Required\r\n\r\nbody"),
            "RuntimeError('Proxy CONNECT failed: HTTP/1.1 407 Proxy Authentication Required "
            "(proxy authentication required?)')");
  EXPECT_EQ(tunnel_failure("HTTP/1.1 403 Forbidden\r\n\r\n"),
            "RuntimeError('Proxy CONNECT failed: HTTP/1.1 403 Forbidden')");
  EXPECT_EQ(tunnel_failure("200 OK\r\n\r\n"), "RuntimeError('Proxy CONNECT failed: 200 OK')");
  EXPECT_EQ(tunnel_failure("HTTP/1.1 2000 OK\r\n\r\n"),
            "RuntimeError('Proxy CONNECT failed: HTTP/1.1 2000 OK')");
  EXPECT_EQ(tunnel_failure("\xff\r\n\r\n"), "RuntimeError('Proxy CONNECT failed: ÿ')");
  EXPECT_EQ(tunnel_failure(""), "RuntimeError('Proxy CONNECT failed: ')");
  EXPECT_EQ(tunnel_failure("HTTP/1.1 200 OK\r\n\r\nmore"),
            "RuntimeError('Proxy CONNECT failed: the proxy sent data before the tunnel was used')");
}

}  // namespace
}  // namespace locust::http
