// What becomes of connections: kept and used again, found dead, waited for, written to. Expected:
// RFC 9110, 9.2.2, RFC 9112, 9, and FastHttpUser (concurrency 10, one new try for a dead one).
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "http/test_server.h"

namespace locust::http {
namespace {

class ConnectionTest : public testing::Test {
 protected:
  // Ten seconds that no test should see the end of.
  explicit ConnectionTest(std::size_t concurrency = 10)
      : client_(context_, {.network_timeout = seconds(9), .concurrency = concurrency}) {}

  // Sends one request and answers it; the connection that served it.
  Peer used_connection() {
    TestExchange exchange;
    client_.start(get_, exchange);
    Peer peer = server_.accept_request();
    answer(peer, exchange);
    return peer;
  }
  void answer(const Peer& peer, const TestExchange& exchange) {
    server_.send(peer, kOk);
    ASSERT_TRUE(server_.run_until_done(exchange));
    EXPECT_EQ(exchange.response.status, 200) << exchange.response.error;
  }

  TestServer server_;
  ClientContext context_{server_.loop};
  const Request get_{server_.parts()};
  const Request post_{server_.parts("POST")};
  Client client_;
};

TEST_F(ConnectionTest, IsUsedAgain) {
  Peer peer = used_connection();
  for (const Request* request : {&get_, &post_, &get_}) {
    TestExchange exchange;
    client_.start(*request, exchange);
    EXPECT_EQ(server_.request(peer), request->bytes());
    answer(peer, exchange);
  }
  EXPECT_FALSE(server_.connection_waits());
  EXPECT_EQ(server_.accepted, 1);
}

TEST_F(ConnectionTest, TheMostRecentlyUsedOneIsNext) {
  TestExchange first;
  TestExchange second;
  client_.start(get_, first);
  Peer one = server_.accept_request();
  client_.start(get_, second);
  Peer two = server_.accept_request();
  answer(two, second);
  answer(one, first);
  TestExchange third;
  client_.start(get_, third);
  server_.request(one);
  EXPECT_TRUE(TestServer::is_quiet(two));
  answer(one, third);
}

TEST_F(ConnectionTest, AnotherHostGetsItsOwn) {
  Peer peer = used_connection();
  TestServer* server = &server_;
  const Request other(server->parts("GET", "127.0.0.2"));  // loopback, but nobody listens there
  TestExchange exchange;
  client_.start(other, exchange);
  ASSERT_TRUE(server_.run_until_done(exchange));
  EXPECT_EQ(exchange.response.error, "ConnectionRefusedError(111, 'Connection refused')");
  EXPECT_TRUE(TestServer::is_quiet(peer));
}

TEST_F(ConnectionTest, AGetGoesToANewOneWhenTheServerHasClosedIt) {
  Peer peer = used_connection();
  server_.finish(peer);
  TestExchange exchange;
  client_.start(get_, exchange);
  Peer next = server_.accept_request();
  answer(next, exchange);
  EXPECT_EQ(server_.accepted, 2);
}

TEST_F(ConnectionTest, AGetGoesToANewOneWhenTheServerHasResetIt) {
  Peer peer = used_connection();
  peer.reset();
  TestExchange exchange;
  client_.start(get_, exchange);
  Peer next = server_.accept_request();
  answer(next, exchange);
  EXPECT_EQ(server_.accepted, 2);
}

TEST_F(ConnectionTest, APostIsNotSentOnADeadOne) {
  Peer peer = used_connection();
  server_.finish(peer);
  TestExchange exchange;
  client_.start(post_, exchange);
  Peer next = server_.accept();
  EXPECT_EQ(server_.request(next), post_.bytes());
  EXPECT_TRUE(server_.closed_by_client(peer));
  answer(next, exchange);
}

// The server closes a connection in use instead of answering, as when its idle timeout and the
// request cross.
TEST_F(ConnectionTest, AGetIsTriedOnceMoreWhenAUsedOneCloses) {
  Peer peer = used_connection();
  TestExchange exchange;
  client_.start(get_, exchange);
  EXPECT_EQ(server_.request(peer), get_.bytes());
  peer.close();
  Peer next = server_.accept();
  EXPECT_EQ(server_.request(next), get_.bytes());
  answer(next, exchange);
  EXPECT_EQ(exchange.calls, 1);
}

TEST_F(ConnectionTest, AGetIsTriedOnceMoreWhenAUsedOneIsReset) {
  Peer peer = used_connection();
  TestExchange exchange;
  client_.start(get_, exchange);
  server_.request(peer);
  peer.reset();
  Peer next = server_.accept_request();
  answer(next, exchange);
}

TEST_F(ConnectionTest, ItIsTriedOnceMoreAndNotTwice) {
  Peer peer = used_connection();
  TestExchange exchange;
  client_.start(get_, exchange);
  server_.request(peer);
  peer.close();
  Peer next = server_.accept_request();
  next.close();
  ASSERT_TRUE(server_.run_until_done(exchange));
  EXPECT_EQ(exchange.response.error, "HTTPConnectionClosed('connection closed.')");
  EXPECT_FALSE(server_.connection_waits());
  EXPECT_EQ(server_.accepted, 2);
}

TEST_F(ConnectionTest, APostIsNeverSentTwice) {
  Peer peer = used_connection();
  TestExchange exchange;
  client_.start(post_, exchange);
  EXPECT_EQ(server_.request(peer), post_.bytes());
  peer.close();
  ASSERT_TRUE(server_.run_until_done(exchange));
  EXPECT_EQ(exchange.response.error, "HTTPConnectionClosed('connection closed.')");
  EXPECT_FALSE(server_.connection_waits());
}

TEST_F(ConnectionTest, ANewOneThatClosesIsAFailureAtOnce) {
  TestExchange exchange;
  client_.start(get_, exchange);
  Peer peer = server_.accept_request();
  peer.close();
  ASSERT_TRUE(server_.run_until_done(exchange));
  EXPECT_EQ(exchange.response.error, "HTTPConnectionClosed('connection closed.')");
  EXPECT_EQ(exchange.response.status, 0);
  EXPECT_FALSE(server_.connection_waits());
}

class AfterSomeBytes : public ConnectionTest, public testing::WithParamInterface<const char*> {};

TEST_P(AfterSomeBytes, NothingIsTriedAgain) {
  Peer peer = used_connection();
  TestExchange exchange;
  client_.start(get_, exchange);
  server_.request(peer);
  server_.send(peer, GetParam());
  peer.close();
  ASSERT_TRUE(server_.run_until_done(exchange));
  EXPECT_TRUE(exchange.response.error.starts_with("HTTPParseError('In")) << exchange.response.error;
  EXPECT_FALSE(server_.connection_waits());
}

INSTANTIATE_TEST_SUITE_P(Table, AfterSomeBytes,
                         testing::Values("H", "HTTP/1.1 200 OK\r\n",
                                         "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n",
                                         "HTTP/1.1 103 Early Hints\r\n\r\n"));

TEST_F(ConnectionTest, AResetInTheBodyIsAFailure) {
  TestExchange exchange;
  client_.start(get_, exchange);
  Peer peer = server_.accept_request();
  const auto turn = server_.loop.turn();
  server_.send(peer, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc");
  ASSERT_TRUE(server_.run_until([&] { return server_.loop.turn() != turn; }));
  peer.reset();
  ASSERT_TRUE(server_.run_until_done(exchange));
  EXPECT_EQ(exchange.response.error, "ConnectionResetError(104, 'Connection reset by peer')");
  EXPECT_EQ(exchange.response.status, 0);
  EXPECT_EQ(exchange.response.body_size, 0U);
}

// A response to no request (RFC 9112, 9.2), such as a 408 before an idle connection is closed.
TEST_F(ConnectionTest, WhatComesUnaskedIsNobodysResponse) {
  Peer peer = used_connection();
  server_.send(peer, "HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n");
  server_.finish(peer);
  server_.run_for(milliseconds(15));  // a connection just used is trusted for 10
  TestExchange exchange;
  client_.start(get_, exchange);
  Peer next = server_.accept_request();
  answer(next, exchange);
}

TEST_F(ConnectionTest, TheEleventhWaits) {
  std::vector<TestExchange> exchanges(12);
  std::vector<Peer> peers;
  for (int i = 0; i < 12; ++i) client_.start(get_, exchanges[static_cast<std::size_t>(i)]);
  for (int i = 0; i < 10; ++i) peers.push_back(server_.accept_request());
  server_.run_for(milliseconds(1));
  EXPECT_FALSE(server_.connection_waits());

  server_.send(peers[3], kOk);
  EXPECT_EQ(server_.request(peers[3]), get_.bytes());  // the eleventh
  EXPECT_FALSE(exchanges[10].done());
  server_.send(peers[3], kOk);
  EXPECT_EQ(server_.request(peers[3]), get_.bytes());  // the twelfth
  for (const Peer& peer : peers) server_.send(peer, kOk);
  for (const TestExchange& exchange : exchanges) {
    ASSERT_TRUE(server_.run_until_done(exchange));
    EXPECT_EQ(exchange.response.status, 200) << exchange.response.error;
    EXPECT_EQ(exchange.calls, 1);
  }
  EXPECT_EQ(server_.accepted, 10);
}

class OneConnection : public ConnectionTest {
 protected:
  OneConnection() : ConnectionTest(1) {}
};

TEST_F(OneConnection, WhoWaitsGetsANewOneWhenItCloses) {
  TestExchange first;
  TestExchange second;
  client_.start(get_, first);
  client_.start(post_, second);
  Peer peer = server_.accept_request();
  EXPECT_FALSE(server_.connection_waits());
  server_.send(peer, "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
  Peer next = server_.accept();
  EXPECT_EQ(server_.request(next), post_.bytes());
  answer(next, second);
  EXPECT_EQ(first.response.status, 200);
}

TEST_F(OneConnection, WhoWaitsGetsANewOneWhenItFails) {
  TestExchange first;
  TestExchange second;
  client_.start(get_, first);
  client_.start(get_, second);
  Peer peer = server_.accept_request();
  server_.send(peer, "garbage!");
  Peer next = server_.accept_request();
  answer(next, second);
  EXPECT_TRUE(first.response.error.starts_with("HTTPParseError("));
}

TEST_F(OneConnection, TheyAreServedInTheirOrder) {
  std::vector<std::unique_ptr<Request>> requests;
  std::vector<TestExchange> exchanges(20);
  for (std::size_t i = 0; i < exchanges.size(); ++i) {
    RequestParts parts = server_.parts();
    parts.url.target = "/" + std::to_string(i);
    requests.push_back(std::make_unique<Request>(std::move(parts)));
    client_.start(*requests.back(), exchanges[i]);
  }
  Peer peer = server_.accept();
  for (std::size_t i = 0; i < exchanges.size(); ++i) {
    EXPECT_EQ(server_.request(peer), requests[i]->bytes());
    answer(peer, exchanges[i]);
  }
  EXPECT_EQ(server_.accepted, 1);
}

TEST_F(ConnectionTest, ABodyOfMegabytesIsCounted) {
  constexpr std::size_t kSize = 3'000'017;
  RequestParts parts = server_.parts();
  parts.keep_body = false;
  const Request request(std::move(parts));
  const std::string body(kSize, 'b');
  const std::string bodies[] = {
      "HTTP/1.1 200 OK\r\nContent-Length: 3000017\r\n\r\n" + body,
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2dc6d1\r\n" + body + "\r\n0\r\n\r\n"};
  TestExchange first;
  client_.start(request, first);
  Peer peer = server_.accept_request();
  server_.send(peer, bodies[0]);
  ASSERT_TRUE(server_.run_until_done(first));
  TestExchange second;
  client_.start(request, second);
  server_.request(peer);
  server_.send(peer, bodies[1]);
  ASSERT_TRUE(server_.run_until_done(second));
  for (const TestExchange* exchange : {&first, &second}) {
    EXPECT_EQ(exchange->response.error, "");
    EXPECT_EQ(exchange->response.body_size, kSize);
    EXPECT_EQ(exchange->response.body, "");
  }
}

TEST_F(ConnectionTest, ALargeRequestIsWrittenInFullToASlowReader) {
  RequestParts parts = server_.parts("POST");
  parts.has_body = true;
  for (int i = 0; parts.body.size() < 5'000'000; ++i) parts.body += std::to_string(i);
  const Request request(std::move(parts));
  TestExchange exchange;
  client_.start(request, exchange);
  Peer peer = server_.accept();
  std::string received;
  ASSERT_TRUE(server_.run_until([&] {
    char buffer[50000];
    const ssize_t size = peer.receive(buffer, sizeof(buffer));
    if (size > 0) received.append(buffer, static_cast<std::size_t>(size));
    return received.size() >= request.bytes().size();
  }));
  EXPECT_TRUE(received == request.bytes());  // not megabytes in a message
  answer(peer, exchange);
}

}  // namespace
}  // namespace locust::http
