// Host names to addresses for one shard, without blocking it: getaddrinfo runs on a thread of
// Asio's. Lookups of one name at the same time are one lookup, and its answer serves a second more,
// so that a thousand users that connect at once ask once.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/event_loop.h"
#include "http/url.h"

namespace locust::http {

using Endpoints = std::vector<boost::asio::ip::tcp::endpoint>;

class Resolver {
 public:
  // Called on the loop's thread, never from within resolve(): the addresses, or a failure's text.
  using Answer = std::function<void(const Endpoints& endpoints, const std::string& failure)>;

  explicit Resolver(EventLoop& loop);
  void resolve(const Origin& origin, Answer answer);
  // The endpoint of a literal address, without any lookup.
  static std::optional<boost::asio::ip::tcp::endpoint> literal(const Origin& origin);

 private:
  struct Lookup {
    std::vector<Answer> waiting;
    Endpoints endpoints;
    SteadyTime valid_until{};
    bool running = false;
  };
  void finish(const std::string& key, Endpoints endpoints, const std::string& failure);

  EventLoop& loop_;
  boost::asio::ip::tcp::resolver resolver_;
  std::map<std::string, Lookup> lookups_;  // by host:port
  // What a lookup that ends after the resolver sees expired.
  std::shared_ptr<const bool> alive_ = std::make_shared<const bool>(true);
};

}  // namespace locust::http
