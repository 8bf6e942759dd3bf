// `openssl s_server`, for one test case: as a little web server, or with a conversation that the
// test leads by hand through its standard input.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "harness/free_port.h"
#include "harness/process.h"
#include "harness/temp_dir.h"
#include "http/test_certificates.h"

namespace compat {

class TlsServer {
 public:
  enum class Kind {
    web,     // -www: answers as HTTP/1.0 does, to the end of the connection
    manual,  // says what say() is given
  };
  TlsServer(TempDir& dir, const locust::http::TestCertificate& certificate,
            const std::vector<std::string>& options = {}, Kind kind = Kind::web);
  ~TlsServer();
  TlsServer(const TlsServer&) = delete;
  TlsServer& operator=(const TlsServer&) = delete;

  int port() const { return port_.number(); }
  Process& process() { return *process_; }
  // Until the text of a request, or whatever else it writes, is there.
  void wait_for(const std::string& text) { process_->wait_for_line(text); }
  // One record to the client; but a line of one letter is an order (s_server(1), "connected
  // commands"): "Q\n" ends it, "r\n" renegotiates, "K\n" changes the keys, "P\n" sends plain text.
  void say(const std::string& text);

 private:
  FreePort port_;
  int input_ = -1;
  std::optional<Process> process_;
};

}  // namespace compat
