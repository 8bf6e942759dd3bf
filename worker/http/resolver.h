// Host names to addresses for one shard, by c-ares: nothing blocks, lookups of one name at the same
// time are one lookup, and an answer serves for its TTL, so that a new connection follows the DNS.
//
// It reads /etc/hosts and /etc/resolv.conf (name servers, search list) as glibc does. Not done: the
// other services of nsswitch.conf (mDNS, LDAP …) and the options timeout and attempts.
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/event_loop.h"
#include "http/address_book.h"
#include "http/dns_settings.h"
#include "http/url.h"

namespace locust::http {

using Endpoints = std::vector<boost::asio::ip::tcp::endpoint>;

class Resolver {
 public:
  // Called on the loop's thread, never from within resolve(): the addresses in the order in which
  // to try them, or a failure's text. Not called any more once the resolver has gone.
  using Answer = std::function<void(const Endpoints& endpoints, const std::string& failure)>;

  explicit Resolver(EventLoop& loop, DnsSettings settings = {});
  ~Resolver();
  Resolver(const Resolver&) = delete;
  Resolver& operator=(const Resolver&) = delete;

  void resolve(const Origin& origin, Answer answer);
  // The endpoint of a literal address, without any lookup; also "127.1", as getaddrinfo reads it.
  static std::optional<boost::asio::ip::tcp::endpoint> literal(const Origin& origin);

 private:
  class Channel;
  struct Waiting {
    std::uint16_t port;
    Answer answer;
  };
  struct Found {
    Addresses addresses;
    SteadyDuration ttl{};
    std::string failure;
  };
  void finished(const std::string& name, Found found);
  void tell(const std::string& name, const Found& found);
  Endpoints next_endpoints(const std::string& name, std::uint16_t port);

  EventLoop& loop_;
  AddressBook book_;
  std::map<std::string, std::vector<Waiting>> lookups_;  // those that run
  std::unique_ptr<Channel> channel_;
  // What is posted and comes after the resolver has gone sees it expired.
  std::shared_ptr<const bool> alive_ = std::make_shared<const bool>(true);
};

}  // namespace locust::http
