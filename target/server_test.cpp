// Connections: many at once, exact counts, raw HTTP, a taken port, and the end.
#include "target/server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <mutex>
#include <set>
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

TEST(Server, CountsExactlyOverSeveralKeepAliveConnections) {
  const TestServer target({}, {.threads = 2});
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
  TestServer target({}, {.threads = 2});
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

TEST(Server, StopClosesIdleConnections) {
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

constexpr const char* get_root = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

TEST(Server, StopClosesIdleConnectionsOfAllThreads) {
  TestServer target({}, {.threads = 3, .grace = std::chrono::hours(1)});
  std::vector<std::unique_ptr<RawClient>> clients;
  for (int i = 0; i < 9; ++i) {
    clients.push_back(std::make_unique<RawClient>(target.server().port()));
    clients.back()->send(hello_request);
    ASSERT_THAT(clients.back()->read_head(), StartsWith("HTTP/1.1 200"));
  }
  target.server().stop();
  target.join();
  for (const auto& client : clients) {
    EXPECT_TRUE(client->read_end());
  }
}

// The delay makes sure that the request is under way: the answer to "/" comes before it.
TEST(Server, StopLetsARequestUnderWayFinish) {
  TestServer target({.delay = milliseconds(300)}, {.grace = std::chrono::hours(1)});
  RawClient client(target.server().port());
  client.send(std::string(get_root) + hello_request);
  ASSERT_THAT(client.read_head(), StartsWith("HTTP/1.1 200"));
  ASSERT_EQ(client.read(2), "OK");
  target.server().stop();
  const std::string head = client.read_head();
  EXPECT_THAT(head, StartsWith("HTTP/1.1 200"));
  EXPECT_THAT(head, HasSubstr("\r\nConnection: close\r\n"));
  EXPECT_TRUE(client.read_end());
  target.join();
}

TEST(Server, StopAnswersAtTheEndOfTheGracePeriodWhatIsStillDelayed) {
  TestServer target({.delay = std::chrono::hours(1)}, {.grace = milliseconds(1)});
  RawClient client(target.server().port());
  client.send(std::string(get_root) + hello_request);
  ASSERT_THAT(client.read_head(), StartsWith("HTTP/1.1 200"));
  ASSERT_EQ(client.read(2), "OK");
  target.server().stop();
  target.join();
  EXPECT_THAT(client.read_head(), StartsWith("HTTP/1.1 200"));
  EXPECT_TRUE(client.read_end());
}

TEST(Server, StopAnswersARequestOnAConnectionThatIsInUse) {
  TestServer target({}, {.grace = std::chrono::hours(1)});
  RawClient client(target.server().port());
  client.send(hello_request);
  ASSERT_THAT(client.read_head(), StartsWith("HTTP/1.1 200"));
  target.server().stop();
  while (RawClient(target.server().port()).connected()) {  // until it has taken notice
  }
  client.send(hello_request);
  const std::string head = client.read_head();
  EXPECT_THAT(head, StartsWith("HTTP/1.1 200"));
  EXPECT_THAT(head, HasSubstr("\r\nConnection: close\r\n"));
  EXPECT_TRUE(client.read_end());
}

TEST(Server, DrainTurnsTheHealthCheckOnly) {
  TestServer target;
  RawClient client(target.server().port());
  target.server().drain();
  client.send(get_root);
  EXPECT_THAT(client.read_head(), StartsWith("HTTP/1.1 503"));
  EXPECT_EQ(client.read(8), "draining");
  client.send(hello_request);
  EXPECT_THAT(client.read_head(), StartsWith("HTTP/1.1 200"));
  EXPECT_EQ(target.stats()["requests"], (nlohmann::json{{"GET /", 1}, {"GET /hello/", 1}}));
}

TEST(Server, DealsConnectionsEvenlyToItsThreads) {
  TestServer target({}, {.threads = 2});
  std::set<std::thread::id> threads;
  std::mutex mutex;
  target.server().routes().Get("/thread", [&](const auto&, auto& response) {
    const std::lock_guard lock(mutex);
    threads.insert(std::this_thread::get_id());
    response.set_content("x", "text/plain");
  });
  RawClient first(target.server().port());
  RawClient second(target.server().port());
  for (RawClient* client : {&first, &second}) {
    client->send("GET /thread HTTP/1.1\r\nHost: a\r\n\r\n");
    ASSERT_THAT(client->read_head(), StartsWith("HTTP/1.1 200"));
  }
  EXPECT_EQ(threads.size(), 2u);
}

TEST(Server, ADelayHoldsUpNobodyElse) {
  TestServer target({.delay = milliseconds(100)});
  const auto start = std::chrono::steady_clock::now();
  std::vector<std::unique_ptr<RawClient>> clients;
  for (int i = 0; i < 100; ++i) {  // one after the other they would take 10 s
    clients.push_back(std::make_unique<RawClient>(target.server().port()));
    clients.back()->send(hello_request);
  }
  for (const auto& client : clients) {
    ASSERT_THAT(client->read_head(), StartsWith("HTTP/1.1 200"));
  }
  const auto took = std::chrono::steady_clock::now() - start;
  EXPECT_GE(took, milliseconds(100));
  EXPECT_LT(took, std::chrono::seconds(10));
}

TEST(Server, ARequestThatDoesNotArriveWholeInTimeIsAnswered408) {
  TestServer target({}, {.request_timeout = milliseconds(30)});
  for (const char* part :
       {"G", "GET / HTTP/1.1\r\nHost", "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nx",
        "POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nx"}) {
    RawClient client(target.server().port());
    client.send(part);
    EXPECT_THAT(client.read_head(), StartsWith("HTTP/1.1 408 ")) << part;
    EXPECT_TRUE(client.read_end());
  }
}

// Each byte is in time: the limit is for the whole request.
TEST(Server, DripFedBytesDoNotPutTheTimeLimitOff) {
  TestServer target({}, {.request_timeout = milliseconds(50)});
  RawClient client(target.server().port());
  std::atomic<bool> ended = false;
  std::jthread drip([&] {
    client.send("GET / HTTP/1.1\r\n");
    for (int i = 0; i < 5000 && !ended; ++i) {
      client.send("a");
      std::this_thread::sleep_for(milliseconds(1));
    }
  });
  EXPECT_THAT(client.read_head(), StartsWith("HTTP/1.1 408 "));
  ended = true;
}

TEST(Server, AnswersAClientThatHasClosedItsSide) {
  TestServer target;
  RawClient client(target.server().port());
  client.send(std::string(hello_request) + hello_request);
  client.shut_down_sending();
  EXPECT_THAT(client.read_head(), StartsWith("HTTP/1.1 200"));
  EXPECT_THAT(client.read_head(), StartsWith("HTTP/1.1 200"));
  EXPECT_TRUE(client.read_end());
}

TEST(Server, AClientThatNeverReadsIsClosedAndBlocksNobody) {
  TestServer target({.body_bytes = std::size_t{1} << 20}, {.request_timeout = milliseconds(50)});
  RawClient deaf(target.server().port());
  for (int i = 0; i < 50; ++i) {  // 50 MB of answers, more than the kernel buffers
    deaf.send(hello_request);
  }
  const auto client = target.client();
  const auto other = client->Get("/hello/");
  ASSERT_TRUE(other);
  EXPECT_EQ(other->body.size(), std::size_t{1} << 20);
  // Once it has been closed, no more of its requests are answered than fitted into the buffers.
  while (target.server().connections() > 1) {
    std::this_thread::sleep_for(milliseconds(1));
  }
  EXPECT_LT(target.stats()["total"], 51);
}

TEST(Server, ALargeAnswerReachesASlowReaderWhole) {
  TestServer target({.body_bytes = std::size_t{8} << 20});
  RawClient client(target.server().port());
  client.send(std::string(hello_request) + get_root);
  EXPECT_THAT(client.read_head(), HasSubstr("Content-Length: 8388608\r\n"));
  EXPECT_EQ(client.read(std::size_t{8} << 20), std::string(std::size_t{8} << 20, 'x'));
  EXPECT_THAT(client.read_head(), StartsWith("HTTP/1.1 200"));
  EXPECT_EQ(client.read(2), "OK");
}

TEST(Server, AFloodOfConnectionsThatSayNothingHoldsUpNobody) {
  TestServer target({}, {.threads = 2});
  for (int i = 0; i < 2000; ++i) {
    RawClient gone(target.server().port());
    ASSERT_TRUE(gone.connected());
  }
  RawClient client(target.server().port());
  client.send(hello_request);
  EXPECT_THAT(client.read_head(), StartsWith("HTTP/1.1 200"));
}

TEST(Server, ServesIpv6) {
  ServerOptions options;
  options.host = "::1";
  options.port = 0;
  std::unique_ptr<Server> server;
  try {
    server = std::make_unique<Server>(options);
  } catch (const std::system_error& error) {
    EXPECT_THAT(error.what(), EndsWith("Cannot assign requested address"));  // no IPv6 here
    return;
  }
  RequestCounter counter;
  add_routes(*server, {}, counter);
  const std::jthread serving([&] { server->serve(); });
  httplib::Client client("::1", server->port());
  const auto response = client.Get("/");
  server->stop();
  ASSERT_TRUE(response);
  EXPECT_EQ(response->body, "OK");
}

}  // namespace
}  // namespace hello
