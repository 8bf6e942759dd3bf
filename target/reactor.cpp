#include "target/reactor.h"

#include <utility>

namespace hello {

class Reactor::GraceTimer final : public locust::Timer {
 public:
  explicit GraceTimer(Reactor& reactor) : reactor_(reactor) {}

 private:
  void fire() override { reactor_.end_grace(); }
  Reactor& reactor_;
};

Reactor::Reactor(const ServerOptions& options, Answerer& answerer)
    : options_(options),
      answerer_(answerer),
      input_(std::make_unique<std::array<char, std::size_t{64} << 10>>()),
      grace_(std::make_unique<GraceTimer>(*this)) {}

Reactor::~Reactor() = default;

void Reactor::adopt(int socket) {
  open_.fetch_add(1, std::memory_order_relaxed);
  loop_.post([this, socket] {
    const boost::intrusive_ptr<Connection> connection(new Connection(*this, socket));
    connections_.push_back(*connection);
    connection->start();
  });
}

void Reactor::closed() {
  open_.fetch_sub(1, std::memory_order_relaxed);
  if (stopping_ && connections_.empty()) {
    loop_.stop();
  }
}

void Reactor::log(int socket, std::string_view request, std::string_view answer) {
  if (access_log_.empty()) {
    loop_.post([this] { access_log_.flush(); });  // behind what is ready now: one write for all
  }
  access_log_.add(socket, request, answer);
}

void Reactor::stop() {
  loop_.post([this] { begin_stop(); });
}

void Reactor::begin_stop() {
  if (std::exchange(stopping_, true)) {
    return;
  }
  loop_.arm(*grace_, loop_.now() + options_.grace);
  for (auto it = connections_.begin(); it != connections_.end();) {
    (it++)->stop();
  }
  if (connections_.empty()) {
    loop_.stop();
  }
}

void Reactor::end_grace() {
  for (auto it = connections_.begin(); it != connections_.end();) {
    (it++)->end();
  }
}

}  // namespace hello
