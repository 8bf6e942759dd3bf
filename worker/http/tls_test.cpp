// TlsStream against OpenSSL's own server in memory. The texts of failures are Python 3.11's for the
// same servers (ssl.SSLContext with OpenSSL 3), but for the line in _ssl.c.
#include "http/tls.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>

#include "http/test_certificates.h"

namespace locust::http {
namespace {

using testing::HasSubstr;
using testing::StartsWith;
using Status = TlsStream::Status;

TestCertificates& certificates() {
  static TestCertificates all;
  return all;
}
const TestCertificate& good() {
  static const TestCertificate one = certificates().make("good", "DNS:localhost,IP:127.0.0.1");
  return one;
}

// The peer: takes bytes and gives bytes.
class Server {
 public:
  explicit Server(const TestCertificate& certificate, int version = 0)
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
          static_cast<Server*>(own)->offered_.assign(reinterpret_cast<const char*>(in), length);
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

std::string taken(TlsStream& client) { return std::exchange(client.output(), {}); }

// Until neither has anything to say; the bytes go over in pieces of this size.
Status shake_hands(TlsStream& client, Server& server, std::size_t piece = std::string::npos) {
  server.accept();
  Status status = client.handshake();
  for (int round = 0; round < 10; ++round) {
    server.take(taken(client));
    const std::string bytes = server.give();
    if (bytes.empty()) break;
    for (std::size_t at = 0; at < bytes.size(); at += std::min(piece, bytes.size() - at)) {
      client.feed(std::string_view(bytes).substr(at, piece));
      if (status == Status::need_input) {
        status = client.handshake();
      } else if (status == Status::done) {
        EXPECT_TRUE(client.drain()) << client.failure();
      }
    }
    if (status == Status::done) {
      EXPECT_TRUE(client.drain()) << client.failure();
    }
  }
  server.take(taken(client));
  return status;
}

// What comes out of the bytes that the server has sent.
std::string received(TlsStream& client, const std::string& bytes, Status& status) {
  client.feed(bytes);
  std::string result;
  char room[1000];
  std::size_t size = 0;
  while ((status = client.read(room, sizeof(room), size)) == Status::done) {
    result.append(room, size);
  }
  return result;
}

class TlsVersion : public testing::TestWithParam<int> {};

TEST_P(TlsVersion, DataGoesBothWays) {
  Server server(good(), GetParam());
  const TlsContext context(TlsSettings{});
  TlsStream client(context, "localhost", nullptr);
  ASSERT_EQ(shake_hands(client, server), Status::done) << client.failure();
  EXPECT_EQ(SSL_version(server.ssl()), GetParam());
  ASSERT_EQ(client.write("GET / HTTP/1.1\r\n\r\n"), Status::done);
  server.take(taken(client));
  EXPECT_EQ(server.read(), "GET / HTTP/1.1\r\n\r\n");
  const std::string large(100'000, 'x');
  server.write(large);
  Status status{};
  EXPECT_EQ(received(client, server.give(), status), large);
  EXPECT_EQ(status, Status::need_input);
}

TEST_P(TlsVersion, ALargeRequestGoesOutAsAWhole) {
  Server server(good(), GetParam());
  const TlsContext context(TlsSettings{});
  TlsStream client(context, "localhost", nullptr);
  ASSERT_EQ(shake_hands(client, server), Status::done) << client.failure();
  const std::string large(300'000, 'y');
  ASSERT_EQ(client.write(large), Status::done);
  server.take(taken(client));
  std::string got;
  for (std::string part; !(part = server.read()).empty();) got += part;
  EXPECT_EQ(got, large);
}

TEST_P(TlsVersion, TheHandshakeMayBeCutAnywhere) {
  const TlsContext context(TlsSettings{.verify = true, .ca_file = certificates().ca_file()});
  for (const std::size_t piece : {1, 2, 3, 5, 7, 64, 1000}) {
    Server server(good(), GetParam());
    TlsStream client(context, "localhost", nullptr);
    ASSERT_EQ(shake_hands(client, server, piece), Status::done) << piece << client.failure();
    server.write("hello");
    Status status{};
    EXPECT_EQ(received(client, server.give(), status), "hello") << piece;
  }
}

TEST_P(TlsVersion, DataMayBeCutAtEveryByte) {
  Server server(good(), GetParam());
  const TlsContext context(TlsSettings{});
  TlsStream client(context, "localhost", nullptr);
  ASSERT_EQ(shake_hands(client, server), Status::done);
  server.write("one");
  server.write("two");
  const std::string bytes = server.give();
  std::string result;
  for (const char byte : bytes) {
    Status status{};
    result += received(client, std::string(1, byte), status);
    ASSERT_EQ(status, Status::need_input);
  }
  EXPECT_EQ(result, "onetwo");
}

TEST_P(TlsVersion, ASessionIsResumed) {
  Server server(good(), GetParam());
  const TlsContext context(TlsSettings{});
  TlsSession session;
  {
    TlsStream first(context, "localhost", nullptr);
    ASSERT_EQ(shake_hands(first, server), Status::done);
    EXPECT_FALSE(SSL_session_reused(server.ssl()));
    session = first.take_session();
    EXPECT_FALSE(first.take_session()) << "taken once";
  }
  ASSERT_TRUE(session);
  TlsStream second(context, "localhost", session.get());
  ASSERT_EQ(shake_hands(second, server), Status::done);
  EXPECT_TRUE(SSL_session_reused(server.ssl()));
}

TEST_P(TlsVersion, AServerThatHasForgottenTheSessionStartsAnew) {
  const TlsContext context(TlsSettings{});
  TlsSession session;
  {
    Server server(good(), GetParam());
    TlsStream first(context, "localhost", nullptr);
    ASSERT_EQ(shake_hands(first, server), Status::done);
    session = first.take_session();
  }
  Server restarted(good(), GetParam());
  TlsStream second(context, "localhost", session.get());
  ASSERT_EQ(shake_hands(second, restarted), Status::done) << second.failure();
  EXPECT_FALSE(SSL_session_reused(restarted.ssl()));
}

TEST_P(TlsVersion, CloseNotifyIsTheEnd) {
  Server server(good(), GetParam());
  const TlsContext context(TlsSettings{});
  TlsStream client(context, "localhost", nullptr);
  ASSERT_EQ(shake_hands(client, server), Status::done);
  server.write("last");
  SSL_shutdown(server.ssl());
  Status status{};
  EXPECT_EQ(received(client, server.give(), status), "last");
  EXPECT_EQ(status, Status::closed);
  EXPECT_FALSE(client.drain());
  // Python's SSLZeroReturnError.
  EXPECT_EQ(client.failure(), "SSLZeroReturnError(6, 'TLS/SSL connection has been closed (EOF)')");
}

TEST_P(TlsVersion, BytesThatWereTamperedWithFail) {
  Server server(good(), GetParam());
  const TlsContext context(TlsSettings{});
  TlsStream client(context, "localhost", nullptr);
  ASSERT_EQ(shake_hands(client, server), Status::done);
  server.write("hello");
  std::string bytes = server.give();
  bytes.back() = static_cast<char>(bytes.back() ^ 1);
  Status status{};
  received(client, bytes, status);
  EXPECT_EQ(status, Status::failed);
  EXPECT_EQ(client.failure(),
            "SSLError(1, '[SSL: DECRYPTION_FAILED_OR_BAD_RECORD_MAC] decryption failed or bad "
            "record mac')");
}

TEST_P(TlsVersion, AClientCertificateIsShown) {
  Server server(good(), GetParam());
  SSL_CTX_load_verify_locations(server.context(), certificates().ca_file().c_str(), nullptr);
  SSL_CTX_set_verify(server.context(), SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  const TestCertificate own = certificates().make("client", "DNS:client");
  const TlsContext context(TlsSettings{.cert_file = own.cert_file, .key_file = own.key_file});
  TlsStream client(context, "localhost", nullptr);
  ASSERT_EQ(shake_hands(client, server), Status::done) << client.failure();
  EXPECT_EQ(SSL_get_verify_result(server.ssl()), X509_V_OK);
  EXPECT_NE(SSL_get0_peer_certificate(server.ssl()), nullptr);
}

// The server's word on it comes with the handshake in TLS 1.2, after it in 1.3.
TEST_P(TlsVersion, WithoutTheClientCertificateThatIsAskedForItFails) {
  Server server(good(), GetParam());
  SSL_CTX_set_verify(server.context(), SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  const TlsContext context(TlsSettings{});
  TlsStream client(context, "localhost", nullptr);
  server.accept();
  Status status = client.handshake();
  server.take(taken(client));
  std::string bytes = server.give();
  client.feed(bytes);
  status = client.handshake();
  server.take(taken(client));
  const bool tls13 = GetParam() == TLS1_3_VERSION;
  EXPECT_EQ(status, tls13 ? Status::done : Status::need_input);
  bytes = server.give();
  if (tls13) {
    received(client, bytes, status);
  } else {
    client.feed(bytes);
    status = client.handshake();
  }
  EXPECT_EQ(status, Status::failed);
  EXPECT_EQ(client.failure(), tls13 ? "SSLError(1, '[SSL: TLSV13_ALERT_CERTIFICATE_REQUIRED] "
                                      "tlsv13 alert certificate required')"
                                    : "SSLError(1, '[SSL: SSLV3_ALERT_HANDSHAKE_FAILURE] sslv3 "
                                      "alert handshake failure')");
}

INSTANTIATE_TEST_SUITE_P(Versions, TlsVersion, testing::Values(TLS1_2_VERSION, TLS1_3_VERSION),
                         [](const auto& tested) {
                           return tested.param == TLS1_2_VERSION ? "Tls12" : "Tls13";
                         });

// ---- Who the server is ----

std::string verify(const TestCertificate& certificate, const std::string& name,
                   bool own_ca = true) {
  Server server(certificate);
  const TlsContext context(
      TlsSettings{.verify = true, .ca_file = own_ca ? certificates().ca_file() : ""});
  TlsStream client(context, name, nullptr);
  const Status status = shake_hands(client, server);
  EXPECT_EQ(status == Status::done, client.failure().empty());
  return client.failure();
}

std::string verify_error(const std::string& reason) {
  const std::string text = "[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: " + reason;
  const char* quote = reason.find('\'') == std::string::npos ? "'" : "\"";
  return "SSLCertVerificationError(1, " + (quote + text + quote) + ")";
}

TEST(TlsVerify, TheRightOneIsTaken) {
  EXPECT_EQ(verify(good(), "localhost"), "");
  EXPECT_EQ(verify(good(), "127.0.0.1"), "");
  EXPECT_EQ(verify(certificates().make("star", "DNS:*.example.org,IP:::1"), "a.example.org"), "");
  EXPECT_EQ(verify(certificates().make("six", "IP:::1"), "::1"), "");
}

TEST(TlsVerify, EveryFaultIsNamed) {
  EXPECT_EQ(verify(certificates().make("expired", "DNS:localhost", -3600), "localhost"),
            verify_error("certificate has expired"));
  const TestCertificate other = certificates().make("other", "DNS:other.example,IP:127.0.0.9");
  EXPECT_EQ(verify(other, "localhost"),
            verify_error("Hostname mismatch, certificate is not valid for 'localhost'."));
  EXPECT_EQ(verify(other, "127.0.0.1"),
            verify_error("IP address mismatch, certificate is not valid for '127.0.0.1'."));
  EXPECT_EQ(verify(certificates().make("part", "DNS:w*.example.org"), "www.example.org"),
            verify_error("Hostname mismatch, certificate is not valid for 'www.example.org'."));
  EXPECT_EQ(verify(good(), "localhost", false),
            verify_error("unable to get local issuer certificate"));
  EXPECT_EQ(verify(certificates().make("self", "DNS:localhost", TestCertificates::kYear, true),
                   "localhost"),
            verify_error("self-signed certificate"));
}

TEST(TlsVerify, WithoutItEverythingIsTaken) {
  for (const TestCertificate& certificate :
       {certificates().make("old", "DNS:localhost", -3600), certificates().make("any", "DNS:any"),
        certificates().make("own", "DNS:localhost", TestCertificates::kYear, true)}) {
    Server server(certificate);
    const TlsContext context(TlsSettings{});
    TlsStream client(context, "localhost", nullptr);
    EXPECT_EQ(shake_hands(client, server), Status::done) << client.failure();
  }
}

TEST(TlsVerify, TheServerHearsWhy) {
  Server server(certificates().make("late", "DNS:localhost", -3600));
  const TlsContext context(TlsSettings{.verify = true, .ca_file = certificates().ca_file()});
  TlsStream client(context, "localhost", nullptr);
  server.accept();
  client.handshake();
  server.take(taken(client));
  const std::string bytes = server.give();
  client.feed(bytes);
  ASSERT_EQ(client.handshake(), Status::failed);
  const std::string alert = taken(client);
  ASSERT_GE(alert.size(), 5U);
  SSL_set_msg_callback(server.ssl(), nullptr);
  BIO_write(SSL_get_rbio(server.ssl()), alert.data(), static_cast<int>(alert.size()));
  EXPECT_LE(SSL_do_handshake(server.ssl()), 0);
  EXPECT_STREQ(ERR_reason_error_string(ERR_peek_error()), "sslv3 alert certificate expired");
  ERR_clear_error();
}

// ---- What the client says ----

TEST(TlsHello, TheNameIsInSniAndAnAddressIsNot) {
  const TlsContext context(TlsSettings{});
  for (const auto& [host, expected] : {std::pair("shop.example", "shop.example"),
                                       std::pair("127.0.0.1", ""), std::pair("::1", "")}) {
    Server server(good());
    TlsStream client(context, host, nullptr);
    ASSERT_EQ(shake_hands(client, server), Status::done);
    const char* seen = SSL_get_servername(server.ssl(), TLSEXT_NAMETYPE_host_name);
    EXPECT_STREQ(seen != nullptr ? seen : "", expected);
  }
}

TEST(TlsHello, Http11IsWhatItOffers) {
  Server server(good());
  const TlsContext context(TlsSettings{});
  TlsStream client(context, "localhost", nullptr);
  ASSERT_EQ(shake_hands(client, server), Status::done);
  EXPECT_EQ(server.offered(), "\x08http/1.1");
}

TEST(TlsHello, TheLowestVersionIsKeptTo) {
  const auto outcome = [](const std::string& least, int version) {
    Server server(good(), version);
    const TlsContext context(TlsSettings{.min_version = least});
    TlsStream client(context, "localhost", nullptr);
    shake_hands(client, server);
    return client.failure();
  };
  EXPECT_EQ(outcome("1.3", TLS1_3_VERSION), "");
  EXPECT_EQ(outcome("1.3", TLS1_2_VERSION),
            "SSLError(1, '[SSL: TLSV1_ALERT_PROTOCOL_VERSION] tlsv1 alert protocol version')");
  EXPECT_EQ(outcome("1.2", TLS1_2_VERSION), "");
  EXPECT_NE(outcome("1.2", TLS1_1_VERSION), "");
  // Too old for Debian's own settings.
  EXPECT_EQ(outcome("1.1", TLS1_1_VERSION), "");
  EXPECT_EQ(outcome("1.0", TLS1_VERSION), "");
}

// ---- Servers that speak something else ----

std::string after_hello(std::string_view answer) {
  const TlsContext context(TlsSettings{});
  TlsStream client(context, "localhost", nullptr);
  EXPECT_EQ(client.handshake(), Status::need_input);
  EXPECT_FALSE(taken(client).empty());
  client.feed(answer);
  EXPECT_EQ(client.handshake(), Status::failed);
  return client.failure();
}

TEST(TlsStranger, IsNamedAsPythonDoes) {
  EXPECT_EQ(after_hello("HTTP/1.1 400 Bad Request\r\n\r\n"),
            "SSLError(1, '[SSL: WRONG_VERSION_NUMBER] wrong version number')");
  EXPECT_EQ(after_hello({"\x15\x03\x03\x00\x02\x02\x28", 7}),
            "SSLError(1, '[SSL: SSLV3_ALERT_HANDSHAKE_FAILURE] sslv3 alert handshake failure')");
  EXPECT_EQ(after_hello({"\x15\x03\x03\x00\x02\x02\x70", 7}),
            "SSLError(1, '[SSL: TLSV1_UNRECOGNIZED_NAME] tlsv1 unrecognized name')");
}

TEST(TlsStranger, OneThatSaysGoodbyeInsteadIsClosed) {
  const TlsContext context(TlsSettings{});
  TlsStream client(context, "localhost", nullptr);
  client.handshake();
  client.feed({"\x15\x03\x03\x00\x02\x01\x00", 7});  // close_notify
  EXPECT_NE(client.handshake(), Status::done);
  EXPECT_FALSE(client.failure().empty());
}

// What another connection left behind changes nothing for this one.
TEST(TlsStranger, StaleErrorsOfTheThreadDoNotCount) {
  Server server(good());
  const TlsContext context(TlsSettings{});
  ERR_raise(ERR_LIB_SSL, SSL_R_WRONG_VERSION_NUMBER);
  TlsStream client(context, "localhost", nullptr);
  EXPECT_EQ(shake_hands(client, server), Status::done) << client.failure();
}

// ---- Settings ----

std::string refusal(const TlsSettings& settings) {
  try {
    const TlsContext context(settings);
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
  return "";
}

TEST(TlsSettings, WhatCannotBeUsedIsSaidInOneSentence) {
  const std::string none = certificates().path("none.pem");
  const std::string text = certificates().text_file("text.pem", "no certificate\n");
  EXPECT_EQ(refusal({.ca_file = none}),
            "Cannot use the CA certificates in " + none + ": No such file or directory");
  EXPECT_EQ(refusal({.ca_file = text}),
            "Cannot use the CA certificates in " + text + ": no certificate or crl found");
  EXPECT_EQ(refusal({.cert_file = none}),
            "Cannot use the client certificate in " + none + ": No such file or directory");
  EXPECT_THAT(refusal({.cert_file = text}),
              StartsWith("Cannot use the client certificate in " + text + ": "));
  EXPECT_EQ(refusal({.cert_file = good().cert_file, .key_file = none}),
            "Cannot use the private key in " + none + ": No such file or directory");
  // The key is not in the certificate's file.
  EXPECT_THAT(refusal({.cert_file = good().cert_file}),
              StartsWith("Cannot use the private key in " + good().cert_file + ": "));
  const TestCertificate other = certificates().make("another", "DNS:x");
  EXPECT_EQ(refusal({.cert_file = good().cert_file, .key_file = other.key_file}),
            "Cannot use the private key in " + other.key_file + ": key values mismatch");
  EXPECT_EQ(refusal({.min_version = "1.4"}), "'1.4' is no TLS version: say 1.0, 1.1, 1.2 or 1.3");
}

TEST(TlsSettings, APassphraseIsNotAskedForOnTheTerminal) {
  const std::string secret = certificates().encrypt(good());
  EXPECT_THAT(refusal({.cert_file = good().cert_file, .key_file = secret}),
              StartsWith("Cannot use the private key in " + secret + ": "));
}

TEST(TlsContexts, AreOneForEachSetting) {
  TlsContexts contexts;
  const TlsContext& plain = contexts.get({});
  EXPECT_EQ(&contexts.get({}), &plain);
  const TlsContext& verifying = contexts.get({.verify = true});
  EXPECT_NE(&verifying, &plain);
  EXPECT_TRUE(verifying.verifies());
  EXPECT_FALSE(plain.verifies());
  EXPECT_THROW(contexts.get({.ca_file = "/none"}), std::invalid_argument);
  EXPECT_EQ(&contexts.get({.verify = true}), &verifying);
}

}  // namespace
}  // namespace locust::http
