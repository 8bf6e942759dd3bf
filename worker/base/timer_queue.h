// What shall happen when, in order: a binary heap of timers that live in their owners. No clock and
// no thread; the event loop says what time it is.
#pragma once

#include <cstddef>
#include <vector>

#include "base/clock.h"

namespace locust {

class TimerQueue;

// Armed, it fires once. Its destructor disarms it.
class Timer {
 public:
  Timer() = default;
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;
  virtual ~Timer();

  bool armed() const { return queue_ != nullptr; }
  void disarm();

 protected:
  // Disarmed already when it is called: it may arm itself again or be destroyed.
  virtual void fire() = 0;

 private:
  friend class TimerQueue;
  TimerQueue* queue_ = nullptr;
  std::size_t index_ = 0;
  SteadyTime when_{};
};

class TimerQueue {
 public:
  TimerQueue() = default;
  TimerQueue(const TimerQueue&) = delete;
  TimerQueue& operator=(const TimerQueue&) = delete;
  ~TimerQueue();

  // Arms a timer, or moves one that is armed here.
  void arm(Timer& timer, SteadyTime when);
  void disarm(Timer& timer);
  bool empty() const { return heap_.empty(); }
  // When the next one is due. Not for an empty queue.
  SteadyTime next() const { return heap_.front()->when_; }
  // Fires all that are due at `now`, earliest first. A timer armed meanwhile for a time that has
  // come fires at the next call, so that this one ends.
  void fire_due(SteadyTime now);

 private:
  void place(std::size_t index, Timer* timer);
  void sift_up(std::size_t index);
  void sift_down(std::size_t index);
  void remove_at(std::size_t index);

  std::vector<Timer*> heap_;
  std::vector<Timer*> due_;  // those of the running fire_due(); a disarmed one becomes nullptr
  static constexpr std::size_t kDue = static_cast<std::size_t>(1) << 62;  // index_ of one in due_
};

}  // namespace locust
