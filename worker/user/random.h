// The random numbers of one shard: which task comes next, how long a user waits.
#pragma once

#include <cstdint>
#include <random>

namespace locust {

class Random {
 public:
  explicit Random(std::uint64_t seed) : engine_(seed) {}

  // Every integer of [low, high] as likely as any other.
  std::int64_t uniform(std::int64_t low, std::int64_t high) {
    return std::uniform_int_distribution<std::int64_t>(low, high)(engine_);
  }
  // From [0, 1), as Python's random.random().
  double unit() { return std::uniform_real_distribution<double>(0, 1)(engine_); }
  // Exponentially distributed with mean 1/rate, as Python's random.expovariate(rate).
  double exponential(double rate) { return std::exponential_distribution<double>(rate)(engine_); }

 private:
  std::mt19937_64 engine_;
};

}  // namespace locust
