// Streaming both ways over TLS: what is encrypted and decrypted piece by piece is what was sent.
#include <gtest/gtest.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <functional>
#include <memory>
#include <string>

#include "http/test_certificates.h"
#include "http/test_server.h"
#include "http/test_streams.h"

namespace locust::http {
namespace {

SSL_CTX* server_context() {
  static TestCertificates all;
  static const std::unique_ptr<SSL_CTX, SslFree> context = [] {
    const TestCertificate one = all.make("streaming", "IP:127.0.0.1");
    std::unique_ptr<SSL_CTX, SslFree> made(SSL_CTX_new(TLS_server_method()));
    EXPECT_EQ(SSL_CTX_use_certificate_file(made.get(), one.cert_file.c_str(), SSL_FILETYPE_PEM), 1);
    EXPECT_EQ(SSL_CTX_use_PrivateKey_file(made.get(), one.key_file.c_str(), SSL_FILETYPE_PEM), 1);
    return made;
  }();
  return context.get();
}

// The server's end of a TLS connection over a Peer.
class TlsPeer {
 public:
  explicit TlsPeer(Peer peer) : peer_(std::move(peer)), ssl_(SSL_new(server_context())) {
    SSL_set_bio(ssl_.get(), BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    SSL_set_accept_state(ssl_.get());
  }

  std::string received;  // plain
  bool open = true;
  Peer& peer() { return peer_; }

  void write(std::string_view plain) {
    EXPECT_GT(SSL_write(ssl_.get(), plain.data(), static_cast<int>(plain.size())), 0);
  }
  // Reads unless told not to, and sends what there is to be sent.
  void work(bool reads = true) {
    char bytes[50000];
    if (reads) {
      const ssize_t size = peer_.receive(bytes, sizeof(bytes));
      if (size == 0) open = false;
      if (size > 0) BIO_write(SSL_get_rbio(ssl_.get()), bytes, static_cast<int>(size));
      for (int plain; (plain = SSL_read(ssl_.get(), bytes, sizeof(bytes))) > 0;) {
        received.append(bytes, static_cast<std::size_t>(plain));
      }
      ERR_clear_error();
    }
    const int more = BIO_read(SSL_get_wbio(ssl_.get()), bytes, sizeof(bytes));
    if (more > 0) unsent_.append(bytes, static_cast<std::size_t>(more));
    unsent_.erase(0, peer_.send(unsent_));
  }
  bool has_sent_all() { return unsent_.empty() && BIO_ctrl_pending(SSL_get_wbio(ssl_.get())) == 0; }

 private:
  Peer peer_;
  std::unique_ptr<SSL, SslFree> ssl_;
  std::string unsent_;
};

class StreamingTls : public testing::Test {
 protected:
  RequestParts parts(const char* method) {
    RequestParts parts = server_.parts(method);
    parts.url.origin.scheme = "https";
    parts.stream_response = true;
    return parts;
  }
  Request upload(MadeSource::Options options) {
    source_ = std::make_shared<MadeSource>(options);
    return Request(from_source(parts("POST"), source_));
  }
  void start(const Request& request, StreamExchange& exchange) {
    client_.start(request, exchange);
    if (!tls_) tls_ = std::make_unique<TlsPeer>(server_.accept());
  }
  bool work_until(const std::function<bool()>& condition) {
    return server_.run_until([&] {
      tls_->work();
      return condition();
    });
  }
  void finish(const StreamExchange& exchange, int status = 200) {
    ASSERT_TRUE(work_until([&] { return exchange.done(); }));
    EXPECT_EQ(exchange.calls, 1);
    EXPECT_EQ(exchange.response.error, "");
    EXPECT_EQ(exchange.response.status, status);
  }

