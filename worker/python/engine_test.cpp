// The engine with its real thread against a server on this one. The test's side of everything that
// crosses threads is take_done(); what the server sees is driven from here.
#include "python/engine.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>

#include <memory>
#include <string>
#include <vector>

#include "http/test_server.h"

namespace locust::python {
namespace {

using http::Peer;
using http::TestServer;
using testing::HasSubstr;
using testing::StartsWith;

constexpr int kPatience = 10'000;  // ms; never waited for where all is well

class EngineTest : public testing::Test {
 protected:
  // Connections are gone before the engine's loop is.
  ~EngineTest() override {
    engine_.stop();
    channel_.reset();
  }

  std::shared_ptr<const http::Request> request(std::string_view method = "GET") {
    http::RequestParts parts = server_.parts(method);
    parts.stream_response = true;
    return std::make_shared<const http::Request>(std::move(parts));
  }
  std::unique_ptr<Call> start(std::string_view method = "GET") {
    auto call = std::make_unique<Call>(channel_, request(method));
    engine_.start(*call);
    return call;
  }
  // The calls that come back, when there are so many.
  std::vector<Call*> take(std::size_t count) {
    std::vector<Call*> taken;
    while (taken.size() < count) {
      pollfd one{engine_.done_fd(), POLLIN, 0};
      if (::poll(&one, 1, kPatience) != 1) {
        ADD_FAILURE() << "nothing comes back";
        break;
      }
      for (Call* call : engine_.take_done()) taken.push_back(call);
    }
    return taken;
  }
  bool something_is_done() {
    pollfd one{engine_.done_fd(), POLLIN, 0};
    return ::poll(&one, 1, 0) == 1;
  }

