#include "http/tls.h"

#include <fmt/core.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cstring>
#include <filesystem>
#include <new>
#include <stdexcept>
#include <system_error>

#include "base/value.h"
#include "http/url.h"

namespace locust::http {

void SslFree::operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
void SslFree::operator()(SSL* ssl) const { SSL_free(ssl); }
void SslFree::operator()(SSL_SESSION* session) const { SSL_SESSION_free(session); }

// What OpenSSL calls: a BIO that reads from and writes to a TlsStream, and news of sessions.
struct TlsCallbacks {
  static TlsStream& stream_of(BIO* bio) { return *static_cast<TlsStream*>(BIO_get_data(bio)); }

  static int read(BIO* bio, char* into, int room) {
    BIO_clear_retry_flags(bio);
    std::string_view& input = stream_of(bio).input_;
    if (input.empty()) {
      BIO_set_retry_read(bio);
      return -1;
    }
    const std::size_t size = std::min(input.size(), static_cast<std::size_t>(room));
    std::memcpy(into, input.data(), size);
    input.remove_prefix(size);
    return static_cast<int>(size);
  }
  static int write(BIO* bio, const char* bytes, int size) {
    BIO_clear_retry_flags(bio);
    stream_of(bio).output_.append(bytes, static_cast<std::size_t>(size));
    return size;
  }
  static long control(BIO*, int command, long, void*) { return command == BIO_CTRL_FLUSH ? 1 : 0; }
  static int create(BIO* bio) {
    BIO_set_init(bio, 1);
    return 1;
  }
  static int new_session(SSL* ssl, SSL_SESSION* session) {
    static_cast<TlsStream*>(SSL_get_app_data(ssl))->session_.reset(session);
    return 1;  // ours now
  }

  static BIO_METHOD* method() {
    static BIO_METHOD* const one = [] {
      BIO_METHOD* made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "locustpp");
      BIO_meth_set_read(made, read);
      BIO_meth_set_write(made, write);
      BIO_meth_set_ctrl(made, control);
      BIO_meth_set_create(made, create);
      return made;
    }();
    return one;
  }
};

namespace {

int version_number(const std::string& name) {
  if (name.empty()) return 0;
  if (name == "1.0") return TLS1_VERSION;
  if (name == "1.1") return TLS1_1_VERSION;
  if (name == "1.2") return TLS1_2_VERSION;
  if (name == "1.3") return TLS1_3_VERSION;
  throw std::invalid_argument(
      fmt::format("'{}' is no TLS version: say 1.0, 1.1, 1.2 or 1.3", name));
}

// Says what the system says where that is the cause, else OpenSSL's last word.
[[noreturn]] void throw_unusable(const char* what, const std::string& file) {
  std::string reason = "it cannot be read";
  while (const unsigned long error = ERR_get_error()) {
    if (ERR_SYSTEM_ERROR(error)) {
      reason = std::generic_category().message(ERR_GET_REASON(error));
      break;
    }
    if (const char* text = ERR_reason_error_string(error)) reason = text;
  }
  ERR_clear_error();
  throw std::invalid_argument(fmt::format("Cannot use the {} in {}: {}", what, file, reason));
}

// OpenSSL would ask for it on the terminal, and wait.
int no_passphrase(char*, int, int, void*) { return 0; }

void load_certificates(SSL_CTX* context, const TlsSettings& settings) {
  if (!settings.ca_file.empty()) {
    const char* path = settings.ca_file.c_str();
    std::error_code ignored;
    const bool is_folder = std::filesystem::is_directory(path, ignored);
    if (SSL_CTX_load_verify_locations(context, is_folder ? nullptr : path,
                                      is_folder ? path : nullptr) != 1) {
      throw_unusable("CA certificates", settings.ca_file);
    }
  } else if (settings.verify) {
    SSL_CTX_set_default_verify_paths(context);
  }
  if (settings.cert_file.empty()) return;
  SSL_CTX_set_default_passwd_cb(context, no_passphrase);
  if (SSL_CTX_use_certificate_chain_file(context, settings.cert_file.c_str()) != 1) {
    throw_unusable("client certificate", settings.cert_file);
  }
  const std::string& key = settings.key_file.empty() ? settings.cert_file : settings.key_file;
  if (SSL_CTX_use_PrivateKey_file(context, key.c_str(), SSL_FILETYPE_PEM) != 1 ||
      SSL_CTX_check_private_key(context) != 1) {
    throw_unusable("private key", key);
  }
}

// "wrong version number" → "WRONG_VERSION_NUMBER", as Python names it: after the constant in
// sslerr.h, which kept its name when newer OpenSSLs said "ssl/tls alert".
std::string symbol_of(std::string_view reason) {
  constexpr std::string_view kAlert = "ssl/tls alert ";
  std::string symbol;
  if (reason.substr(0, kAlert.size()) == kAlert) {
    symbol = "SSLV3_ALERT_";
    reason.remove_prefix(kAlert.size());
  }
  for (const char c : reason) {
    symbol += std::isalnum(static_cast<unsigned char>(c)) != 0
                  ? static_cast<char>(std::toupper(static_cast<unsigned char>(c)))
                  : '_';
  }
  return symbol;
}

// Python words two of them itself (Modules/_ssl.c, fill_and_set_sslerror).
std::string reason_of(long verdict, const std::string& server_name) {
  if (verdict == X509_V_ERR_HOSTNAME_MISMATCH) {
    return fmt::format("Hostname mismatch, certificate is not valid for '{}'.", server_name);
  }
  if (verdict == X509_V_ERR_IP_ADDRESS_MISMATCH) {
    return fmt::format("IP address mismatch, certificate is not valid for '{}'.", server_name);
  }
  return X509_verify_cert_error_string(verdict);
}

}  // namespace

