// How exchanges end without a response: refused, timed out, out of descriptors.
#include "http/client.h"

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "http/test_server.h"

namespace locust::http {
namespace {

constexpr const char* kRefused = "ConnectionRefusedError(111, 'Connection refused')";

class ClientTest : public testing::Test {
 protected:
  std::string timed_out() const {
    return "RetriesExceeded('" + server_.url() + "', 0, original=timed out)";
  }

  TestServer server_;
  ClientContext context_{server_.loop};
  const Request get_{server_.parts()};
  std::unique_ptr<Client> client_ =
      std::make_unique<Client>(context_, ClientSettings{.concurrency = 2});
};

TEST_F(ClientTest, RefusedIsAFailureAndLaterItIsTriedAgain) {
  server_.stop_listening();
  for (int i = 0; i < 3; ++i) {
    TestExchange exchange;
    client_->start(get_, exchange);
    EXPECT_FALSE(exchange.done());
    ASSERT_TRUE(server_.run_until_done(exchange));
    EXPECT_EQ(exchange.response.error, kRefused);
    EXPECT_FALSE(exchange.response.ok());
    EXPECT_EQ(exchange.response.status, 0);
    EXPECT_LE(exchange.response.started, exchange.response.ended);
  }
}

TEST_F(ClientTest, AllThatWaitAreRefusedToo) {
  server_.stop_listening();
  std::vector<TestExchange> exchanges(50);
  for (TestExchange& exchange : exchanges) client_->start(get_, exchange);
  for (const TestExchange& exchange : exchanges) {
    ASSERT_TRUE(server_.run_until_done(exchange));
    EXPECT_EQ(exchange.response.error, kRefused);
    EXPECT_EQ(exchange.calls, 1);
  }
}

// ---- Time limits ----

TEST_F(ClientTest, AServerThatNeverAnswersTimesOut) {
  Client client(context_, {.network_timeout = milliseconds(30)});
  TestExchange exchange;
  client.start(get_, exchange);
  Peer peer = server_.accept_request();
  ASSERT_TRUE(server_.run_until_done(exchange));
  const Response& response = exchange.response;
  EXPECT_EQ(response.error, timed_out());
  EXPECT_EQ(response.status, 0);
  EXPECT_GE(response.ended - response.started, milliseconds(30));
  EXPECT_LT(response.ended - response.started, seconds(10));
  EXPECT_TRUE(server_.closed_by_client(peer));
}

TEST_F(ClientTest, ATrickleDoesNotExtendTheTimeLimit) {
  Client client(context_, {.network_timeout = milliseconds(30)});
  for (const char* start : {"HTTP/1.1 200 OK\r\nX: ", "HTTP/1.1 200 OK\r\n\r\n"}) {
    TestExchange exchange;
    client.start(get_, exchange);
    Peer peer = server_.accept_request();
    server_.send(peer, start);
    ASSERT_TRUE(server_.run_until([&] {
      peer.send("x");
      return exchange.done();
    }));
    EXPECT_EQ(exchange.response.error, timed_out());
    EXPECT_EQ(exchange.response.body_size, 0U);
    EXPECT_GE(exchange.response.ended - exchange.response.started, milliseconds(30));
  }
}

TEST_F(ClientTest, InterimResponsesDoNotExtendTheTimeLimit) {
  Client client(context_, {.network_timeout = milliseconds(30)});
  TestExchange exchange;
  client.start(get_, exchange);
  Peer peer = server_.accept_request();
  ASSERT_TRUE(server_.run_until([&] {
    peer.send("HTTP/1.1 102 Processing\r\n\r\n");
    return exchange.done();
  }));
  EXPECT_EQ(exchange.response.error.substr(0, 15), "RetriesExceeded");
}

TEST_F(ClientTest, ARequestsOwnTimeLimitComesFirst) {
  RequestParts parts = server_.parts();
  parts.url.target = "/slow?a=b";
  parts.timeout = milliseconds(20);
  const Request request(std::move(parts));
  TestExchange exchange;
  client_->start(request, exchange);  // the client's: 60 s
  Peer peer = server_.accept_request();
  ASSERT_TRUE(server_.run_until_done(exchange));
  EXPECT_EQ(exchange.response.error,
            "RetriesExceeded('" + server_.url() + "slow?a=b', 0, original=timed out)");
}

TEST_F(ClientTest, ATimeoutOnAUsedConnectionIsNotTriedAgain) {
  Client client(context_, {.network_timeout = milliseconds(50)});
  TestExchange first;
  client.start(get_, first);
  Peer peer = server_.accept_request();
  server_.send(peer, kOk);
  ASSERT_TRUE(server_.run_until_done(first));
  TestExchange second;
  client.start(get_, second);
  ASSERT_TRUE(server_.run_until_done(second));
  EXPECT_EQ(second.response.error, timed_out());
  EXPECT_FALSE(server_.connection_waits());
}

TEST_F(ClientTest, AQueuedRequestTimesOutToo) {
  Client client(context_, {.network_timeout = milliseconds(30), .concurrency = 1});
  RequestParts parts = server_.parts();
  parts.timeout = seconds(9);
  const Request patient(std::move(parts));
  TestExchange first;
  TestExchange second;
  client.start(patient, first);
  client.start(get_, second);
  Peer peer = server_.accept_request();
  ASSERT_TRUE(server_.run_until_done(second));
  EXPECT_EQ(second.response.error, timed_out());
  EXPECT_FALSE(first.done());
  server_.send(peer, kOk);
  ASSERT_TRUE(server_.run_until_done(first));
  EXPECT_EQ(first.response.status, 200);
}

// A listener whose queue is full does not answer to new connections.
TEST(ClientConnectTimeout, IsToldAsATimeout) {
  TestServer server(0);
  ClientContext context(server.loop);
  const Request get(server.parts());
  Client filling(context, {.concurrency = 8});
  std::vector<TestExchange> queue(8);
  for (TestExchange& exchange : queue) filling.start(get, exchange);
  server.run_for(milliseconds(20));

  Client client(context, {.connection_timeout = milliseconds(30)});
  TestExchange exchange;
  client.start(get, exchange);
  ASSERT_TRUE(server.run_until_done(exchange));
  EXPECT_EQ(exchange.response.error,
            "RetriesExceeded('" + server.url() + "', 0, original=timed out)");
  EXPECT_GE(exchange.response.ended - exchange.response.started, milliseconds(30));
}

TEST_F(ClientTest, TheConnectTimeLimitEndsWithTheConnect) {
  Client client(context_, {.connection_timeout = milliseconds(500)});
  TestExchange exchange;
  client.start(get_, exchange);
  Peer peer = server_.accept_request();
  ASSERT_LT(server_.loop.now(), exchange.response.started + milliseconds(500));
  ASSERT_TRUE(server_.run_until(
      [&] { return server_.loop.now() > exchange.response.started + milliseconds(510); }));
  server_.send(peer, kOk);
  ASSERT_TRUE(server_.run_until_done(exchange));
  EXPECT_EQ(exchange.response.status, 200) << exchange.response.error;
}

// ---- No descriptors ----

TEST_F(ClientTest, WithoutDescriptorsItFailsAndLaterItGoesOn) {
  std::vector<TestExchange> exchanges(30);
  {
    const NoDescriptors none;
    for (TestExchange& exchange : exchanges) client_->start(get_, exchange);
    for (const TestExchange& exchange : exchanges) {
      ASSERT_TRUE(server_.run_until_done(exchange));
      EXPECT_EQ(exchange.response.error, "OSError(24, 'Too many open files')");
    }
  }
  TestExchange exchange;
  client_->start(get_, exchange);
  Peer peer = server_.accept_request();
  server_.send(peer, kOk);
  ASSERT_TRUE(server_.run_until_done(exchange));
  EXPECT_EQ(exchange.response.status, 200);
}

// One that is used again, as a Python user's are, does not tell of what it was spared.
TEST_F(ClientTest, AFailureThatWasCancelledIsForgotten) {
  TestExchange exchange;
  {
    const NoDescriptors none;
    client_->start(get_, exchange);
    exchange.cancel();
  }
  Client client(context_, {.network_timeout = milliseconds(30)});
  client.start(get_, exchange);
  ASSERT_TRUE(server_.run_until_done(exchange));
  EXPECT_EQ(exchange.response.error, timed_out());
  EXPECT_GE(exchange.response.ended - exchange.response.started, milliseconds(30));
}

// Each that waited fails as it gets its turn: in a loop, not one within the other.
TEST_F(ClientTest, WithoutDescriptorsALongQueueFailsOnALittleStack) {
  Client client(context_, {.concurrency = 1});
  std::vector<TestExchange> exchanges(10000);
  for (TestExchange& exchange : exchanges) client.start(get_, exchange);
  Peer peer = server_.accept_request();
  const NoDescriptors none;
  peer.close();
  ASSERT_TRUE(server_.run_until_done(exchanges.back()));
  EXPECT_EQ(exchanges.front().response.error, "HTTPConnectionClosed('connection closed.')");
  EXPECT_EQ(exchanges.back().response.error, "OSError(24, 'Too many open files')");
}

// ---- Many origins ----

TEST(ClientOrigins, ConnectionsToThoseUsedLastAreKept) {
  TestServer server(128, INADDR_ANY);
  ClientContext context(server.loop);
  Client client(context, {.most_origins = 2});
  std::map<int, Peer> peers;
  const auto ask = [&](int number) {
    const Request request(server.parts("GET", "127.0.0." + std::to_string(number)));
    TestExchange exchange;
    client.start(request, exchange);
    if (!peers.contains(number)) peers.emplace(number, server.accept_request());
    server.send(peers.at(number), kOk);
    EXPECT_TRUE(server.run_until_done(exchange));
    EXPECT_EQ(exchange.response.status, 200) << exchange.response.error;
  };
  ask(1);
  ask(2);
  ask(1);  // over the connection that it has
  ask(3);
  EXPECT_TRUE(server.closed_by_client(peers.at(2)));
  ask(1);
  ask(3);
  EXPECT_EQ(server.accepted, 3);
}

TEST(ClientOrigins, OneThatIsBusyIsNotGivenUp) {
  TestServer server(128, INADDR_ANY);
  ClientContext context(server.loop);
  Client client(context, {.most_origins = 1});
  const Request get(server.parts());
  const Request other(server.parts("GET", "127.0.0.2"));
  TestExchange busy;
  TestExchange exchange;
  client.start(get, busy);
  Peer first = server.accept_request();
  client.start(other, exchange);
  Peer second = server.accept_request();
  server.send(second, kOk);
  ASSERT_TRUE(server.run_until_done(exchange));
  server.send(first, kOk);
  ASSERT_TRUE(server.run_until_done(busy));
  EXPECT_EQ(busy.response.status, 200) << busy.response.error;
}

}  // namespace
}  // namespace locust::http
