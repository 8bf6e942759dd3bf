// A TCP port on 127.0.0.1 that nobody uses and no test case running beside this one will take.
#pragma once

namespace compat {

// The port is reserved for as long as this lives, so that a master can be killed and started again
// on it. Outside of the kernel's range for outgoing connections, which would take it in between.
class FreePort {
 public:
  FreePort();
  ~FreePort();
  FreePort(const FreePort&) = delete;
  FreePort& operator=(const FreePort&) = delete;

  int number() const { return number_; }

 private:
  int number_ = 0;
  int reservation_ = -1;
};

}  // namespace compat
