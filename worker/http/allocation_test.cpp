// A request over a kept connection costs no heap allocation: that is what keeps the CPU for each
// request where it is.
#include <gtest/gtest.h>

#include <optional>

#include "base/test_allocations.h"
#include "http/test_server.h"
#include "http/test_tls_server.h"
#include "http/user_agent.h"

namespace locust::http {
namespace {

class ExchangeAllocations : public testing::TestWithParam<std::string_view> {};

TEST_P(ExchangeAllocations, AreNoneForARequestOnAKeptConnection) {
  TestServer server;
  ClientContext context(server.loop);
  RequestParts parts = server.parts();
  parts.keep_body = false;
  const Request request(std::move(parts));
  Client client(context, {});
  std::optional<TestExchange> exchange;

  exchange.emplace();
  client.start(request, *exchange);
  Peer peer = server.accept_request();
  server.send(peer, GetParam());
  ASSERT_TRUE(server.run_until_done(*exchange));

  const auto serve = [&](int count) {
    for (int i = 0; i < count; ++i) {
      exchange.emplace();
      client.start(request, *exchange);
      char buffer[4096];
      if (!server.run_until([&] { return peer.receive(buffer, sizeof(buffer)) > 0; })) return false;
      peer.send(GetParam());
      if (!server.run_until_done(*exchange) || exchange->response.status != 200) return false;
    }
    return true;
  };
  ASSERT_TRUE(serve(10));
  allocations = 0;
  ASSERT_TRUE(serve(1000));
  EXPECT_EQ(allocations, 0U);
  EXPECT_EQ(server.accepted, 1);
}

INSTANTIATE_TEST_SUITE_P(
    Table, ExchangeAllocations,
    testing::Values(kOk,
                    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
                    // Trailers that nobody asked for.
                    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n"
                    "X-Some: trailer that is too long for a short string\r\n\r\n",
                    "HTTP/1.1 200 OK\r\nX-Some: thing\r\nContent-Length: 0\r\n\r\n"));

class CountingFetch final : public Fetch {
 public:
  using Fetch::begin;
  bool done = false;

 private:
  void on_fetched() override { done = true; }
};

TEST(Allocations, AreNoneForAFetch) {
  TestServer server;
  ClientContext context(server.loop);
  RequestParts parts = server.parts();
  parts.keep_body = false;
  const Request request(std::move(parts));
  UserAgentSettings settings;
  settings.digest_auth = Credentials{"ana", "not asked for"};
  UserAgent agent(context, settings);
  Peer peer;
  const auto serve = [&](int count) {
    for (int i = 0; i < count; ++i) {
      CountingFetch fetch;
      fetch.begin(agent, request);
      if (!peer) peer = server.accept();
      char buffer[4096];
      if (!server.run_until([&] { return peer.receive(buffer, sizeof(buffer)) > 0; })) return false;
      peer.send(kOk);
      if (!server.run_until([&] { return fetch.done; }) || !fetch.response.ok()) return false;
    }
    return true;
  };
  ASSERT_TRUE(serve(10));
  allocations = 0;
  ASSERT_TRUE(serve(1000));
  EXPECT_EQ(allocations, 0U);
}

class TlsAllocations : public testing::TestWithParam<int> {};

// OpenSSL's own are by malloc and not counted.
TEST_P(TlsAllocations, AreNoneForARequestOnAKeptConnection) {
  TestServer server;
  ClientContext context(server.loop);
  RequestParts parts = server.parts();
  parts.url.origin.scheme = "https";
  parts.keep_body = false;
  const Request request(std::move(parts));
  Client client(context, {});
  TlsServer tls(good_certificate(), GetParam());
  std::optional<TestExchange> exchange;
  Peer peer;

  // As TlsServer does it, but into memory that is there already.
  const auto pass_on = [&] {
    char bytes[16384];
    const ssize_t size = peer.receive(bytes, sizeof(bytes));
    if (size > 0) BIO_write(SSL_get_rbio(tls.ssl()), bytes, static_cast<int>(size));
    const bool asked = SSL_read(tls.ssl(), bytes, sizeof(bytes)) > 0;
    ERR_clear_error();
    if (asked) SSL_write(tls.ssl(), kOk.data(), static_cast<int>(kOk.size()));
    const int more = BIO_read(SSL_get_wbio(tls.ssl()), bytes, sizeof(bytes));
    if (more > 0) peer.send({bytes, static_cast<std::size_t>(more)});
    return exchange->done();
  };
  const auto serve = [&](int count) {
    for (int i = 0; i < count; ++i) {
      exchange.emplace();
      client.start(request, *exchange);
      if (!peer) {
        peer = server.accept();
        tls.accept();
      }
      if (!server.run_until(pass_on) || exchange->response.status != 200) return false;
    }
    return true;
  };
  ASSERT_TRUE(serve(10));
  allocations = 0;
  ASSERT_TRUE(serve(1000));
  EXPECT_EQ(allocations, 0U);
  EXPECT_EQ(server.accepted, 1);
}

INSTANTIATE_TEST_SUITE_P(Versions, TlsAllocations, testing::Values(TLS1_2_VERSION, TLS1_3_VERSION),
                         [](const auto& tested) {
                           return tested.param == TLS1_2_VERSION ? "Tls12" : "Tls13";
                         });

// The counter sees what it should.
TEST(AllocationCounter, CountsWhatAConnectionCosts) {
  TestServer server;
  ClientContext context(server.loop);
  const Request request(server.parts());
  Client client(context, {});
  TestExchange exchange;
  allocations = 0;
  client.start(request, exchange);
  EXPECT_GT(allocations, 0U);
}

}  // namespace
}  // namespace locust::http
