#include "target/server.h"

#include <algorithm>
#include <thread>
#include <vector>

#include "target/acceptor.h"
#include "target/listener.h"
#include "target/reactor.h"

namespace hello {

struct Server::Threads {
  Threads(const ServerOptions& options, Answerer& answerer, int listener)
      : reactors(make(options, answerer)), acceptor(reactors, listener) {}

  static Reactors make(const ServerOptions& options, Answerer& answerer) {
    Reactors made;
    for (int i = 0; i < std::max(1, options.threads); ++i) {
      made.push_back(std::make_unique<Reactor>(options, answerer));
    }
    return made;
  }

  Reactors reactors;
  Acceptor acceptor;
};

Server::Server(const ServerOptions& options) : options_(options), answerer_(options.keep_alive) {
  const int listener = listen_on(options_.host, options_.port);
  port_ = port_of(listener);
  threads_ = std::make_unique<Threads>(options_, answerer_, listener);
  threads_->acceptor.start();
}

Server::~Server() = default;

std::string Server::url() const { return url_of(options_.host, port_); }

std::size_t Server::connections() const {
  std::size_t sum = 0;
  for (const auto& reactor : threads_->reactors) {
    sum += reactor->connections();
  }
  return sum;
}

void Server::serve() {
  std::vector<std::jthread> others;
  for (auto it = threads_->reactors.begin() + 1; it != threads_->reactors.end(); ++it) {
    others.emplace_back([&reactor = **it] { reactor.run(); });
  }
  threads_->reactors.front()->run();
}

void Server::stop() {
  threads_->reactors.front()->loop().post([this] {
    threads_->acceptor.stop();
    for (const auto& reactor : threads_->reactors) {
      reactor->stop();  // behind the connections that it has been given
    }
  });
}

}  // namespace hello
