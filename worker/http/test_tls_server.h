// TLS servers for tests: OpenSSL's own, in memory, with certificates of the test's. The caller
// carries the bytes, so that it can cut, spoil or lose them.
#pragma once

#include <gtest/gtest.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "http/test_certificates.h"
#include "http/tls.h"

namespace locust::http {

inline TestCertificates& test_certificates() {
  static TestCertificates all;
  return all;
}
inline const TestCertificate& good_certificate() {
  static const TestCertificate one = test_certificates().make("good", "DNS:localhost,IP:127.0.0.1");
  return one;
}

// The server's end of one connection at a time: takes bytes and gives bytes.
class TlsServer {
 public:
  explicit TlsServer(const TestCertificate& certificate, int version = 0)
      : context_(SSL_CTX_new(TLS_server_method())) {
    EXPECT_EQ(
        SSL_CTX_use_certificate_file(context(), certificate.cert_file.c_str(), SSL_FILETYPE_PEM),
        1);
    EXPECT_EQ(
        SSL_CTX_use_PrivateKey_file(context(), certificate.key_file.c_str(), SSL_FILETYPE_PEM), 1);
    if (version != 0) {
      SSL_CTX_set_security_level(context(), 0);
      SSL_CTX_set_min_proto_version(context(), version);
      SSL_CTX_set_max_proto_version(context(), version);
    }
    SSL_CTX_set_alpn_select_cb(
        context(),
        [](SSL*, const unsigned char** out, unsigned char* size, const unsigned char* in,
           unsigned length, void* own) {
          static_cast<TlsServer*>(own)->offered_.assign(reinterpret_cast<const char*>(in), length);
          *out = in + 1;
          *size = in[0];
          return SSL_TLSEXT_ERR_OK;
        },
        this);
    const unsigned char id = 1;
    SSL_CTX_set_session_id_context(context(), &id, 1);
  }

  SSL_CTX* context() { return context_.get(); }
  SSL* ssl() { return ssl_.get(); }
  const std::string& offered() const { return offered_; }

  // A new connection.
  void accept() {
    ssl_.reset(SSL_new(context()));
    SSL_set_bio(ssl(), BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    SSL_set_accept_state(ssl());
  }
  // Takes the handshake on with these bytes.
  void take(std::string_view bytes) {
    BIO_write(SSL_get_rbio(ssl()), bytes.data(), static_cast<int>(bytes.size()));
    if (!SSL_is_init_finished(ssl())) SSL_do_handshake(ssl());
    ERR_clear_error();
  }
  std::string give() {
    std::string bytes(BIO_ctrl_pending(SSL_get_wbio(ssl())), '\0');
    BIO_read(SSL_get_wbio(ssl()), bytes.data(), static_cast<int>(bytes.size()));
    return bytes;
  }
  std::string read() {
    char bytes[65536];
    const int size = SSL_read(ssl(), bytes, sizeof(bytes));
    ERR_clear_error();
    return size > 0 ? std::string(bytes, static_cast<std::size_t>(size)) : std::string();
  }
  void write(std::string_view bytes) {
    EXPECT_GT(SSL_write(ssl(), bytes.data(), static_cast<int>(bytes.size())), 0);
  }

 private:
  std::unique_ptr<SSL_CTX, SslFree> context_;
  std::unique_ptr<SSL, SslFree> ssl_;
  std::string offered_;
};

inline std::string taken(TlsStream& client) { return std::exchange(client.output(), {}); }

// Until neither has anything to say; the bytes go over in pieces of this size.
inline TlsStream::Status shake_hands(TlsStream& client, TlsServer& server,
                                     std::size_t piece = std::string::npos) {
  server.accept();
  TlsStream::Status status = client.handshake();
  for (int round = 0; round < 10; ++round) {
    server.take(taken(client));
    const std::string bytes = server.give();
    if (bytes.empty()) break;
    for (std::size_t at = 0; at < bytes.size(); at += std::min(piece, bytes.size() - at)) {
      client.feed(std::string_view(bytes).substr(at, piece));
      if (status == TlsStream::Status::need_input) {
        status = client.handshake();
      } else if (status == TlsStream::Status::done) {
        EXPECT_TRUE(client.drain()) << client.failure();
      }
    }
    if (status == TlsStream::Status::done) {
      EXPECT_TRUE(client.drain()) << client.failure();
    }
  }
  server.take(taken(client));
  return status;
}

// What comes out of the bytes that the server has sent.
inline std::string received(TlsStream& client, const std::string& bytes,
                            TlsStream::Status& status) {
  client.feed(bytes);
  std::string result;
  char room[1000];
  std::size_t size = 0;
  while ((status = client.read(room, sizeof(room), size)) == TlsStream::Status::done) {
    result.append(room, size);
  }
  return result;
}

}  // namespace locust::http
