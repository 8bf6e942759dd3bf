// A request over a kept connection costs no heap allocation: that is what keeps the CPU for each
// request where it is.
#include <gtest/gtest.h>

#include <cstdlib>
#include <new>
#include <optional>

#include "http/test_server.h"

namespace {
thread_local std::size_t allocations = 0;
}

// Not inlined: GCC would take malloc's memory in a delete for new's.
[[gnu::noinline]] void* operator new(std::size_t size) {
  ++allocations;
  if (void* memory = std::malloc(size)) return memory;
  throw std::bad_alloc();
}
[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

namespace locust::http {
namespace {

class Allocations : public testing::TestWithParam<std::string_view> {};

TEST_P(Allocations, AreNoneForARequestOnAKeptConnection) {
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
    Table, Allocations,
    testing::Values(kOk,
                    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
                    "HTTP/1.1 200 OK\r\nX-Some: thing\r\nContent-Length: 0\r\n\r\n"));

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
