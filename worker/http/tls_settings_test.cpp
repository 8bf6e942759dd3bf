// What the settings of TLS ask for: whom the client trusts, what it says, and which files it can
// use. The texts of failures are Python 3.11's, as in tls_test.cpp.
#include <fmt/core.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <filesystem>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>

#include "http/test_tls_server.h"
#include "http/tls.h"

namespace locust::http {
namespace {

using testing::StartsWith;
using Status = TlsStream::Status;

TestCertificates& certificates() { return test_certificates(); }
const TestCertificate& good() { return good_certificate(); }

// ---- Who the server is ----

std::string verify(const TestCertificate& certificate, const std::string& name,
                   bool own_ca = true) {
  TlsServer server(certificate);
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

// A folder of certificates, each found by the hash of its name.
TEST(TlsVerify, AFolderIsLookedInForTheCa) {
  namespace fs = std::filesystem;
  const fs::path ca = certificates().ca_file();
  const fs::path folder = ca.parent_path() / "folder";
  fs::create_directory(folder);
  const auto outcome = [&] {
    TlsServer server(good());
    const TlsContext context(TlsSettings{.verify = true, .ca_file = folder});
    TlsStream client(context, "localhost", nullptr);
    shake_hands(client, server);
    return client.failure();
  };
  EXPECT_EQ(outcome(), verify_error("unable to get local issuer certificate"));
  const std::unique_ptr<BIO, decltype(&BIO_free)> bio(BIO_new_file(ca.c_str(), "r"), BIO_free);
  const std::unique_ptr<X509, decltype(&X509_free)> certificate(
      PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr), X509_free);
  ASSERT_NE(certificate, nullptr);
  const unsigned long hash =
      X509_NAME_hash_ex(X509_get_subject_name(certificate.get()), nullptr, nullptr, nullptr);
  fs::copy_file(ca, folder / fmt::format("{:08x}.0", hash));
  EXPECT_EQ(outcome(), "");
}

// X509_V_FLAG_PARTIAL_CHAIN: the server's own certificate is as good as a CA's.
TEST(TlsVerify, FlagsSayHowStrictItIs) {
  const auto outcome = [](unsigned long flags) {
    TlsServer server(good());
    const TlsContext context(
        TlsSettings{.verify = true, .verify_flags = flags, .ca_file = good().cert_file});
    TlsStream client(context, "localhost", nullptr);
    shake_hands(client, server);
    return client.failure();
  };
  EXPECT_EQ(outcome(0), verify_error("unable to get local issuer certificate"));
  EXPECT_EQ(outcome(X509_V_FLAG_PARTIAL_CHAIN), "");
}

TEST(TlsVerify, WithoutItEverythingIsTaken) {
  for (const TestCertificate& certificate :
       {certificates().make("old", "DNS:localhost", -3600), certificates().make("any", "DNS:any"),
        certificates().make("own", "DNS:localhost", TestCertificates::kYear, true)}) {
    TlsServer server(certificate);
    const TlsContext context(TlsSettings{});
    TlsStream client(context, "localhost", nullptr);
    EXPECT_EQ(shake_hands(client, server), Status::done) << client.failure();
  }
}

TEST(TlsVerify, TheServerHearsWhy) {
  TlsServer server(certificates().make("late", "DNS:localhost", -3600));
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
    TlsServer server(good());
    TlsStream client(context, host, nullptr);
    ASSERT_EQ(shake_hands(client, server), Status::done);
    const char* seen = SSL_get_servername(server.ssl(), TLSEXT_NAMETYPE_host_name);
    EXPECT_STREQ(seen != nullptr ? seen : "", expected);
  }
}

TEST(TlsHello, Http11IsWhatItOffers) {
  TlsServer server(good());
  const TlsContext context(TlsSettings{});
  TlsStream client(context, "localhost", nullptr);
  ASSERT_EQ(shake_hands(client, server), Status::done);
  EXPECT_EQ(server.offered(), "\x08http/1.1");
}

TEST(TlsHello, TheLowestVersionIsKeptTo) {
  const auto outcome = [](const std::string& least, int version) {
    TlsServer server(good(), version);
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
