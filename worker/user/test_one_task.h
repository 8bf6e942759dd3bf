// What the tests of a user's HTTP client share: a server, a user whose only task runs once, and
// what was recorded of it.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <memory>

#include "user/running_user.h"
#include "user/test_http_server.h"
#include "user/test_shard.h"

namespace locust::test {

class OneTask : public testing::Test {
 protected:
  OneTask() {
    ScriptedUser::hooks = &hooks;
    scripted.task<&ScriptedUser::task>().host(server.url());
  }

  // Runs the body as the task. Once in a test.
  void run(const ScriptedUser::Hooks::Method& body) {
    hooks.task = [&](ScriptedUser& self) -> Task<> {
      co_await body(self);
      throw StopUser();
    };
    const auto script = [&]() -> Task<> {
      user = std::make_unique<RunningUser>(
          shard.context, scripted,
          [](void* flag, RunningUser&) { *static_cast<bool*>(flag) = true; }, &gone);
      user->start();
      co_await shard.until([this] { return gone; });
    };
    shard.run(script);
    for (const UserError& error : shard.errors) ADD_FAILURE() << error.msg;
    report = shard.recorder.take(std::chrono::system_clock::now());
  }

  HttpServer server;
  ScriptedUser::Hooks hooks;
  TestShard shard;
  UserClassOf<ScriptedUser> scripted{"Scripted"};
  std::unique_ptr<RunningUser> user;
  bool gone = false;
  stats::Report report;
};

}  // namespace locust::test
