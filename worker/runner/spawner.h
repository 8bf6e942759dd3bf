// Deals users to shards: so many of each class in all, evenly over the shards, moving none that
// run. Pure bookkeeping, without threads.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace locust::runner {

// Users of each class, by the class's position in the locustfile.
using ClassCounts = std::vector<std::int64_t>;

class Spawner {
 public:
  Spawner(std::size_t shards, std::size_t classes);

  // So many users of each class from now on; negative: as many as there are. Returns what each
  // shard is to run. New users go to the shard with the fewest users, and those to stop come from
  // the shard with the most of their class.
  const std::vector<ClassCounts>& deal(const ClassCounts& wanted);

  // What a shard runs and will run by what it was told, when users have ended by themselves.
  void correct(std::size_t shard, const ClassCounts& counts) { dealt_[shard] = counts; }

 private:
  std::size_t emptiest() const;
  std::size_t fullest(std::size_t user_class) const;

  std::vector<ClassCounts> dealt_;  // by shard
};

}  // namespace locust::runner
