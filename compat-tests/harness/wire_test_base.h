// The fixture of a case in which the test itself is the master.
#pragma once

#include <gtest/gtest.h>

#include <cstdio>
#include <memory>
#include <utility>

#include "harness/fake_master.h"
#include "harness/free_port.h"
#include "harness/target.h"
#include "harness/worker.h"

namespace compat {

class WireTest : public ::testing::Test {
 protected:
  // Starts master and worker; returns when the worker has registered.
  void start(const std::string& locustfile = "hello", FakeMaster::Habits habits = {},
             std::vector<std::string> native_arguments = {}) {
    restart_master(habits);
    start_worker(locustfile, std::move(native_arguments));
    master_->wait_for_worker();
  }

  void start_worker(const std::string& locustfile, std::vector<std::string> native_arguments = {}) {
    worker_ = std::make_unique<Worker>(dir_, Worker::Options{locustfile,
                                                             port_.number(),
                                                             worker_version_,
                                                             worker_kind_,
                                                             {},
                                                             std::move(native_arguments)});
  }

  // Another master on the same port, which knows nothing.
  void restart_master(FakeMaster::Habits habits = {}) {
    master_.reset();
    master_ = std::make_unique<FakeMaster>(port_.number(), habits);
    master_->set_host(idle_target_.url());
  }

  // Before start(): who the worker is, and the Locust beneath it where there is one.
  void set_worker(WorkerKind kind, std::string version) {
    worker_kind_ = kind;
    worker_version_ = std::move(version);
  }
  TempDir& dir() { return dir_; }
  int port() const { return port_.number(); }
  FakeMaster& master() { return *master_; }
  Worker& worker() { return *worker_; }

  // A spawn of so many HelloUsers is answered by spawning, and by spawning_complete with them.
  // It is repeated, as a worker that rebuilds its connection may miss one.
  void expect_obeys_spawn(int users, const std::string& host = "") {
    std::string failure;
    for (int attempt = 0; attempt < 5; ++attempt) {
      master().skip_to_now();
      master().spawn({{"HelloUser", users}}, host);
      try {
        master().next("spawning", 6s);
        master().next(
            "spawning_complete",
            [&](const Received& message) {
              return message.data.at("user_count") == users &&
                     message.data.at("user_classes_count").at("HelloUser") == users;
            },
            6s);
        return;
      } catch (const std::exception& error) {
        failure = error.what();
      }
    }
    ADD_FAILURE() << "a good spawn of " << users << " users was not obeyed: " << failure;
  }

  // The next report says that it has so many users.
  void expect_users(int users) {
    master().next(
        "stats", [&](const Received& message) { return message.data.at("user_count") == users; },
        15s);
  }

  void TearDown() override {
    if (HasFailure()) std::fputs(log_tails(dir_.path(), 30).c_str(), stderr);
  }

 private:
  WorkerKind worker_kind_ = WorkerKind::under_test;
  std::string worker_version_ = "2.47.0";
  TempDir dir_;
  FreePort port_;
  // For the users of cases that do not look at their requests: slow, so that they cost little.
  Target idle_target_{dir_, 200ms};
  std::unique_ptr<FakeMaster> master_;
  std::unique_ptr<Worker> worker_;
};

}  // namespace compat
