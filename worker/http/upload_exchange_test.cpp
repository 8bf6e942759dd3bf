// Bodies that are sent from a source, and responses that do not wait for their end. Expected: RFC
// 9112, 9.5 (a client watches for a response while it sends), and the texts of Python's exceptions.
#include <gtest/gtest.h>

#include <chrono>
#include <cstdio>
#include <memory>
#include <ostream>
#include <string>

#include "http/file_source.h"
#include "http/test_server.h"
#include "http/test_streams.h"

namespace locust::http {
namespace {

constexpr std::uint64_t kTerabyte = std::uint64_t{1} << 40U;  // nobody takes all of it

class UploadExchange : public testing::Test {
 protected:
  Request request(MadeSource::Options options, const char* method = "POST") {
    source_ = std::make_shared<MadeSource>(options);
    return Request(from_source(server_.parts(method), source_));
  }
  // What comes until `size` bytes are there.
  std::string receive(const Peer& peer, std::size_t size) {
    std::string all;
    EXPECT_TRUE(server_.run_until([&] {
      char buffer[50000];
      const ssize_t count = peer.receive(buffer, sizeof(buffer));
      if (count > 0) all.append(buffer, static_cast<std::size_t>(count));
      return all.size() >= size;
    })) << all.size();
    return all;
  }
  void answer(const Peer& peer, const StreamExchange& exchange, std::string_view bytes = kOk) {
    server_.send(peer, bytes);
    finish(exchange);
    EXPECT_EQ(exchange.response.error, "");
  }
  void finish(const StreamExchange& exchange) {
    ASSERT_TRUE(server_.run_until([&] { return exchange.done(); }));
    EXPECT_EQ(exchange.calls, 1);
  }
  // A connection that has served a request.
  Peer used_connection() {
    TestExchange exchange;
    client_.start(get_, exchange);
    Peer peer = server_.accept_request();
    server_.send(peer, kOk);
    EXPECT_TRUE(server_.run_until_done(exchange));
    return peer;
  }
  // Lets the client write until nobody takes more.
  void fill_up() {
    std::uint64_t before = 0;
    do {
      before = source_->read;
      server_.run_for(milliseconds(1));
    } while (source_->read != before || before == 0);
  }

