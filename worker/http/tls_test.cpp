// TlsStream against OpenSSL's own server in memory. The texts of failures are Python 3.11's for the
// same servers (ssl.SSLContext with OpenSSL 3), but for the line in _ssl.c.
#include "http/tls.h"

#include <gtest/gtest.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <string>

#include "http/test_tls_server.h"

namespace locust::http {
namespace {

using Status = TlsStream::Status;

const TestCertificate& good() { return good_certificate(); }

class TlsVersion : public testing::TestWithParam<int> {};

TEST_P(TlsVersion, DataGoesBothWays) {
  TlsServer server(good(), GetParam());
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
  TlsServer server(good(), GetParam());
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
  const TlsContext context(TlsSettings{.verify = true, .ca_file = test_certificates().ca_file()});
  for (const std::size_t piece : {1, 2, 3, 5, 7, 64, 1000}) {
    TlsServer server(good(), GetParam());
    TlsStream client(context, "localhost", nullptr);
    ASSERT_EQ(shake_hands(client, server, piece), Status::done) << piece << client.failure();
    server.write("hello");
    Status status{};
    EXPECT_EQ(received(client, server.give(), status), "hello") << piece;
  }
}

TEST_P(TlsVersion, DataMayBeCutAtEveryByte) {
  TlsServer server(good(), GetParam());
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
  TlsServer server(good(), GetParam());
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
    TlsServer server(good(), GetParam());
    TlsStream first(context, "localhost", nullptr);
    ASSERT_EQ(shake_hands(first, server), Status::done);
    session = first.take_session();
  }
  TlsServer restarted(good(), GetParam());
  TlsStream second(context, "localhost", session.get());
  ASSERT_EQ(shake_hands(second, restarted), Status::done) << second.failure();
  EXPECT_FALSE(SSL_session_reused(restarted.ssl()));
}

TEST_P(TlsVersion, CloseNotifyIsTheEnd) {
  TlsServer server(good(), GetParam());
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

// A server that closes after each response says goodbye, too.
TEST_P(TlsVersion, ASessionOutlivesTheServersCloseNotify) {
  TlsServer server(good(), GetParam());
  const TlsContext context(TlsSettings{});
  TlsSession session;
  {
    TlsStream first(context, "localhost", nullptr);
    ASSERT_EQ(shake_hands(first, server), Status::done);
    SSL_shutdown(server.ssl());
    Status status{};
    received(first, server.give(), status);
    ASSERT_EQ(status, Status::closed);
    session = first.take_session();
  }
  TlsStream second(context, "localhost", session.get());
  ASSERT_EQ(shake_hands(second, server), Status::done);
  EXPECT_TRUE(SSL_session_reused(server.ssl()));
}

TEST_P(TlsVersion, TheServerHearsGoodbyeOnce) {
  TlsServer server(good(), GetParam());
  const TlsContext context(TlsSettings{});
  TlsStream client(context, "localhost", nullptr);
  ASSERT_EQ(shake_hands(client, server), Status::done);
  ASSERT_EQ(client.write("last"), Status::done);
  client.say_goodbye();
  server.take(taken(client));
  EXPECT_EQ(server.read(), "last");
  EXPECT_EQ(SSL_get_shutdown(server.ssl()), 0);
  EXPECT_EQ(server.read(), "");
  EXPECT_EQ(SSL_get_shutdown(server.ssl()), SSL_RECEIVED_SHUTDOWN);
  client.say_goodbye();
  EXPECT_EQ(taken(client), "");
}

TEST_P(TlsVersion, TheServersGoodbyeIsAnswered) {
  TlsServer server(good(), GetParam());
  const TlsContext context(TlsSettings{});
  TlsStream client(context, "localhost", nullptr);
  ASSERT_EQ(shake_hands(client, server), Status::done);
  SSL_shutdown(server.ssl());
  Status status{};
  received(client, server.give(), status);
  ASSERT_EQ(status, Status::closed);
  client.say_goodbye();
  server.take(taken(client));
  server.read();
  EXPECT_EQ(SSL_get_shutdown(server.ssl()), SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
}

TEST_P(TlsVersion, NoGoodbyeBeforeTheHandshakeIsDoneNorAfterAFailure) {
  TlsServer server(good(), GetParam());
  const TlsContext context(TlsSettings{});
  TlsStream unborn(context, "localhost", nullptr);
  unborn.handshake();
  taken(unborn);
  unborn.say_goodbye();
  EXPECT_EQ(taken(unborn), "");
  TlsStream client(context, "localhost", nullptr);
  ASSERT_EQ(shake_hands(client, server), Status::done);
  server.write("hello");
  std::string bytes = server.give();
  bytes.back() = static_cast<char>(bytes.back() ^ 1);
  Status status{};
  received(client, bytes, status);
  ASSERT_EQ(status, Status::failed);
  taken(client);  // the alert
  client.say_goodbye();
  EXPECT_EQ(taken(client), "");
}

TEST_P(TlsVersion, BytesThatWereTamperedWithFail) {
  TlsServer server(good(), GetParam());
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
  TlsServer server(good(), GetParam());
  SSL_CTX_load_verify_locations(server.context(), test_certificates().ca_file().c_str(), nullptr);
  SSL_CTX_set_verify(server.context(), SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  const TestCertificate own = test_certificates().make("client", "DNS:client");
  const TlsContext context(TlsSettings{.cert_file = own.cert_file, .key_file = own.key_file});
  TlsStream client(context, "localhost", nullptr);
  ASSERT_EQ(shake_hands(client, server), Status::done) << client.failure();
  EXPECT_EQ(SSL_get_verify_result(server.ssl()), X509_V_OK);
  EXPECT_NE(SSL_get0_peer_certificate(server.ssl()), nullptr);
}

// The server's word on it comes with the handshake in TLS 1.2, after it in 1.3.
TEST_P(TlsVersion, WithoutTheClientCertificateThatIsAskedForItFails) {
  TlsServer server(good(), GetParam());
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
  TlsServer server(good());
  const TlsContext context(TlsSettings{});
  ERR_raise(ERR_LIB_SSL, SSL_R_WRONG_VERSION_NUMBER);
  TlsStream client(context, "localhost", nullptr);
  EXPECT_EQ(shake_hands(client, server), Status::done) << client.failure();
}

}  // namespace
}  // namespace locust::http
