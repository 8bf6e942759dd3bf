// Requests by way of an HTTP proxy: what it hears, and what becomes of its answers.
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "http/test_connector.h"

namespace locust::http {
namespace {

class ProxyConnection : public ConnectorTest {
 protected:
  ClientSettings settings(std::string user = {}) const {
    ClientSettings result{.network_timeout = seconds(9)};
    result.proxy = {.host = "127.0.0.1", .port = server_.port(), .user = std::move(user)};
    return result;
  }
  static Request to(const std::string& url) {
    RequestParts parts;
    parts.url = *parse_url(url);
    return Request(std::move(parts));
  }
  // What a CONNECT ends with that is answered with this and then closed.
  std::string failure_of_tunnel(std::string_view answer) {
    const Request request = to("https://a.test/");
    TestExchange exchange;
    make_client(settings()).start(request, exchange);
    Peer peer = server_.accept_request();
    server_.send(peer, answer);
    server_.finish(peer);
    EXPECT_TRUE(server_.run_until_done(exchange));
    return exchange.response.error;
  }
};

TEST_F(ProxyConnection, CarriesPlainRequestsOneAfterTheOther) {
  const Request request = to("http://a.test:81/x");
  Client& client = make_client(settings("user"));
  Peer peer;
  for (int i = 0; i < 3; ++i) {
    TestExchange exchange;
    client.start(request, exchange);
    if (!peer) peer = server_.accept();
    EXPECT_EQ(server_.request(peer).find("GET http://a.test:81/x HTTP/1.1\r\n"
                                         "Proxy-Authorization: Basic dXNlcjo=\r\n"
                                         "Host: a.test:81\r\n"),
              0U);
    answer(peer, exchange);
  }
  EXPECT_EQ(server_.accepted, 1);
}

TEST_F(ProxyConnection, IsNotUsedForWhomNoProxyNames) {
  ClientSettings settings = this->settings();
  settings.proxy.port = 1;
  settings.proxy.no_proxy = "127.0.0.0/8";
  TestExchange exchange;
  make_client(settings).start(get_, exchange);
  Peer peer = server_.accept();
  EXPECT_EQ(server_.request(peer), get_.bytes());
  answer(peer, exchange);
}

TEST_F(ProxyConnection, ItsOwnAnswerToAPlainRequestIsTheResponse) {
  const Request request = to("http://a.test/");
  TestExchange exchange;
  make_client(settings()).start(request, exchange);
  server_.send(server_.accept_request(),
               "HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n");
  ASSERT_TRUE(server_.run_until_done(exchange));
  EXPECT_EQ(exchange.response.status, 407);
}

TEST_F(ProxyConnection, TlsBeginsInTheTunnel) {
  const Request request = to("https://a.test/");
  TestExchange exchange;
  make_client(settings("user")).start(request, exchange);
  Peer peer = server_.accept();
  EXPECT_EQ(server_.request(peer),
            "CONNECT a.test:443 HTTP/1.1\r\nHost: a.test:443\r\n"
            "Proxy-Authorization: Basic dXNlcjo=\r\n\r\n");
  for (const char c : std::string_view("HTTP/1.1 200 Connection established\r\nVia: x\r\n\r\n")) {
    EXPECT_TRUE(TestServer::is_quiet(peer));
    server_.send(peer, std::string(1, c));
    server_.run_for(milliseconds(1));
  }
  char record[3] = {};  // a TLS handshake
  ASSERT_TRUE(server_.run_until([&] { return peer.receive(record, sizeof(record)) == 3; }));
  EXPECT_EQ(record[0], 22);
  EXPECT_EQ(record[1], 3);
  peer.close();
  ASSERT_TRUE(server_.run_until_done(exchange));
}

TEST_F(ProxyConnection, ATunnelThatDoesNotComeAboutIsAFailure) {
  EXPECT_EQ(failure_of_tunnel("HTTP/1.1 407 No\r\n\r\n"),
            "RuntimeError('Proxy CONNECT failed: HTTP/1.1 407 No (proxy authentication "
            "required?)')");
  EXPECT_EQ(failure_of_tunnel("HTTP/1.1 502 Bad Gateway\r\nContent-Length: 1\r\n\r\n!"),
            "RuntimeError('Proxy CONNECT failed: HTTP/1.1 502 Bad Gateway')");
  EXPECT_EQ(failure_of_tunnel("garbage\r\n\r\n"), "RuntimeError('Proxy CONNECT failed: garbage')");
  EXPECT_EQ(failure_of_tunnel(std::string(20'000, 'x')),
            "RuntimeError('Proxy CONNECT failed: " + std::string(200, 'x') + "')");
  for (const char* start : {"", "HTTP/1.1 200 OK\r\n"}) {
    EXPECT_EQ(failure_of_tunnel(start),
              "RuntimeError('Proxy closed the connection before answering the CONNECT request')");
  }
}

TEST_F(ProxyConnection, ThatNeverAnswersIsAnswerableToTheConnectTimeLimit) {
  const Request request = to("https://a.test/");
  ClientSettings settings = this->settings();
  settings.connection_timeout = milliseconds(30);
  EXPECT_TRUE(failure(settings, request).starts_with("RetriesExceeded('https://a.test/'"));
}

TEST_F(ProxyConnection, ThatIsNotThereRefuses) {
  server_.stop_listening();
  EXPECT_EQ(failure(settings()), "ConnectionRefusedError(111, 'Connection refused')");
}

TEST_F(ProxyConnection, ATunnelMayBeGivenUp) {
  const Request request = to("https://a.test/");
  auto exchange = std::make_unique<TestExchange>();
  make_client(settings()).start(request, *exchange);
  Peer peer = server_.accept_request();
  exchange.reset();
  EXPECT_TRUE(server_.closed_by_client(peer));
}

}  // namespace
}  // namespace locust::http
