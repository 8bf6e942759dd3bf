// What the server hears when a TLS connection ends (RFC 8446, 6.1).
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "http/test_server.h"
#include "http/test_tls_server.h"

namespace locust::http {
namespace {

constexpr std::string_view kLast =
    "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";

class TlsClose : public testing::TestWithParam<int> {
 protected:
  // The server's end until the request is there.
  void take_request() {
    if (!peer_) {
      peer_ = server_.accept();
      tls_.accept();
    }
    ASSERT_TRUE(server_.run_until([&] {
      take();
      return SSL_is_init_finished(tls_.ssl()) == 1 && !tls_.read().empty();
    }));
  }
  void take() {
    char bytes[65536];
    const ssize_t size = peer_.receive(bytes, sizeof(bytes));
    if (size <= 0) return;
    tls_.take({bytes, static_cast<std::size_t>(size)});
    server_.send(peer_, tls_.give());
  }
  void answer(std::string_view bytes) {
    tls_.write(bytes);
    server_.send(peer_, tls_.give());
  }
  void exchange(Client& client, std::string_view bytes) {
    TestExchange exchange;
    client.start(request_, exchange);
    take_request();
    answer(bytes);
    ASSERT_TRUE(server_.run_until_done(exchange));
    ASSERT_EQ(exchange.response.error, "");
  }
  // Whether the connection ends with close_notify.
  bool hears_goodbye() {
    EXPECT_TRUE(server_.run_until([&] {
      char bytes[65536];
      const ssize_t size = peer_.receive(bytes, sizeof(bytes));
      if (size > 0) tls_.take({bytes, static_cast<std::size_t>(size)});
      return size == 0 || (size < 0 && errno != EAGAIN);
    }));
    tls_.read();
    return (SSL_get_shutdown(tls_.ssl()) & SSL_RECEIVED_SHUTDOWN) != 0;
  }
  static Request request_to(const TestServer& server) {
    RequestParts parts = server.parts();
    parts.url.origin.scheme = "https";
    return Request(std::move(parts));
  }

  TestServer server_;
  ClientContext context_{server_.loop};
  TlsServer tls_{good_certificate(), GetParam()};
  Peer peer_;
  const Request request_{request_to(server_)};
};

TEST_P(TlsClose, AfterTheLastResponseTheServerIsTold) {
  Client client(context_, {});
  exchange(client, kLast);
  EXPECT_TRUE(hears_goodbye());
}

TEST_P(TlsClose, OfAKeptConnectionTheServerIsTold) {
  auto client = std::make_unique<Client>(context_, ClientSettings{});
  exchange(*client, kOk);
  client.reset();
  EXPECT_TRUE(hears_goodbye());
}

TEST_P(TlsClose, InTheMiddleOfAnExchangeNothingIsSaid) {
  Client client(context_, {});
  auto exchange = std::make_unique<TestExchange>();
  client.start(request_, *exchange);
  take_request();
  answer("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel");
  exchange.reset();
  EXPECT_FALSE(hears_goodbye());
}

TEST_P(TlsClose, AServerThatHasClosedAKeptConnectionIsAnsweredAndLeft) {
  Client client(context_, {});
  exchange(client, kOk);
  SSL_shutdown(tls_.ssl());
  server_.send(peer_, tls_.give());
  server_.run_for(milliseconds(11));  // it is looked at again
  TestExchange next;
  client.start(request_, next);
  EXPECT_TRUE(hears_goodbye());
  peer_.close();
  take_request();
  answer(kOk);
  ASSERT_TRUE(server_.run_until_done(next));
  EXPECT_EQ(next.response.status, 200);
  EXPECT_EQ(server_.accepted, 2);
}

INSTANTIATE_TEST_SUITE_P(Versions, TlsClose, testing::Values(TLS1_2_VERSION, TLS1_3_VERSION),
                         [](const auto& tested) {
                           return tested.param == TLS1_2_VERSION ? "Tls12" : "Tls13";
                         });

}  // namespace
}  // namespace locust::http
