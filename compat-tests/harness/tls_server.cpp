#include "harness/tls_server.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <stdexcept>

namespace compat {

TlsServer::TlsServer(TempDir& dir, const locust::http::TestCertificate& certificate,
                     const std::vector<std::string>& options, Kind kind) {
  std::vector<std::string> command = {"/usr/bin/openssl",
                                      "s_server",
                                      "-accept",
                                      "127.0.0.1:" + std::to_string(port()),
                                      "-cert",
                                      certificate.cert_file,
                                      "-key",
                                      certificate.key_file};
  command.insert(command.end(), options.begin(), options.end());
  if (kind == Kind::web) {
    command.emplace_back("-www");
  } else {
    const std::string pipe = dir.new_file("s_server", ".in").string();
    if (::mkfifo(pipe.c_str(), 0600) != 0) throw std::runtime_error("cannot make " + pipe);
    input_ = ::open(pipe.c_str(), O_RDWR | O_CLOEXEC);
    const std::vector<std::string> shell = {"/bin/sh", "-c", "exec \"$@\" <\"$0\"", pipe};
    command.insert(command.begin(), shell.begin(), shell.end());
  }
  process_.emplace(dir, "s_server", command);
  process_->wait_for_line("ACCEPT");
}

TlsServer::~TlsServer() {
  if (input_ >= 0) ::close(input_);
}

void TlsServer::say(const std::string& text) {
  if (::write(input_, text.data(), text.size()) != static_cast<ssize_t>(text.size())) {
    throw std::runtime_error("s_server does not read");
  }
}

}  // namespace compat
