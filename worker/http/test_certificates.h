// Certificates for tests, made when they are asked for: signed by a CA of the test's own, for any
// names and any time, as PEM files in a folder that is gone with this object.
#pragma once

#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>

namespace locust::http {

struct TestCertificate {
  std::string cert_file;
  std::string key_file;
};

class TestCertificates {
 public:
  TestCertificates() {
    std::string name = (std::filesystem::temp_directory_path() / "locustpp-tls-XXXXXX").string();
    EXPECT_NE(::mkdtemp(name.data()), nullptr);
    folder_ = name;
    ca_key_ = new_key();
    ca_ = signed_certificate(ca_key_.get(), "Test CA", "", "CA:TRUE", kYear, nullptr);
    write(ca_file(), [&](FILE* out) { PEM_write_X509(out, ca_.get()); });
  }
  ~TestCertificates() {
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }
  TestCertificates(const TestCertificates&) = delete;
  TestCertificates& operator=(const TestCertificates&) = delete;

  static constexpr long kYear = 365L * 24 * 3600;

  std::string path(const std::string& name) const { return (folder_ / name).string(); }
  std::string ca_file() const { return path("ca.pem"); }

  // `names` as OpenSSL writes them: "DNS:localhost,IP:127.0.0.1"; it ends in so many seconds.
  TestCertificate make(const std::string& stem, const std::string& names, long ends = kYear,
                       bool self_signed = false) {
    const Key key = new_key();
    const Certificate certificate = signed_certificate(key.get(), stem, names, "CA:FALSE", ends,
                                                       self_signed ? nullptr : ca_.get());
    TestCertificate made{path(stem + ".pem"), path(stem + ".key")};
    write(made.cert_file, [&](FILE* out) { PEM_write_X509(out, certificate.get()); });
    write(made.key_file, [&](FILE* out) {
      PEM_write_PrivateKey(out, key.get(), nullptr, nullptr, 0, nullptr, nullptr);
    });
    return made;
  }
  // The same key behind a passphrase.
  std::string encrypt(const TestCertificate& certificate) {
    FILE* in = std::fopen(certificate.key_file.c_str(), "r");
    const Key key(PEM_read_PrivateKey(in, nullptr, nullptr, nullptr), EVP_PKEY_free);
    std::fclose(in);
    std::string file = certificate.key_file + ".secret";
    write(file, [&](FILE* out) {
      std::string passphrase = "secret";
      PEM_write_PrivateKey(out, key.get(), EVP_aes_128_cbc(),
                           reinterpret_cast<unsigned char*>(passphrase.data()),
                           static_cast<int>(passphrase.size()), nullptr, nullptr);
    });
    return file;
  }
  std::string text_file(const std::string& name, const std::string& text) {
    write(path(name), [&](FILE* out) { std::fputs(text.c_str(), out); });
    return path(name);
  }

 private:
  using Key = std::unique_ptr<EVP_PKEY, void (*)(EVP_PKEY*)>;
  using Certificate = std::unique_ptr<X509, void (*)(X509*)>;

  static Key new_key() { return {EVP_EC_gen("P-256"), EVP_PKEY_free}; }

  template <class Write>
  static void write(const std::string& file, Write write) {
    FILE* out = std::fopen(file.c_str(), "w");
    ASSERT_NE(out, nullptr) << file;
    write(out);
    std::fclose(out);
  }

  static void extend(X509* certificate, X509* issuer, int kind, const std::string& value) {
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
    X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, kind, value.c_str());
    ASSERT_NE(extension, nullptr) << value;
    X509_add_ext(certificate, extension, -1);
    X509_EXTENSION_free(extension);
  }

  // Signed by the CA, or by itself where `issuer` is null.
  Certificate signed_certificate(EVP_PKEY* key, const std::string& name, const std::string& names,
                                 const std::string& constraints, long ends, X509* issuer) {
    Certificate made(X509_new(), X509_free);
    X509_set_version(made.get(), 2);
    ASN1_INTEGER_set(X509_get_serialNumber(made.get()), ++serial_);
    X509_gmtime_adj(X509_getm_notBefore(made.get()), -2 * kYear);
    X509_gmtime_adj(X509_getm_notAfter(made.get()), ends);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(made.get()), "CN", MBSTRING_ASC,
                               reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0);
    X509* signer = issuer != nullptr ? issuer : made.get();
    X509_set_issuer_name(made.get(), X509_get_subject_name(signer));
    X509_set_pubkey(made.get(), key);
    extend(made.get(), signer, NID_basic_constraints, constraints);
    if (!names.empty()) extend(made.get(), signer, NID_subject_alt_name, names);
    X509_sign(made.get(), issuer != nullptr ? ca_key_.get() : key, EVP_sha256());
    return made;
  }

  std::filesystem::path folder_;
  Key ca_key_{nullptr, EVP_PKEY_free};
  Certificate ca_{nullptr, X509_free};
  long serial_ = 0;
};

}  // namespace locust::http