  TestServer server_;
  ClientContext context_{server_.loop};
  std::shared_ptr<MadeSource> source_;
  Client client_{context_, {.network_timeout = seconds(9)}};
  std::unique_ptr<TlsPeer> tls_;
};

TEST_F(StreamingTls, Up) {
  const Request post = upload({.size = 3'000'000});
  const std::string expected = std::string(post.bytes()) + made_body(3'000'000);
  for (int i = 0; i < 2; ++i) {  // the second on the kept connection
    StreamExchange exchange;
    start(post, exchange);
    tls_->received.clear();
    ASSERT_TRUE(work_until([&] { return tls_->received.size() >= expected.size(); }));
    EXPECT_TRUE(tls_->received == expected);
    tls_->write(kOk);
    finish(exchange);
  }
  EXPECT_EQ(server_.accepted, 1);
}

TEST_F(StreamingTls, UpInChunksWithAPauseOfTheSource) {
  const Request post = upload({.size = 5, .known = false, .later_at = 3});
  StreamExchange exchange;
  start(post, exchange);
  const std::string first = std::string(post.bytes()) + "3\r\n" + made_body(3) + "\r\n";
  ASSERT_TRUE(work_until([&] { return tls_->received.size() >= first.size(); }));
  source_->supplied = true;
  exchange.resume_upload();
  const std::string all = first + "2\r\n" + made_body(2, 3) + "\r\n0\r\n\r\n";
  ASSERT_TRUE(work_until([&] { return tls_->received.size() >= all.size(); }));
  EXPECT_EQ(tls_->received, all);
  tls_->write(kOk);
  finish(exchange);
}

TEST_F(StreamingTls, AnEarlyResponseIsReadThoughTheServerResets) {
  for (const bool in_memory : {false, true}) {
    Request post = upload({.size = std::uint64_t{1} << 40U});
    if (in_memory) {
      RequestParts large = parts("POST");
      large.has_body = true;
      large.body.assign(20'000'000, 'b');
      post = Request(std::move(large));
    }
    StreamExchange exchange;
    start(post, exchange);
    ASSERT_TRUE(work_until([&] { return !tls_->received.empty(); }));
    server_.run_for(milliseconds(5));
    tls_->write("HTTP/1.1 413 Too Large\r\nConnection: close\r\nContent-Length: 2\r\n\r\nno");
    while (!tls_->has_sent_all()) tls_->work(false);
    tls_->peer().close();  // with much unread
    ASSERT_TRUE(server_.run_until([&] { return exchange.done(); }));
    EXPECT_EQ(exchange.response.error, "");
    EXPECT_EQ(exchange.response.status, 413);
    EXPECT_EQ(exchange.taken, "no");
    tls_.reset();
  }
}

TEST_F(StreamingTls, DownWithPauses) {
  const std::string body = made_body(2'000'000);
  const std::string answer =
      "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
  const Request get(parts("GET"));
  for (int i = 0; i < 2; ++i) {
    StreamExchange exchange;
    exchange.pause_after = 100'000;
    start(get, exchange);
    tls_->received.clear();
    ASSERT_TRUE(work_until([&] { return tls_->received.size() >= get.bytes().size(); }));
    tls_->write(answer);
    ASSERT_TRUE(work_until([&] { return exchange.taken.size() >= exchange.pause_after; }));
    for (int turn = 0; turn < 5; ++turn) {
      tls_->work();
      server_.run_for(milliseconds(1));
    }
    EXPECT_LT(exchange.taken.size(), exchange.pause_after + 2 * BufferPool::kBufferSize);
    ASSERT_TRUE(work_until([&] {
      exchange.resume_body();
      exchange.resume_body();
      return exchange.done();
    }));
    EXPECT_EQ(exchange.response.error, "");
    EXPECT_TRUE(exchange.taken == body);
  }
  EXPECT_EQ(server_.accepted, 1);
}

// It resumes what has been read already in a later turn, by which time it may be gone.
TEST_F(StreamingTls, DestroyedRightAfterAPause) {
  const Request get(parts("GET"));
  auto exchange = std::make_unique<StreamExchange>();
  exchange->pause_after = 1;
  start(get, *exchange);
  ASSERT_TRUE(work_until([&] { return !tls_->received.empty(); }));
  tls_->write("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nabc");
  tls_->write("d");
  ASSERT_TRUE(work_until([&] { return !exchange->taken.empty(); }));
  exchange->resume_body();
  exchange.reset();
  ASSERT_TRUE(work_until([&] { return !tls_->open; }));
}

}  // namespace
}  // namespace locust::http
