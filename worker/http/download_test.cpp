// Bodies of responses that go to a sink as they come: decoded, counted, not kept, and no faster
// than the sink wants them.
#include <gtest/gtest.h>
#include <zlib.h>

#include <memory>
#include <string>

#include "http/test_server.h"
#include "http/test_streams.h"

namespace locust::http {
namespace {

std::string gzip(const std::string& text) {
  z_stream stream{};
  EXPECT_EQ(deflateInit2(&stream, 6, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY), Z_OK);
  std::string out(deflateBound(&stream, text.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

std::string with_length(const std::string& body, const std::string& headers = {}) {
  return "HTTP/1.1 200 OK\r\n" + headers + "Content-Length: " + std::to_string(body.size()) +
         "\r\n\r\n" + body;
}

class Download : public testing::Test {
 protected:
  Request request(bool keep_body) {
    RequestParts parts = server_.parts();
    parts.keep_body = keep_body;
    parts.stream_response = true;
    return Request(std::move(parts));
  }
  void start(StreamExchange& exchange) {
    client_.start(get_, exchange);
    if (!peer_) {
      peer_ = server_.accept_request();
    } else {
      server_.request(peer_);
    }
  }
  void finish(const StreamExchange& exchange) {
    ASSERT_TRUE(server_.run_until([&] { return exchange.done(); }));
    EXPECT_EQ(exchange.calls, 1);
  }
  void get(StreamExchange& exchange, std::string_view answer) {
    start(exchange);
    server_.send(peer_, answer);
    finish(exchange);
  }
  // Sends until the client takes no more; how much that was.
  std::size_t fill_up(std::string_view bytes) {
    std::size_t sent = 0;
    for (int idle = 0; idle < 3;) {
      const std::size_t more = peer_.send(bytes.substr(sent));
      sent += more;
      idle = more == 0 ? idle + 1 : 0;
      server_.run_for(milliseconds(1));
    }
    return sent;
  }

  TestServer server_;
  ClientContext context_{server_.loop};
  const Request get_ = request(false);
  Client client_{context_, {.network_timeout = seconds(9)}};
  Peer peer_;
};

TEST_F(Download, GoesToTheSinkAndIsNotKept) {
  const std::string body = made_body(3'000'000);
  for (const std::string& answer :
       {with_length(body), "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2dc6c0\r\n" +
                               body + "\r\n0\r\n\r\n"}) {
    StreamExchange exchange;
    get(exchange, answer);
    EXPECT_EQ(exchange.response.error, "");
    EXPECT_EQ(exchange.heads, 1);
    EXPECT_EQ(exchange.status_at_head, 200);
    EXPECT_TRUE(exchange.taken == body);
    EXPECT_LE(exchange.largest, BufferPool::kBufferSize);
    EXPECT_EQ(exchange.response.body_size, body.size());
    EXPECT_EQ(exchange.response.body, "");
  }
  EXPECT_EQ(server_.accepted, 1);
}

TEST_F(Download, MayBeKeptAsWell) {
  const Request keeping = request(true);
  StreamExchange exchange;
  client_.start(keeping, exchange);
  peer_ = server_.accept_request();
  server_.send(peer_, with_length(gzip("hello"), "Content-Encoding: gzip\r\n"));
  finish(exchange);
  EXPECT_EQ(exchange.taken, "hello");
  EXPECT_EQ(exchange.response.body, "hello");
}

TEST_F(Download, IsCountedWhereNobodyTakesIt) {
  StreamExchange exchange;
  exchange.wants_body = false;
  get(exchange, kOk);
  EXPECT_EQ(exchange.heads, 1);
  EXPECT_EQ(exchange.taken, "");
  EXPECT_EQ(exchange.response.body_size, 2U);
}

TEST_F(Download, TheHeadIsToldBeforeTheBodyComes) {
  StreamExchange exchange;
  start(exchange);
  server_.send(
      peer_, "HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\n");
  ASSERT_TRUE(server_.run_until([&] { return exchange.heads > 0; }));
  EXPECT_EQ(exchange.status_at_head, 404);
  EXPECT_FALSE(exchange.done());
  server_.send(peer_, "ok");
  finish(exchange);
  EXPECT_EQ(exchange.heads, 1);
  EXPECT_EQ(exchange.taken, "ok");
}

TEST_F(Download, WithoutABodyOnlyTheHeadIsTold) {
  for (const char* answer :
       {"HTTP/1.1 204 No Content\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"}) {
    StreamExchange exchange;
    get(exchange, answer);
    EXPECT_EQ(exchange.heads, 1);
    EXPECT_EQ(exchange.taken, "");
  }
}

TEST_F(Download, IsDecoded) {
  const std::string body = made_body(1'000'000);
  StreamExchange exchange;
  get(exchange, with_length(gzip(body), "Content-Encoding: gzip\r\n"));
  EXPECT_EQ(exchange.response.error, "");
  EXPECT_TRUE(exchange.taken == body);
  EXPECT_EQ(exchange.response.body_size, body.size());
}

// And is handed on in pieces.
TEST_F(Download, MayBeLarge) {
  const std::string body(66 << 20, 'x');
  StreamExchange exchange;
  get(exchange, with_length(gzip(body), "Content-Encoding: gzip\r\n"));
  EXPECT_EQ(exchange.response.error, "");
  EXPECT_TRUE(exchange.taken == body);
  EXPECT_LE(exchange.largest, 64U * 1024);
}

TEST_F(Download, ThatCannotBeDecodedIsAFailure) {
  std::string bytes = gzip(made_body(100'000));
  bytes[0] = 'x';
  StreamExchange exchange;
  get(exchange, with_length(bytes, "Content-Encoding: gzip\r\n"));
  EXPECT_TRUE(exchange.response.error.starts_with("error('Error -3 while decompressing data"))
      << exchange.response.error;
  EXPECT_EQ(exchange.response.status, 0);
}

TEST_F(Download, ThatIsCutIsAFailureAfterItsFirstPart) {
  StreamExchange exchange;
  start(exchange);
  server_.send(peer_, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc");
  ASSERT_TRUE(server_.run_until([&] { return !exchange.taken.empty(); }));
  peer_.close();
  finish(exchange);
  EXPECT_EQ(exchange.taken, "abc");
  EXPECT_EQ(exchange.response.error, "HTTPParseError('Incomplete response.')");
  EXPECT_EQ(exchange.response.body_size, 0U);
}

// ---- A sink that pauses ----

TEST_F(Download, ComesNoFasterThanTheSinkWantsIt) {
  const std::string body = made_body(30'000'000);
  const std::string answer = with_length(body);
  StreamExchange exchange;
  exchange.pause_after = 100'000;
  start(exchange);
  const std::size_t sent = fill_up(answer);
  EXPECT_LT(sent, answer.size());
  EXPECT_GE(exchange.taken.size(), 100'000U);
  EXPECT_LT(exchange.taken.size(), 100'000U + BufferPool::kBufferSize);
  const std::size_t taken = exchange.taken.size();
  server_.run_for(milliseconds(3));
  EXPECT_EQ(exchange.taken.size(), taken);

  exchange.resume_body();
  ASSERT_TRUE(server_.run_until([&] { return exchange.taken.size() > taken; }));
  EXPECT_LE(exchange.taken.size(), taken + BufferPool::kBufferSize);
  server_.run_for(milliseconds(3));  // one piece, one more pause

  std::string_view rest = std::string_view(answer).substr(sent);
  ASSERT_TRUE(server_.run_until([&] {
    rest.remove_prefix(peer_.send(rest));
    exchange.resume_body();
    return exchange.done();
  }));
  EXPECT_TRUE(exchange.taken == body);
  EXPECT_EQ(exchange.response.body_size, body.size());
  exchange.resume_body();  // after the end: nothing

  StreamExchange next;
  get(next, kOk);
  EXPECT_EQ(next.taken, "ok");
  EXPECT_EQ(server_.accepted, 1);
}

// There is no pause after the last piece.
TEST_F(Download, EndsThoughTheSinkPauses) {
  StreamExchange exchange;
  exchange.pause_after = 0;
  get(exchange, kOk);
  EXPECT_EQ(exchange.taken, "ok");
}

TEST_F(Download, AServerThatHasGoneMeanwhileIsSeenAfterThePause) {
  StreamExchange exchange;
  exchange.pause_after = 1;
  start(exchange);
  server_.send(peer_, "HTTP/1.1 200 OK\r\n\r\nabc");
  peer_.close();
  ASSERT_TRUE(server_.run_until([&] { return !exchange.taken.empty(); }));
  server_.run_for(milliseconds(2));
  EXPECT_FALSE(exchange.done());
  exchange.resume_body();
  finish(exchange);
  EXPECT_EQ(exchange.response.error, "");
  EXPECT_EQ(exchange.response.body_size, 3U);
}

TEST_F(Download, APauseCountsForTheTimeLimit) {
  Client client(context_, {.network_timeout = milliseconds(30)});
  StreamExchange exchange;
  exchange.pause_after = 1;
  client.start(get_, exchange);
  peer_ = server_.accept_request();
  server_.send(peer_, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc");
  finish(exchange);
  EXPECT_TRUE(exchange.response.error.starts_with("RetriesExceeded(")) << exchange.response.error;
  exchange.resume_body();
  EXPECT_TRUE(server_.closed_by_client(peer_));
}

TEST_F(Download, DestroyedInAPause) {
  auto exchange = std::make_unique<StreamExchange>();
  exchange->pause_after = 1;
  start(*exchange);
  server_.send(peer_, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc");
  ASSERT_TRUE(server_.run_until([&] { return !exchange->taken.empty(); }));
  exchange.reset();
  EXPECT_TRUE(server_.closed_by_client(peer_));
}

}  // namespace
}  // namespace locust::http