  TestServer server_;
  std::shared_ptr<Channel> channel_ = std::make_shared<Channel>(http::ClientSettings{});
  Engine engine_;
};

TEST_F(EngineTest, CarriesARequestAndItsResponse) {
  const auto call = start();
  const Peer peer = server_.accept_request();
  server_.send(peer, "HTTP/1.1 201 Created\r\nX-A: b\r\nContent-Length: 5\r\n\r\nhello");
  EXPECT_EQ(take(1), std::vector{call.get()});
  EXPECT_EQ(call->status(), 201);
  EXPECT_EQ(call->error(), "");
  EXPECT_EQ(call->body(), "hello");
  EXPECT_EQ(call->body_size(), 5U);
  EXPECT_EQ(call->head(), "HTTP/1.1 201 Created\r\nX-A: b\r\nContent-Length: 5\r\n\r\n");
  EXPECT_GT(call->elapsed(), SteadyDuration::zero());
  EXPECT_FALSE(something_is_done());
}

TEST_F(EngineTest, ACallServesAnotherRequest) {
  const auto call = start();
  {
    const Peer peer = server_.accept_request();
    server_.send(peer,
                 "HTTP/1.1 404 Not Found\r\nSet-Cookie: a=b\r\nContent-Length: 5\r\n\r\nhello");
    take(1);
  }
  call->clear();
  EXPECT_EQ(call->status(), 0);
  EXPECT_EQ(call->head(), "");
  EXPECT_EQ(call->body_size(), 0U);
  call->renew(std::make_shared<Channel>(http::ClientSettings{}), request("HEAD"));
  engine_.start(*call);
  const Peer peer = server_.accept_request();
  server_.send(peer, "HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n");
  EXPECT_EQ(take(1), std::vector{call.get()});
  EXPECT_EQ(call->status(), 200);
  EXPECT_EQ(call->error(), "");
  EXPECT_EQ(call->head(), "HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n");
  EXPECT_EQ(call->body(), "");
  EXPECT_FALSE(call->sets_cookies());
}

TEST_F(EngineTest, FindsHeadersByName) {
  const auto call = start();
  const Peer peer = server_.accept_request();
  server_.send(peer, "HTTP/1.1 200 OK\r\nx-first: b\r\nContent-Length: 0\r\nLast:\r\n\r\n");
  take(1);
  EXPECT_TRUE(call->has_header("X-First"));
  EXPECT_TRUE(call->has_header("content-length"));
  EXPECT_TRUE(call->has_header("last"));
  EXPECT_FALSE(call->has_header("first"));
  EXPECT_FALSE(call->has_header("Content"));
  EXPECT_FALSE(call->has_header("HTTP/1.1 200 OK\r\nx-first"));
}

TEST_F(EngineTest, TellsCookies) {
  const auto call = start();
  const Peer peer = server_.accept_request();
  server_.send(peer, "HTTP/1.1 200 OK\r\nSet-Cookie: a=b\r\nContent-Length: 0\r\n\r\n");
  take(1);
  EXPECT_TRUE(call->sets_cookies());
}

TEST_F(EngineTest, KeepsTheConnection) {
  const auto first = start();
  const Peer peer = server_.accept_request();
  server_.send(peer, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  take(1);
  const auto second = start();
  EXPECT_THAT(server_.request(peer), StartsWith("GET / HTTP/1.1\r\n"));
  server_.send(peer, "HTTP/1.1 204 No Content\r\n\r\n");
  take(1);
  EXPECT_EQ(second->status(), 204);
  EXPECT_FALSE(server_.connection_waits());
}

TEST_F(EngineTest, ChannelsShareNoConnection) {
  const auto first = start();
  const Peer peer = server_.accept_request();
  server_.send(peer, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  take(1);
  channel_ = std::make_shared<Channel>(http::ClientSettings{});
  const auto second = start();
  const Peer other = server_.accept_request();
  server_.send(other, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  take(1);
  EXPECT_EQ(second->status(), 200);
}

TEST_F(EngineTest, ClosesIdleConnections) {
  const auto first = start();
  const Peer peer = server_.accept_request();
  server_.send(peer, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  take(1);
  engine_.close(channel_);
  EXPECT_EQ(server_.request(peer), "");  // its end
  const auto second = start();
  const Peer other = server_.accept_request();
  server_.send(other, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  take(1);
  EXPECT_EQ(second->status(), 200);
}

TEST_F(EngineTest, ACallInFlightOutlivesTheClosingOfItsChannel) {
  const auto call = start();
  const Peer peer = server_.accept_request();
  engine_.close(channel_);
  server_.send(peer, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
  take(1);
  EXPECT_EQ(call->body(), "ok");
}

TEST_F(EngineTest, ManyAtOnceComeBackOnceEach) {
  std::vector<std::unique_ptr<Call>> calls;
  for (int i = 0; i < 8; ++i) calls.push_back(start());
  std::vector<Peer> peers;
  for (int i = 0; i < 8; ++i) peers.push_back(server_.accept_request());
  for (const Peer& peer : peers) {
    server_.send(peer, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  }
  std::vector<Call*> expected;
  for (const auto& call : calls) expected.push_back(call.get());
  EXPECT_THAT(take(8), testing::UnorderedElementsAreArray(expected));
  EXPECT_FALSE(something_is_done());
}

TEST_F(EngineTest, CancelledItComesBackAndItsConnectionIsClosed) {
  const auto call = start();
  const Peer peer = server_.accept_request();
  engine_.cancel(*call);
  EXPECT_EQ(take(1), std::vector{call.get()});
  EXPECT_EQ(call->status(), 0);
  EXPECT_EQ(server_.request(peer), "");
}

TEST_F(EngineTest, CancelledTooLateItComesBackOnceAndMayGo) {
  auto call = start();
  const Peer peer = server_.accept_request();
  server_.send(peer, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  pollfd one{engine_.done_fd(), POLLIN, 0};
  ASSERT_EQ(::poll(&one, 1, kPatience), 1);
  engine_.cancel(*call);
  EXPECT_EQ(take(1), std::vector{call.get()});
  EXPECT_EQ(call->status(), 200);
  call.reset();
  // Another call behind it: had the first come back twice, it would be here.
  const auto other = start();
  server_.request(peer);
  server_.send(peer, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  EXPECT_EQ(take(1), std::vector{other.get()});
}

TEST_F(EngineTest, TellsWhatWentWrong) {
  server_.stop_listening();
  const auto call = start();
  take(1);
  EXPECT_EQ(call->status(), 0);
  EXPECT_EQ(call->head(), "");
  EXPECT_EQ(call->error(), "ConnectionRefusedError(111, 'Connection refused')");
}

TEST_F(EngineTest, KnowsTheHeadOfAResponseThatFailsInItsBody) {
  const auto call = start();
  {
    const Peer peer = server_.accept_request();
    server_.send(peer, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this");
  }
  take(1);
  EXPECT_EQ(call->status(), 200);
  EXPECT_EQ(call->head(), "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n");
  EXPECT_THAT(call->error(), HasSubstr("Incomplete"));
}

TEST_F(EngineTest, IgnoresInterimHeads) {
  const auto call = start();
  const Peer peer = server_.accept_request();
  server_.send(peer, "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n");
  server_.send(peer, "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
  take(1);
  EXPECT_EQ(call->status(), 404);
  EXPECT_EQ(call->head(), "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
}

TEST_F(EngineTest, StopsWithCallsInFlight) {
  const auto call = start();
  const Peer peer = server_.accept_request();
  engine_.stop();
  server_.send(peer, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  EXPECT_FALSE(something_is_done());
}

}  // namespace
}  // namespace locust::python
