// A relay between a client and a server on this machine that can do to their one connection what
// a broken network does. Bytes pass unchanged until then.
#pragma once

#include <cstddef>
#include <mutex>
#include <string>
#include <thread>

namespace compat {

class Relay {
 public:
  explicit Relay(int server_port);
  ~Relay();
  Relay(const Relay&) = delete;
  Relay& operator=(const Relay&) = delete;

  int port() const { return port_; }
  // How many of the server's bytes have gone on to the client.
  std::size_t passed();
  // Until that many have.
  void wait_until_passed(std::size_t bytes);
  // Sends bytes to the server that the client has not sent.
  void forge(const std::string& bytes);
  // The client's connection ends, without a word from the server: in an orderly way, or reset.
  void cut(bool reset = false);

 private:
  enum class Ending { none, orderly, reset };
  void run(int server_port);

  int listener_ = -1;
  int port_ = 0;
  // Orders to the thread, which alone touches the connections.
  std::mutex mutex_;
  std::size_t passed_ = 0;
  std::string forged_;
  Ending ending_ = Ending::none;
  std::thread thread_;
};

}  // namespace compat
