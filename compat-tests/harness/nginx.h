// Debian's nginx as a server of every kind that a client meets, for one test case: plain, TLS 1.2,
// TLS 1.3, one that asks for a client certificate, one that serves only whom SNI asks for. What it
// knows of a request is in the response's headers X-Connection, X-Protocol, X-Reused, X-Client,
// X-Address and X-Peer.
#pragma once

#include "harness/free_port.h"
#include "harness/process.h"
#include "harness/temp_dir.h"

namespace compat {

struct NginxFiles {
  std::string certificate;
  std::string key;
  std::string client_ca;
};

class Nginx {
 public:
  Nginx(TempDir& dir, const NginxFiles& files);

  int plain() const { return plain_.number(); }
  int tls12() const { return tls12_.number(); }
  int tls13() const { return tls13_.number(); }
  int client_certificate() const { return client_certificate_.number(); }
  // TLS for those whose SNI says localhost; others are rejected.
  int named() const { return named_.number(); }
  std::string socket() const { return socket_; }
  Process& process() { return *process_; }

  // The size of /text, which is compressed for whoever takes that.
  static constexpr std::size_t text_size = 200'000;
  // The plain server listens at 127.0.0.1 to 127.0.0.40.
  static constexpr int addresses = 40;

 private:
  FreePort plain_, tls12_, tls13_, client_certificate_, named_;
  std::string socket_;
  std::optional<Process> process_;
};

}  // namespace compat
