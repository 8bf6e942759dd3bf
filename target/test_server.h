// For the tests: the target with its routes on a free port of the loopback address, served by a
// thread until the object ends.
#pragma once

#include <httplib.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <utility>

#include "target/routes.h"
#include "target/server.h"

namespace hello {

class TestServer {
 public:
  explicit TestServer(const HelloOptions& hello = {}, ServerOptions options = {})
      : server_(on_loopback(std::move(options))) {
    add_routes(server_, hello, counter_);
    serving_ = std::jthread([this] { server_.serve(); });
  }
  ~TestServer() { server_.stop(); }

  Server& server() { return server_; }
  void join() { serving_.join(); }

  // A client that keeps its one connection open.
  std::unique_ptr<httplib::Client> client() const {
    auto client = std::make_unique<httplib::Client>("127.0.0.1", server_.port());
    client->set_keep_alive(true);
    client->set_tcp_nodelay(true);
    return client;
  }
  nlohmann::json stats() const {
    const auto response = client()->Get("/stats/");
    return response ? nlohmann::json::parse(response->body) : nlohmann::json();
  }

 private:
  static ServerOptions on_loopback(ServerOptions options) {
    options.host = "127.0.0.1";
    options.port = 0;
    return options;
  }

  RequestCounter counter_;
  Server server_;
  std::jthread serving_;
};

}  // namespace hello
