#include "http/address_book.h"

#include <algorithm>

namespace locust::http {

namespace {

// Names beyond these are forgotten once their time has run out, and with them whose turn it was.
constexpr std::size_t kKept = 1000;

}  // namespace

void AddressBook::store(const std::string& name, const Addresses& addresses, SteadyDuration ttl,
                        SteadyTime now) {
  if (entries_.size() >= kKept) forget_old(now);
  const auto [found, is_new] = entries_.try_emplace(name);
  Entry& entry = found->second;
  if (is_new) entry.turn = first_turn_;
  entry.valid_until = now + std::clamp(ttl, SteadyDuration::zero(), kLongest);
  entry.preferred.clear();
  entry.other.clear();
  for (const auto& address : addresses) {
    (address.is_v6() == addresses.front().is_v6() ? entry.preferred : entry.other)
        .push_back(address);
  }
}

void AddressBook::forget_old(SteadyTime now) {
  std::erase_if(entries_, [&](const auto& one) { return one.second.valid_until <= now; });
}

bool AddressBook::knows(const std::string& name, SteadyTime now) const {
  const auto found = entries_.find(name);
  return found != entries_.end() && now < found->second.valid_until;
}

Addresses AddressBook::next(const std::string& name) {
  const auto found = entries_.find(name);
  if (found == entries_.end()) return {};
  Entry& entry = found->second;
  const std::size_t turn = entry.turn++;
  Addresses order;
  order.reserve(entry.preferred.size() + entry.other.size());
  for (std::size_t i = 0; i < std::max(entry.preferred.size(), entry.other.size()); ++i) {
    for (const Addresses* family : {&entry.preferred, &entry.other}) {
      if (i < family->size()) order.push_back((*family)[(turn + i) % family->size()]);
    }
  }
  return order;
}

}  // namespace locust::http
