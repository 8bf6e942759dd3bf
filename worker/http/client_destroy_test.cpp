// Exchanges that their owner destroys in flight, in every phase, and clients that go with them: the
// connection is closed, nothing is called, others are served.
#include <gtest/gtest.h>

#include <memory>
#include <vector>

#include "http/test_server.h"

namespace locust::http {
namespace {

class Destroyed : public testing::Test {
 protected:
  // Nothing calls back, or touches what has gone, in the turns that follow.
  void run_on() { server_.run_for(milliseconds(2)); }
  void serves_others() {
    TestExchange exchange;
    client_->start(get_, exchange);
    Peer peer = server_.accept();
    // One that was given up before it was accepted may come first.
    while (server_.request(peer).empty()) peer = server_.accept();
    server_.send(peer, kOk);
    ASSERT_TRUE(server_.run_until_done(exchange));
    EXPECT_EQ(exchange.response.status, 200);
  }

  TestServer server_;
  ClientContext context_{server_.loop};
  const Request get_{server_.parts()};
  std::unique_ptr<Client> client_ = std::make_unique<Client>(context_, ClientSettings{});
  std::unique_ptr<TestExchange> exchange_ = std::make_unique<TestExchange>();
};

TEST_F(Destroyed, WhileItConnects) {
  client_->start(get_, *exchange_);
  exchange_.reset();
  run_on();
  serves_others();
}

TEST_F(Destroyed, WhileItWaitsForTheResponse) {
  client_->start(get_, *exchange_);
  Peer peer = server_.accept_request();
  exchange_.reset();
  EXPECT_TRUE(server_.closed_by_client(peer));
  serves_others();
}

TEST_F(Destroyed, InTheHead) {
  client_->start(get_, *exchange_);
  Peer peer = server_.accept_request();
  const auto turn = server_.loop.turn();
  server_.send(peer, "HTTP/1.1 200 OK\r\nX: ");
  ASSERT_TRUE(server_.run_until([&] { return server_.loop.turn() != turn; }));
  exchange_.reset();
  EXPECT_TRUE(server_.closed_by_client(peer));
  serves_others();
}

TEST_F(Destroyed, InTheBody) {
  client_->start(get_, *exchange_);
  Peer peer = server_.accept_request();
  const auto turn = server_.loop.turn();
  server_.send(peer, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc");
  ASSERT_TRUE(server_.run_until([&] { return server_.loop.turn() != turn; }));
  exchange_.reset();
  EXPECT_TRUE(server_.closed_by_client(peer));
  serves_others();
}

TEST_F(Destroyed, WhenItsResponseIsThereButNotRead) {
  client_->start(get_, *exchange_);
  Peer peer = server_.accept_request();
  peer.send(kOk);
  exchange_.reset();
  EXPECT_TRUE(server_.closed_by_client(peer));
  serves_others();
}

TEST_F(Destroyed, WhileItIsWritten) {
  RequestParts parts = server_.parts("POST");
  parts.body.assign(20'000'000, 'b');  // more than the network takes
  auto post = std::make_unique<Request>(std::move(parts));
  client_->start(*post, *exchange_);
  Peer peer = server_.accept();
  run_on();
  exchange_.reset();
  post.reset();
  EXPECT_TRUE(server_.closed_by_client(peer));
  serves_others();
}

TEST_F(Destroyed, InTheQueue) {
  Client client(context_, {.concurrency = 1});
  TestExchange first;
  TestExchange third;
  client.start(get_, first);
  client.start(get_, *exchange_);
  client.start(get_, third);
  Peer peer = server_.accept_request();
  exchange_.reset();
  server_.send(peer, kOk);
  ASSERT_TRUE(server_.run_until_done(first));
  server_.request(peer);
  server_.send(peer, kOk);
  ASSERT_TRUE(server_.run_until_done(third));
  EXPECT_TRUE(TestServer::is_quiet(peer));
  EXPECT_EQ(server_.accepted, 1);
}

TEST_F(Destroyed, TheNextInTheQueueGetsANewConnection) {
  Client client(context_, {.concurrency = 1});
  TestExchange next;
  client.start(get_, *exchange_);
  client.start(get_, next);
  Peer peer = server_.accept_request();
  exchange_.reset();
  Peer other = server_.accept_request();
  server_.send(other, kOk);
  ASSERT_TRUE(server_.run_until_done(next));
  EXPECT_EQ(next.response.status, 200);
}

TEST_F(Destroyed, BeforeItsFailureIsTold) {
  {
    const NoDescriptors none;
    client_->start(get_, *exchange_);
  }
  exchange_.reset();
  run_on();
  serves_others();
}

TEST_F(Destroyed, TheClientWithIdleConnections) {
  client_->start(get_, *exchange_);
  Peer peer = server_.accept_request();
  server_.send(peer, kOk);
  ASSERT_TRUE(server_.run_until_done(*exchange_));
  EXPECT_TRUE(TestServer::is_quiet(peer));
  client_.reset();
  EXPECT_TRUE(server_.closed_by_client(peer));
  EXPECT_EQ(exchange_->response.body, "ok");
  EXPECT_EQ(exchange_->response.header("Content-Length"), "2");
}

TEST_F(Destroyed, TheClientWhileAConnectionConnects) {
  client_->start(get_, *exchange_);
  exchange_.reset();
  client_.reset();
  run_on();
}

// An owner that lets go of everything as soon as it hears of the end.
class Last final : public Exchange {
 public:
  explicit Last(std::unique_ptr<Client> client) : client_(std::move(client)) {}
  Client& client() { return *client_; }
  std::unique_ptr<Last>* self = nullptr;

 private:
  void on_done() override {
    client_.reset();
    self->reset();
  }
  std::unique_ptr<Client> client_;
};

class DestroyedOnDone : public Destroyed {
 protected:
  // Starts it; it is gone together with its client when it is done.
  Peer start(ClientSettings settings = {}) {
    last_ = std::make_unique<Last>(std::make_unique<Client>(context_, settings));
    last_->self = &last_;
    last_->client().start(get_, *last_);
    return server_.accept_request();
  }
  void expect_gone() {
    EXPECT_TRUE(server_.run_until([&] { return last_ == nullptr; }));
    run_on();
  }
  std::unique_ptr<Last> last_;
};

TEST_F(DestroyedOnDone, AfterAResponse) {
  Peer peer = start();
  server_.send(peer, kOk);
  expect_gone();
  EXPECT_TRUE(server_.closed_by_client(peer));
}

TEST_F(DestroyedOnDone, AfterAResponseThatClosesTheConnection) {
  Peer peer = start();
  server_.send(peer, "HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n");
  expect_gone();
}

TEST_F(DestroyedOnDone, AfterAFailure) {
  Peer peer = start();
  peer.close();
  expect_gone();
}

TEST_F(DestroyedOnDone, AfterGarbage) {
  Peer peer = start();
  server_.send(peer, "garbage!");
  expect_gone();
}

TEST_F(DestroyedOnDone, AfterATimeout) {
  Peer peer = start({.network_timeout = milliseconds(100)});
  expect_gone();
  EXPECT_TRUE(server_.closed_by_client(peer));
}

// The loop may go first: what is pending in it goes with it.
TEST(ClientEnd, WithReadsConnectsAndWritesPending) {
  auto server = std::make_unique<TestServer>();
  auto context = std::make_unique<ClientContext>(server->loop);
  const Request get(server->parts());
  auto client = std::make_unique<Client>(*context, ClientSettings{});
  auto exchanges = std::make_unique<std::vector<TestExchange>>(3);
  client->start(get, (*exchanges)[0]);
  Peer peer = server->accept_request();
  client->start(get, (*exchanges)[1]);
  exchanges.reset();
  client.reset();
  context.reset();
  server.reset();
}

}  // namespace
}  // namespace locust::http
