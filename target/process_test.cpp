// hello-target as a process: what it prints, its exit codes and signals, and crowds of clients.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <httplib.h>
#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <csignal>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "target/raw_client.h"
#include "target/test_process.h"

namespace hello {
namespace {

using std::chrono::milliseconds;
using testing::ContainsRegex;
using testing::HasSubstr;
using testing::StartsWith;

constexpr const char* hello_request = "GET /hello/ HTTP/1.1\r\nHost: a\r\n\r\n";

int port_of(Process& target) { return std::stoi(port_in(target.read_line())); }

class Signal : public testing::TestWithParam<int> {};

TEST_P(Signal, EndsItWithAnOpenConnection) {
  Process target({"--host", "127.0.0.1", "--port", "0"});
  const std::string line = target.read_line();
  ASSERT_THAT(line, ContainsRegex("^hello-target listening on http://127\\.0\\.0\\.1:[0-9]+\n$"));
  httplib::Client client("127.0.0.1", std::stoi(port_in(line)));
  client.set_keep_alive(true);
  ASSERT_TRUE(client.Get("/hello/"));
  target.signal(GetParam());
  EXPECT_EQ(target.exit_code(), 0);
  EXPECT_EQ(target.read_line(), "");
}

INSTANTIATE_TEST_SUITE_P(Process, Signal, testing::Values(SIGTERM, SIGINT));

TEST(Process, ABusyPortIsOneSentenceAndExitCodeOne) {
  Process first({"--host", "127.0.0.1", "--port", "0"});
  const std::string port = port_in(first.read_line());
  Process second({"--host", "127.0.0.1", "--port", port});
  EXPECT_EQ(second.read_line(),
            "hello-target: cannot listen on 127.0.0.1 port " + port + ": Address already in use\n");
  EXPECT_EQ(second.read_line(), "");
  EXPECT_EQ(second.exit_code(), 1);
}

TEST(Process, ABadOptionIsOneSentenceAndExitCodeTwo) {
  Process target({"--port", "eighty"});
  EXPECT_THAT(target.read_line(), StartsWith("hello-target: --port: "));
  EXPECT_EQ(target.read_line(), "");
  EXPECT_EQ(target.exit_code(), 2);
}

TEST(Process, DrainsBeforeItEnds) {
  Process target({"--host", "127.0.0.1", "--port", "0", "--drain", "60"});
  const int port = port_of(target);
  httplib::Client client("127.0.0.1", port);
  ASSERT_EQ(client.Get("/")->status, 200);
  target.signal(SIGTERM);
  auto health = client.Get("/");
  while (health && health->status == 200) {  // until the signal has been taken
    health = client.Get("/");
  }
  ASSERT_TRUE(health);
  EXPECT_EQ(health->status, 503);
  EXPECT_EQ(client.Get("/hello/")->status, 200);  // a new connection: it still accepts
  target.signal(SIGINT);                          // does not wait out the minute
  EXPECT_EQ(target.exit_code(), 0);
}

TEST(Process, StopsUnderLoadWithoutAFailedRequest) {
  Process target({"--host", "127.0.0.1", "--port", "0", "--threads", "2"});
  const int port = port_of(target);
  std::atomic<int> failed = 0;
  std::atomic<int> served = 0;
  std::vector<std::jthread> clients;
  for (int i = 0; i < 8; ++i) {
    clients.emplace_back([&, port] {
      RawClient client(port);
      for (bool last = false; !last;) {
        client.send(hello_request);
        const std::string head = client.read_head();
        failed += head.starts_with("HTTP/1.1 200") ? 0 : 1;
        ++served;
        last = head.find("Connection: close") != head.npos || head.empty();
      }
    });
  }
  while (served < 1000) {
    std::this_thread::yield();
  }
  target.signal(SIGTERM);
  EXPECT_EQ(target.exit_code(), 0);
  clients.clear();
  EXPECT_EQ(failed, 0);
}

TEST(Process, WritesAnAccessLog) {
  Process target({"--host", "127.0.0.1", "--port", "0", "--access-log"});
  RawClient client(port_of(target));
  client.send(
      "GET /\"a HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\nrubbish\x01\r\n");
  const std::string time = R"( - - \[[0-9]+/[A-Z][a-z]+/[0-9]+:[0-9:]+ \+0000\] )";
  EXPECT_THAT(target.read_line(),
              ContainsRegex("^127\\.0\\.0\\.1" + time + R"("GET /\\x22a HTTP/1.1" 404 0)" + "\n$"));
  EXPECT_THAT(target.read_line(), HasSubstr(R"("GET / HTTP/1.1" 200 2)"));
  EXPECT_THAT(target.read_line(), HasSubstr(R"("rubbish\x01" 400 0)"));
}

TEST(Process, TenThousandConnectionsAreAllServed) {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
  const std::size_t count = std::min<std::size_t>(10'000, limit.rlim_cur - 200);
  Process target({"--host", "127.0.0.1", "--port", "0"});
  const int port = port_of(target);
  std::vector<std::unique_ptr<RawClient>> clients;
  for (std::size_t i = 0; i < count; ++i) {
    clients.push_back(std::make_unique<RawClient>(port));
    ASSERT_TRUE(clients.back()->connected()) << i;
  }
  for (int round = 0; round < 2; ++round) {
    for (const auto& client : clients) {
      client->send(hello_request);
    }
    for (const auto& client : clients) {
      ASSERT_THAT(client->read_head(), StartsWith("HTTP/1.1 200"));
    }
  }
  target.signal(SIGTERM);
  EXPECT_EQ(target.exit_code(), 0);
}

TEST(Process, WithoutFreeDescriptorsConnectionsWaitAndNothingSpins) {
  Process target({"--host", "127.0.0.1", "--port", "0", "--threads", "1"}, 64);
  const int port = port_of(target);
  std::vector<std::unique_ptr<RawClient>> clients;
  for (int i = 0; i < 100; ++i) {
    clients.push_back(std::make_unique<RawClient>(port));
    clients.back()->send(hello_request);
  }
  EXPECT_EQ(target.read_line(), "hello-target: Too many open files: new connections wait\n");
  const double before = target.cpu_seconds();
  std::this_thread::sleep_for(milliseconds(500));
  EXPECT_LT(target.cpu_seconds() - before, 0.25);  // a loop that spins takes all of it
  for (auto& client : clients) {
    EXPECT_THAT(client->read_head(), StartsWith("HTTP/1.1 200"));
    client.reset();  // makes room for another
  }
}

}  // namespace
}  // namespace hello
