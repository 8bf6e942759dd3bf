// The addresses of names for as long as their DNS records say, and whose turn it is: connections
// take the addresses of an answer in rotation, so that all of them get their share even from one
// worker. No clock and no I/O.
#pragma once

#include <boost/asio/ip/address.hpp>
#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"

namespace locust::http {

using Addresses = std::vector<boost::asio::ip::address>;

class AddressBook {
 public:
  // An answer serves for at most this long, whatever its records say.
  static constexpr SteadyDuration kLongest = seconds(300);

  // `first_turn` is where the rotation of each name starts: workers that start together shall not
  // all begin with the same address.
  explicit AddressBook(std::size_t first_turn = 0) : first_turn_(first_turn) {}

  // Keeps an answer, the best address first, for `ttl`.
  void store(const std::string& name, const Addresses& addresses, SteadyDuration ttl,
             SteadyTime now);
  // Whether there is an answer whose time has not run out.
  bool knows(const std::string& name, SteadyTime now) const;
  // The addresses in the order in which the next connection is to try them: the families
  // alternate (RFC 8305, 4), and each begins with the next of its addresses. Of the last answer,
  // whether its time has run out or not; empty where there has been none.
  Addresses next(const std::string& name);
  std::size_t size() const { return entries_.size(); }

 private:
  struct Entry {
    Addresses preferred;  // of the family of the best address
    Addresses other;
    SteadyTime valid_until{};
    std::size_t turn = 0;
  };
  void forget_old(SteadyTime now);

  std::size_t first_turn_;
  std::map<std::string, Entry> entries_;
};

}  // namespace locust::http
