// Connections: many at once, exact counts, raw HTTP, a taken port, and the end.
#include "target/server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <semaphore>
#include <stop_token>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>
#include <vector>

#include "target/raw_client.h"
#include "target/test_server.h"

namespace hello {
namespace {

using std::chrono::milliseconds;
using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

constexpr const char* hello_request = "GET /hello/ HTTP/1.1\r\nHost: a\r\n\r\n";

// A server with one page, /slow/, whose handler says that it was entered and then waits until it is
// released or told to cut the wait short.
class SlowServer {
 public:
  explicit SlowServer(milliseconds grace)
      : server_({.host = "127.0.0.1", .port = 0, .grace = grace}) {
    server_.routes().Get("/slow/", [this](const auto&, auto& response) {
      entered_.release();
      std::stop_callback cut(server_.cut_short(), [this] { released_.release(); });
      released_.acquire();
      response.set_content("at last", "text/plain");
    });
    serving_ = std::jthread([this] { server_.serve(); });
  }
  ~SlowServer() { server_.stop(); }

  int port() const { return server_.port(); }
  void stop() { server_.stop(); }
  void join() { serving_.join(); }
  void wait_until_entered() { entered_.acquire(); }
  void release() { released_.release(); }

 private:
  Server server_;
  std::counting_semaphore<> entered_{0};
  std::counting_semaphore<> released_{0};
  std::jthread serving_;
};

TEST(Server, CountsExactlyOverSeveralKeepAliveConnections) {
  const TestServer target;
  constexpr int clients = 8;
  constexpr int requests = 200;
  std::atomic<int> answered = 0;
  {
    std::vector<std::jthread> threads;
    threads.reserve(clients);
    for (int i = 0; i < clients; ++i) {
      threads.emplace_back([&target, &answered] {
        const auto client = target.client();
        for (int k = 0; k < requests; ++k) {
          const auto response = client->Get("/hello/");
          answered += response && response->status == 200 ? 1 : 0;
        }
      });
    }
  }
  EXPECT_EQ(answered, clients * requests);
  EXPECT_EQ(target.stats()["requests"]["GET /hello/"], clients * requests);
  EXPECT_EQ(target.stats()["total"], clients * requests);
}

TEST(Server, NoneOfHundredOpenConnectionsStarves) {
  TestServer target;
  std::vector<std::unique_ptr<RawClient>> clients;
  for (int i = 0; i < 100; ++i) {
    clients.push_back(std::make_unique<RawClient>(target.server().port()));
    ASSERT_TRUE(clients.back()->connected());
  }
  for (int round = 0; round < 3; ++round) {
    for (const auto& client : clients) {
      client->send(hello_request);
    }
    for (const auto& client : clients) {
      ASSERT_THAT(client->read_head(), StartsWith("HTTP/1.1 200 OK\r\n"));
    }
  }
  EXPECT_EQ(target.stats()["total"], 300);
}

TEST(Server, AnswersPipelinedRequestsInOrder) {
  TestServer target;
  RawClient client(target.server().port());
  client.send(std::string(hello_request) + "GET /nowhere HTTP/1.1\r\nHost: a\r\n\r\n" +
              hello_request);
  EXPECT_THAT(client.read_head(), StartsWith("HTTP/1.1 200"));
  EXPECT_THAT(client.read_head(), StartsWith("HTTP/1.1 404"));
  EXPECT_THAT(client.read_head(), StartsWith("HTTP/1.1 200"));
}

TEST(Server, AnswersARequestThatArrivesByteByByte) {
  TestServer target;
  RawClient client(target.server().port());
  for (const char& byte : std::string_view(hello_request)) {
    client.send({&byte, 1});
  }
  EXPECT_THAT(client.read_head(), StartsWith("HTTP/1.1 200"));
}

TEST(Server, ClosesWhenAskedTo) {
  TestServer target;
  RawClient client(target.server().port());
  client.send("GET /hello/ HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  EXPECT_THAT(client.read_head(), HasSubstr("Connection: close\r\n"));
  EXPECT_TRUE(client.read_end());
}

TEST(Server, RefusesGarbageAndHangsUp) {
  TestServer target;
  RawClient client(target.server().port());
  client.send("what is this?\r\n\r\n");
  EXPECT_THAT(client.read_head(), StartsWith("HTTP/1.1 400"));
  EXPECT_TRUE(client.read_end());
  RawClient next(target.server().port());
  next.send(hello_request);
  EXPECT_THAT(next.read_head(), StartsWith("HTTP/1.1 200"));
}

TEST(Server, ClosesAConnectionThatIsIdleTooLong) {
  TestServer target({}, {.keep_alive = milliseconds(10)});
  RawClient client(target.server().port());
  EXPECT_TRUE(client.read_end());
}

TEST(Server, RefusesConnectionsOverTheLimitAndTakesNewOnesLater) {
  TestServer target({}, {.max_connections = 1});
  const int port = target.server().port();
  {
    RawClient first(port);
    first.send(hello_request);
    ASSERT_THAT(first.read_head(), StartsWith("HTTP/1.1 200"));
    RawClient second(port);
    EXPECT_THAT(second.read_head(), StartsWith("HTTP/1.1 503"));
    first.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    first.read_head();
    ASSERT_TRUE(first.read_end());
  }
  RawClient third(port);
  third.send(hello_request);
  EXPECT_THAT(third.read_head(), StartsWith("HTTP/1.1 200"));
}

TEST(Server, ATakenPortIsOneClearSentence) {
  TestServer target;
  ServerOptions same;
  same.host = "127.0.0.1";
  same.port = target.server().port();
  try {
    const Server second(same);
    FAIL() << "two servers on one port";
  } catch (const std::system_error& error) {
    EXPECT_EQ(error.what(), "cannot listen on 127.0.0.1 port " + std::to_string(same.port) +
                                ": Address already in use");
  }
}

TEST(Server, ShowsAnIpv6AddressInBrackets) {
  ServerOptions options;
  options.host = "::1";
  options.port = 0;
  try {
    const Server server(options);
    EXPECT_EQ(server.url(), "http://[::1]:" + std::to_string(server.port()));
  } catch (const std::system_error& error) {
    EXPECT_THAT(error.what(), EndsWith("Cannot assign requested address"));  // no IPv6 here
  }
}

TEST(Server, StopClosesIdleConnectionsAtOnce) {
  TestServer target({}, {.grace = std::chrono::hours(1)});
  RawClient used(target.server().port());
  RawClient fresh(target.server().port());
  used.send(hello_request);
  ASSERT_THAT(used.read_head(), StartsWith("HTTP/1.1 200"));
  target.server().stop();
  target.join();
  EXPECT_TRUE(used.read_end());
  EXPECT_FALSE(RawClient(target.server().port()).connected());
}

TEST(Server, StopLetsARequestUnderWayFinish) {
  SlowServer target(std::chrono::hours(1));
  RawClient client(target.port());
  client.send("GET /slow/ HTTP/1.1\r\nHost: a\r\n\r\n");
  target.wait_until_entered();
  target.stop();
  target.release();
  target.join();
  EXPECT_THAT(client.read_head(), StartsWith("HTTP/1.1 200"));
  EXPECT_TRUE(client.read_end());
}

TEST(Server, StopCutsARequestShortWhenTheGracePeriodIsOver) {
  SlowServer target(milliseconds(1));
  RawClient client(target.port());
  client.send("GET /slow/ HTTP/1.1\r\nHost: a\r\n\r\n");
  target.wait_until_entered();
  target.stop();
  target.join();  // the handler is never released by the test
  EXPECT_TRUE(client.read_end());
}

}  // namespace
}  // namespace hello
