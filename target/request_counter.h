// Counts the requests answered for each route. Tests compare it with what a load generator reports,
// to prove that no sample was lost or invented.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <utility>

namespace hello {

class RequestCounter {
 public:
  // A cache line for each, so that routes do not slow one another. Increments are relaxed: the
  // answer that tells a client of a request is sent only after its increment, and that is order
  // enough.
  class alignas(64) Route {
   public:
    explicit Route(std::string name) : name_(std::move(name)) {}
    void add() { count_.fetch_add(1, std::memory_order_relaxed); }

   private:
    friend class RequestCounter;
    std::string name_;
    std::atomic<std::uint64_t> count_ = 0;
  };

  // "GET /hello/". Before the server starts: routes are not locked. The reference stays valid.
  Route& add_route(std::string name) { return routes_.emplace_back(std::move(name)); }

  // Of every route that was asked for at least once.
  std::map<std::string, std::uint64_t> counts() const {
    std::map<std::string, std::uint64_t> result;
    for (const Route& route : routes_) {
      const auto count = route.count_.load(std::memory_order_relaxed);
      if (count > 0) {
        result[route.name_] += count;
      }
    }
    return result;
  }

 private:
  std::deque<Route> routes_;
};

}  // namespace hello
