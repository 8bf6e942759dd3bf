#include "user/user.h"

#include <stdexcept>

#include "user/user_class.h"

namespace locust {

namespace {

struct Construction {
  ShardContext* shard = nullptr;
  const UserClass* user_class = nullptr;
};
// Handed past the constructors of derived classes, which a scenario author need not write.
thread_local Construction construction;

const Construction& current_construction() {
  if (construction.shard == nullptr) {
    throw std::logic_error("users are made by the engine: list the class in locustfile()");
  }
  return construction;
}

}  // namespace

ConstructionScope::ConstructionScope(ShardContext& shard, const UserClass& user_class) {
  construction = {&shard, &user_class};
}
ConstructionScope::~ConstructionScope() { construction = {}; }

User::User()
    : shard_(*current_construction().shard), user_class_(*current_construction().user_class) {}

void User::report(const Sample& sample) {
  stats::Entry& entry = shard_.recorder.entry(sample.method, sample.name);
  const WallTime now = shard_.loop.wall(shard_.loop.now());
  std::optional<double> elapsed;
  if (sample.elapsed) elapsed = sample.elapsed->count();
  shard_.recorder.record(entry, now, elapsed, sample.bytes);
  if (!sample.error.empty()) shard_.recorder.record_error(entry, now, sample.error);
}

// An empty host of the master's is none (runners.py, spawn_users: `if self.environment.host`).
HttpUser::HttpUser()
    : host_(shard_.environment.host.value_or("").empty() ? user_class_.host()
                                                         : *shard_.environment.host),
      client(shard_, user_class_, user_class_.client_settings()) {}

RequestBuilder HttpUser::head(std::string_view url) const {
  RequestBuilder made = request("HEAD", url);
  if (client.settings().rules == http::ClientRules::http_user) {
    made = std::move(made).no_redirects();
  }
  return made;
}

}  // namespace locust
