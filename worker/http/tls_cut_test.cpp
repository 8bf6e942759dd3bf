// A TLS connection that ends after any number of the server's bytes: every end is told at once, in
// the words in which a plain connection's is, and half a response never passes for a whole one.
#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <ostream>
#include <string>
#include <vector>

#include "http/failure.h"
#include "http/test_server.h"
#include "http/test_tls_server.h"

namespace locust::http {
namespace {

enum class End { eof, reset, close_notify };

// A response as the records that it is sent in.
struct Answer {
  std::vector<std::string> records;
  bool until_close = false;  // what is there when the connection ends is the body

  std::string bytes() const {
    std::string all;
    for (const std::string& record : records) all += record;
    return all;
  }
};

const Answer kLength{{"HTTP/1.1 200 OK\r\n", "Content-Length: 11\r\n\r\n", "hello", " world"}};
const Answer kChunked{
    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "5\r\nhel", "lo\r\n0\r\n", "\r\n"}};
const Answer kUntilClose{{"HTTP/1.1 200 OK\r\n\r\n", "hello", " world"}, true};

class TlsCut : public testing::TestWithParam<int> {
 protected:
  TlsCut() { SSL_CTX_set_num_tickets(tls_.context(), 1); }

  // What became of a request whose answer ends after `most` bytes of the server's.
  struct Result {
    std::size_t handshake = 0;  // the server's bytes of it that the client needs
    std::size_t answer = 0;     // where its answer begins
    std::size_t sent = 0;
    std::size_t all = 0;  // that there were to be sent, as far as it came to that
    std::string plain;    // of the response, in records that arrived whole
    int status = 0;
    std::string error;
    std::string body;
  };

  Result cut(const Answer& answer, std::size_t most, End end) {
    Result result;
    TestExchange exchange;
    Client client(context_, {});
    client.start(request_, exchange);
    Peer peer = server_.accept();
    tls_.accept();
    serve(peer, answer, most, result);
    if (end == End::close_notify) {
      SSL_shutdown(tls_.ssl());
      server_.send(peer, tls_.give());
    }
    if (end == End::reset) {
      peer.reset();
    } else {
      server_.finish(peer);
    }
    EXPECT_TRUE(server_.run_until_done(exchange)) << "it hangs after " << most;
    EXPECT_EQ(exchange.calls, 1);
    result.status = exchange.response.status;
    result.error = exchange.response.error;
    result.body = exchange.response.body;
    return result;
  }

  // Until all is sent that may be.
  void serve(Peer& peer, const Answer& answer, std::size_t most, Result& result) {
    while (result.sent < most) {
      char bytes[65536];
      ssize_t size = 0;
      ASSERT_TRUE(server_.run_until([&] { return (size = peer.receive(bytes, 65536)) > 0; }));
      tls_.take({bytes, static_cast<std::size_t>(size)});
      const bool finished = SSL_is_init_finished(tls_.ssl()) == 1;
      const bool first = result.all == 0;
      send(peer, most, result);
      // In TLS 1.3 only tickets follow what the server answers first.
      if (GetParam() == TLS1_3_VERSION ? first : finished) result.handshake = result.all;
      if (!finished || tls_.read().empty()) continue;
      result.answer = result.all;
      for (const std::string& record : answer.records) {
        tls_.write(record);
        send(peer, most, result);
        if (result.sent == result.all) result.plain += record;
      }
      return;
    }
  }

  void send(Peer& peer, std::size_t most, Result& result) {
    const std::string bytes = tls_.give();
    result.all += bytes.size();
    const std::size_t now = std::min(bytes.size(), most - result.sent);
    server_.send(peer, std::string_view(bytes).substr(0, now));
    result.sent += now;
  }

  static std::string expected_error(const Answer& answer, const Result& result, End end) {
    if (end == End::reset) return failure_of_errno(ECONNRESET);
    if (result.sent < result.handshake || result.handshake == 0) return failure_tls_eof();
    if (result.plain.empty()) return failure_closed();
    const auto head = answer.bytes().find("\r\n\r\n") + 4;
    if (result.plain.size() < head) return failure_truncated(true);
    return answer.until_close ? "" : failure_truncated(false);
  }

  void expect(const Answer& answer, std::size_t most, End end) {
    const Result result = cut(answer, most, end);
    const std::string whole = answer.bytes();
    // What has arrived is read before the news of a reset.
    if (result.plain == whole && (end != End::reset || !answer.until_close)) {
      EXPECT_EQ(result.error, "") << most;
      EXPECT_EQ(result.status, 200) << most;
      return;
    }
    const std::string expected = expected_error(answer, result, end);
    EXPECT_EQ(result.status, expected.empty() ? 200 : 0) << most;
    EXPECT_EQ(result.error, expected) << most;
    if (expected.empty()) {
      EXPECT_EQ(result.body, result.plain.substr(whole.find("\r\n\r\n") + 4));
    }
  }

  static Request request_to(const TestServer& server) {
    RequestParts parts = server.parts();
    parts.url.origin.scheme = "https";
    return Request(std::move(parts));
  }

  TestServer server_;
  ClientContext context_{server_.loop};
  TlsServer tls_{good_certificate(), GetParam()};
  const Request request_{request_to(server_)};
};

TEST_P(TlsCut, TheUncutOneSucceeds) {
  for (const Answer& answer : {kLength, kChunked, kUntilClose}) {
    const Result result = cut(answer, 100'000, End::eof);
    EXPECT_EQ(result.error, "");
    EXPECT_EQ(result.status, 200);
    EXPECT_GT(result.handshake, 100U);
    EXPECT_EQ(result.plain, answer.bytes());
  }
}

TEST_P(TlsCut, AtEveryByte) {
  const Result whole = cut(kLength, 100'000, End::eof);
  for (std::size_t most = 0; most < whole.all && !HasFailure(); ++most) {
    expect(kLength, most, End::eof);
    // The system tells of a reset whatever came before it: a few do for the handshake.
    if (most >= whole.answer || most % 10 == 0) expect(kLength, most, End::reset);
  }
}

TEST_P(TlsCut, AtEveryByteOfOtherBodies) {
  for (const Answer& answer : {kChunked, kUntilClose}) {
    const Result whole = cut(answer, 100'000, End::eof);
    for (std::size_t most = whole.answer; most < whole.all && !HasFailure(); ++most) {
      for (const End end : {End::eof, End::reset}) expect(answer, most, end);
    }
  }
}

// A server that says goodbye in the middle.
TEST_P(TlsCut, AfterAnyRecord) {
  for (const Answer& answer : {kLength, kChunked, kUntilClose}) {
    for (std::size_t count = 0; count <= answer.records.size(); ++count) {
      Answer part = answer;
      part.records.resize(count);
      const Result result = cut(part, 100'000, End::close_notify);
      const bool good = count == answer.records.size() || (answer.until_close && count > 0);
      EXPECT_EQ(result.error, good ? "" : expected_error(answer, result, End::close_notify));
      EXPECT_EQ(result.status, good ? 200 : 0);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Versions, TlsCut, testing::Values(TLS1_2_VERSION, TLS1_3_VERSION),
                         [](const auto& tested) {
                           return tested.param == TLS1_2_VERSION ? "Tls12" : "Tls13";
                         });

}  // namespace
}  // namespace locust::http