TlsContext::TlsContext(const TlsSettings& settings)
    : context_(SSL_CTX_new(TLS_client_method())), verifies_(settings.verify) {
  if (!context_) throw std::bad_alloc();
  SSL_CTX* context = context_.get();
  SSL_CTX_set_verify(context, settings.verify ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, nullptr);
  X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(context), settings.verify_flags);
  // Idle connections keep no buffers; a server that just closes is seen as closed, not as an error.
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_options(context, SSL_OP_IGNORE_UNEXPECTED_EOF);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_sess_set_new_cb(context, TlsCallbacks::new_session);
  const int version = version_number(settings.min_version);
  if (version != 0) {
    SSL_CTX_set_min_proto_version(context, version);
    // Debian's default security level refuses what an old server can do; who asks for it gets it.
    if (version < TLS1_2_VERSION) SSL_CTX_set_security_level(context, 0);
  }
  constexpr std::array<unsigned char, 9> kHttp11 = {8, 'h', 't', 't', 'p', '/', '1', '.', '1'};
  SSL_CTX_set_alpn_protos(context, kHttp11.data(), kHttp11.size());
  load_certificates(context, settings);
  ERR_clear_error();  // SSL_get_error() takes what lies there for the news of its own call
}

const TlsContext& TlsContexts::get(const TlsSettings& settings) {
  const std::lock_guard lock(mutex_);
  for (const auto& [known, context] : contexts_) {
    if (known == settings) return *context;
  }
  contexts_.emplace_back(settings, std::make_unique<const TlsContext>(settings));
  return *contexts_.back().second;
}

TlsStream::TlsStream(const TlsContext& context, const std::string& server_name, SSL_SESSION* resume)
    : ssl_(SSL_new(context.native())), server_name_(server_name) {
  SSL* ssl = ssl_.get();
  BIO* bio = BIO_new(TlsCallbacks::method());
  if (ssl == nullptr || bio == nullptr) throw std::bad_alloc();
  BIO_set_data(bio, this);
  SSL_set_bio(ssl, bio, bio);
  SSL_set_app_data(ssl, this);
  SSL_set_connect_state(ssl);
  const bool address = is_address(server_name);
  if (!address) SSL_set_tlsext_host_name(ssl, server_name.c_str());
  if (context.verifies()) {
    if (address) {
      X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl),
                                    std::string(without_zone(server_name)).c_str());
    } else {
      SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);  // as Python
      SSL_set1_host(ssl, server_name.c_str());
    }
  }
  if (resume != nullptr) SSL_set_session(ssl, resume);
  ERR_clear_error();
}

// To OpenSSL a connection that ends without both farewells spoils its session, which the next one
// is to resume; after a failure it may.
TlsStream::~TlsStream() {
  if (!broken_) SSL_set_shutdown(ssl_.get(), SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
}

TlsStream::Status TlsStream::handshake() { return status_of(SSL_do_handshake(ssl_.get())); }

TlsStream::Status TlsStream::read(char* into, std::size_t room, std::size_t& size) {
  size = 0;
  return status_of(SSL_read_ex(ssl_.get(), into, room, &size));
}

TlsStream::Status TlsStream::write(std::string_view bytes) {
  std::size_t written = 0;
  return status_of(SSL_write_ex(ssl_.get(), bytes.data(), bytes.size(), &written));
}

bool TlsStream::drain() {
  char byte = 0;
  std::size_t size = 0;
  return read(&byte, 1, size) == Status::need_input;
}

void TlsStream::say_goodbye() {
  if (broken_ || SSL_in_init(ssl_.get()) != 0) return;
  SSL_shutdown(ssl_.get());
  ERR_clear_error();
}

TlsSession TlsStream::take_session() { return std::move(session_); }

TlsStream::Status TlsStream::status_of(int result) {
  if (result > 0) return Status::done;
  const int error = SSL_get_error(ssl_.get(), result);
  if (error == SSL_ERROR_WANT_READ) return Status::need_input;
  if (error == SSL_ERROR_ZERO_RETURN) {
    failure_ = "SSLZeroReturnError(6, 'TLS/SSL connection has been closed (EOF)')";
    return Status::closed;
  }
  broken_ = true;
  const unsigned long code = ERR_peek_last_error();  // as Python
  ERR_clear_error();
  const char* reason = ERR_reason_error_string(code);
  const std::string text = reason != nullptr ? reason : "unknown error";
  const long verdict = SSL_get_verify_result(ssl_.get());
  if (ERR_GET_REASON(code) == SSL_R_CERTIFICATE_VERIFY_FAILED && verdict != X509_V_OK) {
    failure_ = fmt::format("SSLCertVerificationError(1, {})",
                           repr("[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: " +
                                reason_of(verdict, server_name_)));
  } else {
    failure_ =
        fmt::format("SSLError(1, {})", repr(fmt::format("[SSL: {}] {}", symbol_of(text), text)));
  }
  return Status::failed;
}

}  // namespace locust::http
