// What the tests of the ways to a connected socket share: one server, and as many clients, each
// with settings of its own, as a test makes.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "http/test_server.h"

namespace locust::http {

class ConnectorTest : public testing::Test {
 protected:
  Client& make_client(ClientSettings settings) {
    clients_.push_back(std::make_unique<Client>(context_, std::move(settings)));
    return *clients_.back();
  }
  std::string failure(ClientSettings settings, const Request& request) {
    TestExchange exchange;
    make_client(std::move(settings)).start(request, exchange);
    EXPECT_TRUE(server_.run_until_done(exchange));
    return exchange.response.error;
  }
  std::string failure(ClientSettings settings) { return failure(std::move(settings), get_); }
  void answer(const Peer& peer, const TestExchange& exchange) {
    server_.send(peer, kOk);
    ASSERT_TRUE(server_.run_until_done(exchange));
    EXPECT_EQ(exchange.response.status, 200) << exchange.response.error;
  }

  TestServer server_;
  ClientContext context_{server_.loop};
  const Request get_{server_.parts()};
  std::vector<std::unique_ptr<Client>> clients_;
};

}  // namespace locust::http
