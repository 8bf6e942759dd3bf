// The classes that a locustfile derives its users from. An object is one simulated user: it is
// made, runs and ends on one shard, and its members are its own.
#pragma once

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/event_loop.h"
#include "base/task.h"
#include "user/http_session.h"
#include "user/request.h"
#include "user/shard_context.h"

namespace locust {

class UserClass;

// Thrown in a task, it ends this user (exception.py, StopUser); on_stop runs.
struct StopUser {};

// co_await sleep(…) of a user.
class UserSleep {
 public:
  UserSleep(ShardContext& shard, const UserClass& user_class, SteadyTime until)
      : shard_(shard), user_class_(user_class), timer_(shard.loop, until) {}
  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> waiting) { timer_.await_suspend(waiting); }
  void await_resume() noexcept { shard_.resumed.store(&user_class_, std::memory_order_relaxed); }

 private:
  ShardContext& shard_;
  const UserClass& user_class_;
  SleepUntil timer_;
};

// One sample of a protocol of your own.
struct Sample {
  std::string_view method = {};  // "TCP", "GRPC" …: the Type column
  std::string_view name = {};
  std::optional<std::chrono::duration<double, std::milli>> elapsed = {};  // nothing: Locust's None
  std::uint64_t bytes = 0;
  std::string_view error = {};  // empty: a success
};

class User {
 public:
  User(const User&) = delete;
  User& operator=(const User&) = delete;
  virtual ~User() = default;

  // Before the first task. An exception here ends the user before it has begun.
  virtual Task<> on_start() { co_return; }
  // When the user ends: stopped, killed, or by StopUser.
  virtual Task<> on_stop() { co_return; }

 protected:
  // Only the engine makes users: it says beforehand for which shard and class (ConstructionScope).
  User();

  // co_await sleep(100ms). The user may be stopped meanwhile.
  UserSleep sleep(SteadyDuration duration) {
    return {shard_, user_class_, shard_.loop.now() + duration};
  }
  std::int64_t uniform(std::int64_t low, std::int64_t high) {
    return shard_.random.uniform(low, high);
  }
  // Records a sample; for users that are not HTTP. HttpSession records its requests itself.
  void report(const Sample& sample);
  Environment& environment() { return shard_.environment; }

  ShardContext& shard_;
  const UserClass& user_class_;
};

class HttpUser : public User {
 protected:
  HttpUser();

  // `url` is absolute, or a path that is appended to the host. As given it is the name in the
  // statistics (see RequestBuilder). Throws std::invalid_argument where that makes no URL.
  RequestBuilder request(std::string method, std::string_view url) const {
    return {std::move(method), url, host_, &client.settings()};
  }
  RequestBuilder get(std::string_view url) const { return request("GET", url); }
  RequestBuilder post(std::string_view url) const { return request("POST", url); }
  RequestBuilder put(std::string_view url) const { return request("PUT", url); }
  RequestBuilder patch(std::string_view url) const { return request("PATCH", url); }
  // NOLINTNEXTLINE(readability-identifier-naming): delete is a keyword
  RequestBuilder delete_(std::string_view url) const { return request("DELETE", url); }
  // With HttpUser's rules a redirect is its response (clients.py, HttpSession.head).
  RequestBuilder head(std::string_view url) const;
  RequestBuilder options(std::string_view url) const { return request("OPTIONS", url); }

 private:
  std::string host_;

 protected:
  HttpSession client;  // NOLINT(readability-identifier-naming): Locust's name, for users to type
};

// For which shard and user class the users are that this thread is making.
class ConstructionScope {
 public:
  ConstructionScope(ShardContext& shard, const UserClass& user_class);
  ~ConstructionScope();
  ConstructionScope(const ConstructionScope&) = delete;
  ConstructionScope& operator=(const ConstructionScope&) = delete;
};

}  // namespace locust