  TestServer server_;
  ClientContext context_{server_.loop};
  const Request get_{server_.parts()};
  std::shared_ptr<MadeSource> source_;
  Client client_{context_, {.network_timeout = seconds(9)}};
};

TEST_F(UploadExchange, SendsWhatTheSourceHas) {
  const Request post = request({.size = 5'000'000});
  StreamExchange exchange;
  client_.start(post, exchange);
  Peer peer = server_.accept();
  const std::string all = receive(peer, post.bytes().size() + 5'000'000);
  EXPECT_TRUE(all == std::string(post.bytes()) + made_body(5'000'000));
  answer(peer, exchange);
  // The connection is as good as new.
  StreamExchange next;
  client_.start(post, next);
  EXPECT_TRUE(receive(peer, all.size()) == all);
  answer(peer, next);
  EXPECT_EQ(server_.accepted, 1);
  EXPECT_EQ(source_->opened, 2);
}

TEST_F(UploadExchange, OfAnUnknownSizeGoesInChunks) {
  const Request post = request({.size = 200'000, .known = false});
  StreamExchange exchange;
  client_.start(post, exchange);
  Peer peer = server_.accept();
  const std::string body = made_body(200'000);
  const std::string expected = std::string(post.bytes()) + "10000\r\n" + body.substr(0, 65536) +
                               "\r\n10000\r\n" + body.substr(65536, 65536) + "\r\n10000\r\n" +
                               body.substr(131072, 65536) + "\r\nd40\r\n" + body.substr(196608) +
                               "\r\n0\r\n\r\n";
  EXPECT_TRUE(receive(peer, expected.size()) == expected);
  answer(peer, exchange);
  StreamExchange next;
  client_.start(post, next);
  EXPECT_TRUE(receive(peer, expected.size()) == expected);
  answer(peer, next);
}

TEST_F(UploadExchange, AnEmptyBody) {
  for (const bool known : {true, false}) {
    const Request post = request({.known = known});
    StreamExchange exchange;
    client_.start(post, exchange);
    Peer peer = server_.accept();
    const std::string expected = std::string(post.bytes()) + (known ? "" : "0\r\n\r\n");
    EXPECT_EQ(receive(peer, expected.size()), expected);
    answer(peer, exchange, "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
  }
}

TEST_F(UploadExchange, AFile) {
  const std::string path = testing::TempDir() + "upload_" + std::to_string(::getpid());
  const std::string body = made_body(300'000);
  FILE* const file = std::fopen(path.c_str(), "wb");
  ASSERT_NE(file, nullptr);
  std::fwrite(body.data(), 1, body.size(), file);
  std::fclose(file);
  const Request put(from_source(server_.parts("PUT"), std::make_shared<FileSource>(path)));
  StreamExchange exchange;
  client_.start(put, exchange);
  Peer peer = server_.accept();
  EXPECT_TRUE(receive(peer, put.bytes().size() + body.size()) == std::string(put.bytes()) + body);
  answer(peer, exchange);

  std::remove(path.c_str());
  StreamExchange next;
  client_.start(put, next);
  finish(next);
  EXPECT_EQ(next.response.error, "FileNotFoundError(2, 'No such file or directory')");
}

TEST_F(UploadExchange, ReadsNoFasterThanTheServerTakesIt) {
  const Request post = request({.size = kTerabyte});
  StreamExchange exchange;
  client_.start(post, exchange);
  Peer peer = server_.accept();
  fill_up();
  const std::uint64_t read = source_->read;
  EXPECT_LT(read, 64U << 20U);  // what the sockets on both sides hold
  server_.run_for(milliseconds(3));
  EXPECT_EQ(source_->read, read);
  receive(peer, read / 2 + 1'000'000);
  server_.run_for(milliseconds(3));
  EXPECT_GT(source_->read, read);
  EXPECT_FALSE(exchange.done());
}

TEST_F(UploadExchange, WaitsForASourceThatHasNothingYet) {
  for (const std::uint64_t at : {0U, 3U}) {
    const Request post = request({.size = 5, .known = false, .later_at = at});
    StreamExchange exchange;
    client_.start(post, exchange);
    exchange.resume_upload();  // in vain: it is not even connected
    Peer peer = server_.accept();
    const std::string first =
        std::string(post.bytes()) + (at == 0 ? "" : "3\r\n" + made_body(3) + "\r\n");
    EXPECT_EQ(receive(peer, first.size()), first);
    exchange.resume_upload();  // in vain
    server_.run_for(milliseconds(1));
    EXPECT_TRUE(TestServer::is_quiet(peer));
    source_->supplied = true;
    exchange.resume_upload();
    const std::string rest = at == 0 ? "5\r\n" + made_body(5) + "\r\n0\r\n\r\n"
                                     : "2\r\n" + made_body(2, 3) + "\r\n0\r\n\r\n";
    EXPECT_EQ(receive(peer, rest.size()), rest);
    answer(peer, exchange, "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
    exchange.resume_upload();  // after the end
  }
}

TEST_F(UploadExchange, ASourceThatNeverHasAnythingTimesOut) {
  Client client(context_, {.network_timeout = milliseconds(30)});
  const Request post = request({.size = 5, .later_at = 3});
  StreamExchange exchange;
  client.start(post, exchange);
  Peer peer = server_.accept();
  finish(exchange);
  EXPECT_TRUE(exchange.response.error.starts_with("RetriesExceeded(")) << exchange.response.error;
  EXPECT_TRUE(server_.closed_by_client(peer));
}

TEST_F(UploadExchange, ASourceThatFailsEndsTheExchange) {
  for (const std::uint64_t at : {0U, 100'000U}) {
    const Request put = request({.size = 200'000, .failed_at = at}, "PUT");
    Peer peer = used_connection();
    StreamExchange exchange;
    client_.start(put, exchange);
    finish(exchange);
    EXPECT_EQ(exchange.response.error, "OSError(5, 'Input/output error')");
    EXPECT_EQ(exchange.response.status, 0);
    EXPECT_TRUE(server_.closed_by_client(peer));
  }
  EXPECT_FALSE(server_.connection_waits());
}

TEST_F(UploadExchange, DestroyedInFlight) {
  for (const std::uint64_t later_at : {std::uint64_t{3}, kTerabyte}) {
    const Request post = request({.size = kTerabyte, .later_at = later_at});
    auto exchange = std::make_unique<StreamExchange>();
    client_.start(post, *exchange);
    Peer peer = server_.accept();
    fill_up();
    exchange.reset();
    EXPECT_TRUE(server_.closed_by_client(peer));
  }
}

// ---- Another try ----

TEST_F(UploadExchange, IsSentAgainInFullWhereAKeptConnectionWasDead) {
  const Request put = request({.size = 300'000}, "PUT");
  Peer peer = used_connection();
  StreamExchange exchange;
  client_.start(put, exchange);
  receive(peer, 1);
  peer.reset();
  Peer next = server_.accept();
  EXPECT_TRUE(receive(next, put.bytes().size() + 300'000) ==
              std::string(put.bytes()) + made_body(300'000));
  answer(next, exchange);
  EXPECT_EQ(source_->opened, 2);
}

TEST_F(UploadExchange, IsNotSentAgainWhereItCannotBe) {
  const Request put = request({.size = 300'000, .rewindable = false}, "PUT");
  Peer peer = used_connection();
  StreamExchange exchange;
  client_.start(put, exchange);
  receive(peer, put.bytes().size() + 300'000);
  peer.close();
  finish(exchange);
  EXPECT_EQ(exchange.response.error, "HTTPConnectionClosed('connection closed.')");
  EXPECT_FALSE(server_.connection_waits());
}

// As requests does it for a redirect that keeps the body.
TEST_F(UploadExchange, ASecondTimeItFailsWhereItCannotBeRepeated) {
  const Request post = request({.size = 10, .rewindable = false});
  StreamExchange first;
  client_.start(post, first);
  Peer peer = server_.accept();
  receive(peer, post.bytes().size() + 10);
  answer(peer, first);
  StreamExchange second;
  client_.start(post, second);
  finish(second);
  EXPECT_EQ(second.response.error,
            "UnrewindableBodyError('Unable to rewind request body for redirect.')");
}

// ---- The response comes first ----

struct Early {
  std::string name;
  std::string bytes;
  int status;
  std::string body;
};
void PrintTo(const Early& early, std::ostream* out) { *out << early.name; }

class EarlyResponse : public UploadExchange, public testing::WithParamInterface<Early> {
 protected:
  void expect(const StreamExchange& exchange) {
    EXPECT_EQ(exchange.response.error, "");
    EXPECT_EQ(exchange.response.status, GetParam().status);
    EXPECT_EQ(exchange.response.body, GetParam().body);
  }
};

// A server that has read nothing of the body and closes: the client gets the response and a reset.
TEST_P(EarlyResponse, IsReadThoughTheServerResets) {
  const std::string& bytes = GetParam().bytes;
  for (std::size_t cut = 0; cut < bytes.size(); ++cut) {
    SCOPED_TRACE(cut);
    const Request post = request({.size = kTerabyte, .known = cut % 2 == 0});
    StreamExchange exchange;
    client_.start(post, exchange);
    Peer peer = server_.accept();
    if (cut % 3 == 0) fill_up();
    server_.send(peer, bytes.substr(0, cut));
    if (cut % 5 == 0) server_.run_for(std::chrono::microseconds(200));
    server_.send(peer, bytes.substr(cut));
    peer.close();
    finish(exchange);
    expect(exchange);
    if (HasFailure()) return;
  }
}

TEST_P(EarlyResponse, EndsAConnectionThatTheServerKeepsOpen) {
  const Request post = request({.size = kTerabyte});
  Peer peer = used_connection();
  StreamExchange exchange;
  client_.start(post, exchange);
  receive(peer, 1);
  server_.send(peer, GetParam().bytes);
  if (GetParam().bytes.find("Length") == std::string::npos) server_.finish(peer);
  finish(exchange);
  expect(exchange);
  EXPECT_TRUE(server_.closed_by_client(peer));
  TestExchange next;
  client_.start(get_, next);
  Peer other = server_.accept_request();
  server_.send(other, kOk);
  ASSERT_TRUE(server_.run_until_done(next));
  EXPECT_EQ(next.response.status, 200);
}

// As the same with a body in memory.
TEST_P(EarlyResponse, ToABodyInMemory) {
  RequestParts parts = server_.parts("POST");
  parts.has_body = true;
  parts.body.assign(30'000'000, 'b');
  const Request post(std::move(parts));
  StreamExchange exchange;
  client_.start(post, exchange);
  Peer peer = server_.accept();
  receive(peer, 1);
  server_.send(peer, GetParam().bytes);
  peer.close();
  finish(exchange);
  expect(exchange);
}

INSTANTIATE_TEST_SUITE_P(
    Table, EarlyResponse,
    testing::Values(
        Early{"TooLarge",
              "HTTP/1.1 413 Request Entity Too Large\r\nConnection: close\r\nContent-Length: "
              "9\r\n\r\n"
              "too large",
              413, "too large"},
        Early{"TooLargeUntilClose", "HTTP/1.1 413 Too Large\r\nConnection: close\r\n\r\ntoo large",
              413, "too large"},
        Early{"TooLargeHttp10", "HTTP/1.0 413 Too Large\r\nContent-Length: 2\r\n\r\nno", 413, "no"},
        Early{"Unauthorized", "HTTP/1.1 401 Unauthorized\r\nContent-Length: 2\r\n\r\nno", 401,
              "no"},
        Early{"AfterContinue",
              "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 417 Failed\r\nContent-Length: 2\r\n\r\nno",
              417, "no"},
        Early{"RedirectedElsewhere",
              "HTTP/1.1 307 Temporary Redirect\r\nLocation: /\r\nContent-Length: 0\r\n\r\n", 307,
              ""},
        Early{"Ok", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", 200, "ok"}),
    [](const auto& tested) { return tested.param.name; });

// A server that answers while it reads, as one that echoes does.
TEST_F(UploadExchange, AResponseThatLastsAsLongAsTheBodyKeepsTheConnection) {
  Peer peer;
  for (const char* status : {"200 OK", "404 Not Found"}) {
    SCOPED_TRACE(status);
    const Request post = request({.size = 10'000'000});
    StreamExchange exchange;
    client_.start(post, exchange);
    if (!peer) peer = server_.accept();
    fill_up();
    const auto turn = server_.loop.turn();
    server_.send(peer, "HTTP/1.1 " + std::string(status) + "\r\nContent-Length: 2\r\n\r\no");
    ASSERT_TRUE(server_.run_until([&] { return server_.loop.turn() != turn; }));
    const std::string all = receive(peer, post.bytes().size() + 10'000'000);
    EXPECT_TRUE(all == std::string(post.bytes()) + made_body(10'000'000));
    EXPECT_FALSE(exchange.done());
    answer(peer, exchange, "k");
    EXPECT_EQ(exchange.response.body, "ok");
    EXPECT_EQ(server_.accepted, 1);
  }
}

TEST_F(UploadExchange, ContinueInTheMiddleChangesNothing) {
  const Request post = request({.size = 10'000'000});
  StreamExchange exchange;
  client_.start(post, exchange);
  Peer peer = server_.accept();
  fill_up();
  server_.send(peer, "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n");
  const std::string all = receive(peer, post.bytes().size() + 10'000'000);
  EXPECT_TRUE(all == std::string(post.bytes()) + made_body(10'000'000));
  answer(peer, exchange);
}

// Nothing more is sent to who says that it will not listen: what it sends could get lost.
TEST_F(UploadExchange, AnErrorThatEndsTheConnectionEndsTheSending) {
  const Request post = request({.size = kTerabyte});
  StreamExchange exchange;
  client_.start(post, exchange);
  Peer peer = server_.accept();
  fill_up();
  const auto turn = server_.loop.turn();
  server_.send(peer, "HTTP/1.1 413 Too Large\r\nConnection: close\r\nContent-Length: 2\r\n\r\nn");
  ASSERT_TRUE(server_.run_until([&] { return server_.loop.turn() != turn; }));
  const std::uint64_t read = source_->read;
  receive(peer, 1'000'000);
  server_.run_for(milliseconds(3));
  EXPECT_EQ(source_->read, read);
  EXPECT_FALSE(exchange.done());
  answer(peer, exchange, "o");
  EXPECT_EQ(exchange.response.status, 413);
}

TEST_F(UploadExchange, AServerThatGoesWithoutAWordIsAFailure) {
  for (const bool with_reset : {true, false}) {
    const Request post = request({.size = kTerabyte});
    StreamExchange exchange;
    client_.start(post, exchange);
    Peer peer = server_.accept();
    fill_up();
    if (with_reset) {
      peer.reset();
    } else {
      server_.finish(peer);
    }
    finish(exchange);
    const std::string& error = exchange.response.error;
    if (with_reset) {
      EXPECT_TRUE(error == "ConnectionResetError(104, 'Connection reset by peer')" ||
                  error == "BrokenPipeError(32, 'Broken pipe')")
          << error;
    } else {
      EXPECT_EQ(error, "HTTPConnectionClosed('connection closed.')");
    }
  }
}

TEST_F(UploadExchange, GarbageInTheMiddleIsAFailure) {
  const Request post = request({.size = kTerabyte});
  StreamExchange exchange;
  client_.start(post, exchange);
  Peer peer = server_.accept();
  fill_up();
  server_.send(peer, "garbage!");
  finish(exchange);
  EXPECT_TRUE(exchange.response.error.starts_with("HTTPParseError(")) << exchange.response.error;
}

}  // namespace
}  // namespace locust::http
