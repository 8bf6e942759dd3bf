#include "base/event_loop.h"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <utility>

namespace locust {

struct EventLoop::Impl {
  // UNSAFE_IO: sockets and timers are touched by the loop's thread alone, so the reactor needs no
  // lock for each descriptor; post() from other threads stays safe.
  boost::asio::io_context io{BOOST_ASIO_CONCURRENCY_HINT_UNSAFE_IO};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work{io.get_executor()};
  boost::asio::steady_timer timer{io};
  SteadyTime timer_set_for = SteadyTime::max();
};

class EventLoop::ClockTick final : public Timer {
 public:
  explicit ClockTick(EventLoop& loop) : loop_(loop) {}

 private:
  void fire() override { loop_.read_wall_clock(); }
  EventLoop& loop_;
};

EventLoop::EventLoop()
    : impl_(std::make_unique<Impl>()), clock_tick_(std::make_unique<ClockTick>(*this)) {}

EventLoop::~EventLoop() = default;

void EventLoop::run() {
  read_wall_clock();
  impl_->io.run();
}

void EventLoop::stop() { impl_->io.stop(); }

void EventLoop::post(std::function<void()> function) {
  boost::asio::post(impl_->io, std::move(function));
}

void EventLoop::defer(std::coroutine_handle<> ready) {
  deferred_.push_back(ready);
  if (deferred_.size() == 1 && running_deferred_.empty()) {
    boost::asio::post(impl_->io, [this] { run_deferred(); });
  }
}

void EventLoop::cancel_defer(std::coroutine_handle<> ready) {
  for (auto* queue : {&deferred_, &running_deferred_}) {
    for (auto& waiting : *queue) {
      if (waiting == ready) waiting = {};
    }
  }
}

void EventLoop::run_deferred() {
  begin_turn();
  running_deferred_.swap(deferred_);
  for (std::size_t i = 0; i < running_deferred_.size(); ++i) {
    if (running_deferred_[i]) running_deferred_[i].resume();
  }
  running_deferred_.clear();
  if (!deferred_.empty()) {
    boost::asio::post(impl_->io, [this] { run_deferred(); });
  }
}

void EventLoop::arm(Timer& timer, SteadyTime when) {
  timers_.arm(timer, when);
  if (when < impl_->timer_set_for) rearm();
}

// The timer is only ever moved forward in time: one that was disarmed leaves an early wake-up
// behind, which costs less than a system call for every request that ended before its deadline.
void EventLoop::rearm() {
  impl_->timer_set_for = timers_.next();
  impl_->timer.expires_at(timers_.next());
  impl_->timer.async_wait([this](boost::system::error_code error) {
    if (error) return;
    impl_->timer_set_for = SteadyTime::max();
    begin_turn();
    timers_.fire_due(now());
    if (!timers_.empty() && timers_.next() < impl_->timer_set_for) rearm();
  });
}

void EventLoop::read_wall_clock() {
  const auto steady = std::chrono::steady_clock::now();
  wall_offset_ = std::chrono::system_clock::now().time_since_epoch() -
                 std::chrono::duration_cast<WallTime::duration>(steady.time_since_epoch());
  arm(*clock_tick_, steady + milliseconds(100));
}

boost::asio::io_context& EventLoop::io() { return impl_->io; }

}  // namespace locust
