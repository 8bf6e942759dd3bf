// TLS as a transformation of bytes: what arrives on a socket goes in, what is to be sent comes out.
// No socket and no waiting, so that a connection reads and writes as it does without TLS.
#pragma once

#include <openssl/types.h>

#include <cstddef>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

struct ssl_session_st;

namespace locust::http {

// Nothing is verified by default, as in FastHttpUser (contrib/fasthttp.py, insecure = True).
struct TlsSettings {
  bool verify = false;  // the server's certificate and its name
  // X509_V_FLAG_…, beside OpenSSL's own; as Python's SSLContext.verify_flags.
  unsigned long verify_flags = 0;
  std::string ca_file = {};      // PEM, or a folder after "openssl rehash"; empty: the system's
  std::string cert_file = {};    // PEM, the client's certificate with its chain; empty: none
  std::string key_file = {};     // PEM; empty: in cert_file
  std::string min_version = {};  // "1.0", "1.1", "1.2" or "1.3"; empty: OpenSSL's own
  bool operator==(const TlsSettings&) const = default;
};

struct SslFree {
  void operator()(SSL_CTX* context) const;
  void operator()(SSL* ssl) const;
  void operator()(ssl_session_st* session) const;
};
using TlsSession = std::unique_ptr<ssl_session_st, SslFree>;

// What all connections with the same settings share; loading the system's certificates takes
// milliseconds, so there is one for a process and setting. May be used by several threads at once.
class TlsContext {
 public:
  // Throws std::invalid_argument with one sentence where a file cannot be used.
  explicit TlsContext(const TlsSettings& settings);
  SSL_CTX* native() const { return context_.get(); }
  bool verifies() const { return verifies_; }

 private:
  std::unique_ptr<SSL_CTX, SslFree> context_;
  bool verifies_;
};

// The contexts of a process, one for each setting that was asked for. Any thread.
class TlsContexts {
 public:
  // Throws as TlsContext does.
  const TlsContext& get(const TlsSettings& settings);

 private:
  std::mutex mutex_;
  std::vector<std::pair<TlsSettings, std::unique_ptr<const TlsContext>>> contexts_;
};

// One TLS connection's state, on one thread.
class TlsStream {
 public:
  // `server_name` is a host name or an address; a name goes into SNI (RFC 6066, 3). `resume` may be
  // null.
  TlsStream(const TlsContext& context, const std::string& server_name, ssl_session_st* resume);
  ~TlsStream();
  TlsStream(const TlsStream&) = delete;
  TlsStream& operator=(const TlsStream&) = delete;

  enum class Status {
    done,        // it is as wanted
    need_input,  // everything that was fed is used up
    closed,      // the peer has said that it sends no more (close_notify)
    failed,      // see failure()
  };

  // Bytes from the socket. They must stay where they are until a call returns need_input.
  void feed(std::string_view bytes) { input_ = bytes; }
  // Takes the handshake as far as it goes.
  Status handshake();
  // Up to `room` bytes of the peer's data.
  Status read(char* into, std::size_t room, std::size_t& size);
  // Data for the peer, all of it, after the handshake.
  Status write(std::string_view bytes);
  // Takes in what the server says beside its responses (session tickets). True where that is all
  // there was: the connection can carry another request.
  bool drain();
  // Adds close_notify to the output: no more will come (RFC 8446, 6.1). Not where the handshake is
  // not done or something has failed.
  void say_goodbye();

  // What is to be sent; the caller takes it away.
  std::string& output() { return output_; }
  // The newest session that the server gave for resumption; null where there is none.
  TlsSession take_session();
  // As Python words it: "SSLCertVerificationError(1, '[SSL: CERTIFICATE_VERIFY_FAILED] …')".
  // Never empty after failed or closed.
  const std::string& failure() const { return failure_; }

 private:
  friend struct TlsCallbacks;
  Status status_of(int result);

  std::unique_ptr<SSL, SslFree> ssl_;
  std::string server_name_;
  std::string_view input_;
  std::string output_;
  TlsSession session_;
  std::string failure_;
  bool broken_ = false;  // it has failed
};

}  // namespace locust::http
