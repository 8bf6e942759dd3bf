// One thread's loop: sockets (Boost.Asio's io_context), timers, coroutines that are ready, and
// functions posted from other threads. Everything but post() and stop() belongs to the thread that
// runs it.
#pragma once

#include <coroutine>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "base/clock.h"
#include "base/timer_queue.h"

namespace boost::asio {
class io_context;
}

namespace locust {

class EventLoop {
 public:
  EventLoop();
  ~EventLoop();
  EventLoop(const EventLoop&) = delete;
  EventLoop& operator=(const EventLoop&) = delete;

  // Until stop(); what is still pending then stays pending.
  void run();
  void stop();
  // Runs `function` soon on the loop's thread, in the order of the posts of one thread.
  void post(std::function<void()> function);

  // Resumes `ready` after everything that is pending now: how a task that has nothing to wait for
  // lets others run. Nothing keeps the coroutine alive; cancel by cancel_defer.
  void defer(std::coroutine_handle<> ready);
  void cancel_defer(std::coroutine_handle<> ready);

  void arm(Timer& timer, SteadyTime when);

  // Counts what has woken the loop: a task that sees no new turn has not waited for anything.
  std::uint64_t turn() const { return turn_; }
  void begin_turn() { ++turn_; }

  SteadyTime now() const { return std::chrono::steady_clock::now(); }
  // The wall clock's time of an instant just past. The offset between the clocks is read anew ten
  // times a second, which saves a clock call for each sample.
  WallTime wall(SteadyTime time) const {
    return WallTime(std::chrono::duration_cast<WallTime::duration>(time.time_since_epoch()) +
                    wall_offset_);
  }

  boost::asio::io_context& io();

 private:
  struct Impl;
  class ClockTick;
  void rearm();
  void read_wall_clock();
  void run_deferred();

  std::unique_ptr<Impl> impl_;
  TimerQueue timers_;
  std::vector<std::coroutine_handle<>> deferred_;
  std::vector<std::coroutine_handle<>> running_deferred_;
  WallTime::duration wall_offset_{};
  std::uint64_t turn_ = 0;
  std::unique_ptr<ClockTick> clock_tick_;
};

// co_await sleep_until(loop, when): as a timer of the loop; destroyed while waiting, it is gone.
class SleepUntil final : private Timer {
 public:
  SleepUntil(EventLoop& loop, SteadyTime when) : loop_(loop), when_(when) {}
  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> waiting) {
    waiting_ = waiting;
    loop_.arm(*this, when_);
  }
  void await_resume() const noexcept {}

 private:
  void fire() override { waiting_.resume(); }
  EventLoop& loop_;
  SteadyTime when_;
  std::coroutine_handle<> waiting_;
};

// co_await Yield(loop): lets everything else that is ready run first.
class Yield {
 public:
  explicit Yield(EventLoop& loop) : loop_(loop) {}
  Yield(const Yield&) = delete;
  Yield& operator=(const Yield&) = delete;
  ~Yield() {
    if (waiting_) loop_.cancel_defer(waiting_);
  }
  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> waiting) {
    waiting_ = waiting;
    loop_.defer(waiting);
  }
  void await_resume() noexcept { waiting_ = {}; }

 private:
  EventLoop& loop_;
  std::coroutine_handle<> waiting_;
};

}  // namespace locust
