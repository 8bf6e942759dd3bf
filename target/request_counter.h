// Counts the requests answered for each route. Tests compare it with what a load generator reports,
// to prove that no sample was lost or invented.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <utility>

namespace hello {

class RequestCounter {
 public:
  // Counts of the threads lie apart, a cache line each, so that they do not slow one another.
  // Increments are relaxed: the answer that tells a client of a request is sent only after its
  // increment, and that is order enough.
  class Route {
   public:
    explicit Route(std::string name) : name_(std::move(name)) {}
    void add() { parts_[part()].count.fetch_add(1, std::memory_order_relaxed); }

   private:
    friend class RequestCounter;
    struct alignas(64) Part {
      std::atomic<std::uint64_t> count = 0;
    };
    static constexpr std::size_t parts = 8;

    static std::size_t part() {
      static std::atomic<std::size_t> threads = 0;
      thread_local const std::size_t mine = threads.fetch_add(1) % parts;
      return mine;
    }
    std::uint64_t count() const {
      std::uint64_t sum = 0;
      for (const Part& each : parts_) {
        sum += each.count.load(std::memory_order_relaxed);
      }
      return sum;
    }

    std::string name_;
    std::array<Part, parts> parts_;
  };

  // "GET /hello/". Before the server starts: routes are not locked. The reference stays valid.
  Route& add_route(std::string name) { return routes_.emplace_back(std::move(name)); }

  // Of every route that was asked for at least once.
  std::map<std::string, std::uint64_t> counts() const {
    std::map<std::string, std::uint64_t> result;
    for (const Route& route : routes_) {
      const auto count = route.count();
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
