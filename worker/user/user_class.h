// What the master knows of a kind of user, its name, and what this worker knows: how to make one,
// its tasks with their weights, how long it waits between them.
//
//   UserClasses locustfile() {
//     return {user_class<ShopUser>("ShopUser").wait(between(1s, 3s))
//                 .task<&ShopUser::hello>(3).task<&ShopUser::item>(1)};
//   }
#pragma once

#include <functional>
#include <initializer_list>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/task.h"
#include "user/user.h"
#include "user/wait_time.h"

namespace locust {

struct TaskEntry {
  std::string name;
  unsigned weight;
  Task<> (*run)(User& user);
};

class UserClass {
 public:
  const std::string& name() const { return name_; }
  const std::string& host() const { return host_; }
  unsigned weight() const { return weight_; }
  unsigned fixed_count() const { return fixed_count_; }
  const WaitTime& wait_time() const { return wait_time_; }
  const http::UserAgentSettings& client_settings() const { return client_settings_; }
  // All of them, whether the class picker has chosen them or not.
  const std::vector<TaskEntry>& tasks() const { return tasks_; }

  // On the shard's thread, within a ConstructionScope.
  std::unique_ptr<User> make() const { return make_(); }
  // One of the tasks by weight; there must be one.
  const TaskEntry& pick(Random& random) const;
  // The master's class picker (environment.update_user_class): host, and the names of the tasks
  // that shall run; those that this class does not have are left out, as in Locust, and make it
  // false. Users that run already keep their host.
  bool update(const Value& attributes);

 protected:
  UserClass(std::string name, std::function<std::unique_ptr<User>()> make)
      : name_(std::move(name)), make_(std::move(make)) {}
  void add_task(std::string name, unsigned weight, Task<> (*run)(User&));

  std::string host_;
  unsigned weight_ = 1;
  unsigned fixed_count_ = 0;
  WaitTime wait_time_;
  http::UserAgentSettings client_settings_;

 private:
  std::string name_;
  std::function<std::unique_ptr<User>()> make_;
  void choose(std::size_t task);

  std::vector<TaskEntry> tasks_;
  std::vector<std::size_t> chosen_;  // of these, the ones that run
  std::int64_t total_weight_ = 0;    // of the chosen ones
};

namespace detail {
// "hello" of &ShopUser::hello, as the compiler spells its template argument.
template <auto Method>
std::string method_name() {
  std::string_view text = __PRETTY_FUNCTION__;
  text = text.substr(0, text.find_first_of(";]"));
  return std::string(text.substr(text.rfind("::") + 2));
}
}  // namespace detail

// A user class being described; becomes a UserClass in the list.
template <class T>
class UserClassOf final : public UserClass {
 public:
  explicit UserClassOf(std::string name)
      : UserClass(std::move(name), [] { return std::make_unique<T>(); }) {}

  // A member function `Task<> T::method()`. Picked `weight` times as often as one of weight 1.
  template <auto Method>
  UserClassOf& task(unsigned weight = 1) {
    add_task(detail::method_name<Method>(), weight,
             [](User& user) { return (static_cast<T&>(user).*Method)(); });
    return *this;
  }
  UserClassOf& wait(WaitTime wait_time) {
    wait_time_ = wait_time;
    return *this;
  }
  // All about its HttpUsers' clients: time limits, connections, proxies, TLS, name servers, default
  // headers and credentials; FastHttpUser's rules, or HttpUser's (like_http_user()). Throws
  // std::invalid_argument where trust_env is set and the environment names a proxy that cannot be
  // used.
  UserClassOf& client(http::UserAgentSettings settings) {
    client_settings_ = http::with_environment(std::move(settings));
    return *this;
  }
  // How often the master spawns it beside the other classes, and how many it always spawns: the
  // master goes by its own file, which --print-locustfile writes with these figures.
  UserClassOf& weight(unsigned weight) {
    weight_ = weight;
    return *this;
  }
  UserClassOf& fixed_count(unsigned count) {
    fixed_count_ = count;
    return *this;
  }
  // Where the master gives no host.
  UserClassOf& host(std::string url) {
    host_ = std::move(url);
    return *this;
  }
};

// `name` is the class's name in the Python file that the master has loaded.
template <class T>
UserClassOf<T> user_class(std::string name) {
  return UserClassOf<T>(std::move(name));
}

// What a locustfile consists of.
class UserClasses {
 public:
  // On the first shard's thread. `data` is what the master sent.
  using Listener = std::function<void(Environment& environment, const Value& data)>;

  UserClasses(std::initializer_list<UserClass> classes) : classes_(classes) {}

  // Messages of this type from the master (runner.register_message).
  UserClasses& on_message(std::string type, Listener listener) {
    listeners_[std::move(type)] = std::move(listener);
    return *this;
  }

  const std::vector<UserClass>& list() const { return classes_; }
  std::vector<UserClass>& list() { return classes_; }
  const std::map<std::string, Listener>& listeners() const { return listeners_; }

 private:
  std::vector<UserClass> classes_;
  std::map<std::string, Listener> listeners_;
};

}  // namespace locust
