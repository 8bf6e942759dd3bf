#include "user/running_user.h"

#include <cxxabi.h>
#include <fmt/core.h>

#include <cstdlib>
#include <exception>
#include <string>
#include <typeinfo>

namespace locust {

namespace {

std::string demangled(const char* mangled) {
  int status = 0;
  const std::unique_ptr<char, void (*)(void*)> name(
      abi::__cxa_demangle(mangled, nullptr, nullptr, &status), std::free);
  return status == 0 ? name.get() : mangled;
}

// The exception being handled, in Python's two parts: what it says and what it is.
std::pair<std::string, std::string> current_exception_text() {
  const std::type_info* type = abi::__cxa_current_exception_type();
  const std::string name = type != nullptr ? demangled(type->name()) : "unknown exception";
  try {
    throw;
  } catch (const std::exception& error) {
    return {error.what(), name};
  } catch (...) {
    return {name, name};
  }
}

}  // namespace

void RunningUser::start() {
  shard_.resumed.store(&user_class_, std::memory_order_relaxed);
  try {
    const ConstructionScope scope(shard_, user_class_);
    user_ = user_class_.make();
  } catch (...) {
    report_error("constructor");
    gone();
    return;
  }
  wait_state_.last_run = shard_.loop.now();
  body_ = run();
  body_.start([](void* self) { static_cast<RunningUser*>(self)->end(); }, this);
}

void RunningUser::stop(SteadyDuration stop_timeout) {
  if (stop_wanted_ || phase_ == Phase::gone) return;
  stop_wanted_ = true;
  if (phase_ == Phase::waiting || stop_timeout <= SteadyDuration::zero()) {
    kill();
  } else {
    shard_.loop.arm(*this, shard_.loop.now() + stop_timeout);
  }
}

// The user's coroutines are all suspended when a stop arrives: the shard runs nothing else then.
void RunningUser::kill() {
  if (phase_ == Phase::on_stop) {
    ending_ = {};
    gone();
  } else {
    body_ = {};
    end();
  }
}

// The body is over, one way or the other: on_stop, then gone. A body that has run to its end is
// kept until the user is destroyed, since this is called from its last breath. A deadline that is
// still armed is on_stop's too.
void RunningUser::end() {
  if (phase_ == Phase::gone) {  // on_start has failed
    gone();
    return;
  }
  phase_ = Phase::on_stop;
  shard_.resumed.store(&user_class_, std::memory_order_relaxed);
  ending_ = run_on_stop();
  ending_.start([](void* self) { static_cast<RunningUser*>(self)->gone(); }, this);
}

void RunningUser::gone() {
  disarm();
  phase_ = Phase::gone;
  on_gone_(context_, *this);
}

Task<> RunningUser::run() {
  try {
    co_await user_->on_start();
  } catch (const StopUser&) {
    co_return;
  } catch (...) {
    report_error("on_start");
    phase_ = Phase::gone;
    co_return;
  }
  std::uint64_t last_turn = shard_.loop.turn();
  while (!stop_wanted_) {
    phase_ = Phase::task;
    bool go_on = true;
    task_name_ = nullptr;
    try {
      const TaskEntry& task = user_class_.pick(shard_.random);
      task_name_ = &task.name;
      co_await task.run(*user_);
    } catch (const StopUser&) {
      go_on = false;
    } catch (...) {
      report_error(task_name_ != nullptr ? *task_name_ : "tasks");
    }
    if (!go_on || stop_wanted_) break;
    phase_ = Phase::waiting;
    const SteadyTime now = shard_.loop.now();
    const SteadyDuration wait = user_class_.wait_time().next(wait_state_, now, shard_.random);
    if (wait > SteadyDuration::zero()) {
      co_await SleepUntil(shard_.loop, now + wait);
    } else if (shard_.loop.turn() == last_turn) {
      // The task has waited for nothing: without this, it would be alone in the world.
      co_await Yield(shard_.loop);
    }
    last_turn = shard_.loop.turn();
    shard_.resumed.store(&user_class_, std::memory_order_relaxed);
  }
}

Task<> RunningUser::run_on_stop() {
  try {
    co_await user_->on_stop();
  } catch (const StopUser&) {
  } catch (...) {
    report_error("on_stop");
  }
}

void RunningUser::report_error(std::string_view where) {
  auto [msg, type] = current_exception_text();
  shard_.on_user_error({std::move(msg), fmt::format("  In {} of user class {}\n    {}\n", where,
                                                    user_class_.name(), type)});
}

}  // namespace locust
