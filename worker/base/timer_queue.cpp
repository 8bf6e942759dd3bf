#include "base/timer_queue.h"

namespace locust {

Timer::~Timer() { disarm(); }

void Timer::disarm() {
  if (queue_ != nullptr) queue_->disarm(*this);
}

TimerQueue::~TimerQueue() {
  for (Timer* timer : heap_) timer->queue_ = nullptr;
}

void TimerQueue::arm(Timer& timer, SteadyTime when) {
  timer.disarm();
  timer.queue_ = this;
  timer.when_ = when;
  heap_.push_back(&timer);
  sift_up(heap_.size() - 1);
}

void TimerQueue::disarm(Timer& timer) {
  if (timer.index_ >= kDue) {
    due_[timer.index_ - kDue] = nullptr;
  } else {
    remove_at(timer.index_);
  }
  timer.queue_ = nullptr;
}

void TimerQueue::fire_due(SteadyTime now) {
  while (!heap_.empty() && heap_.front()->when_ <= now) {
    Timer* timer = heap_.front();
    remove_at(0);
    timer->index_ = kDue + due_.size();
    due_.push_back(timer);
  }
  for (std::size_t i = 0; i < due_.size(); ++i) {
    Timer* timer = due_[i];
    if (timer == nullptr) continue;
    timer->queue_ = nullptr;
    timer->fire();
  }
  due_.clear();
}

void TimerQueue::place(std::size_t index, Timer* timer) {
  heap_[index] = timer;
  timer->index_ = index;
}

void TimerQueue::sift_up(std::size_t index) {
  Timer* timer = heap_[index];
  while (index > 0) {
    const std::size_t parent = (index - 1) / 2;
    if (heap_[parent]->when_ <= timer->when_) break;
    place(index, heap_[parent]);
    index = parent;
  }
  place(index, timer);
}

void TimerQueue::sift_down(std::size_t index) {
  Timer* timer = heap_[index];
  for (;;) {
    std::size_t child = 2 * index + 1;
    if (child >= heap_.size()) break;
    if (child + 1 < heap_.size() && heap_[child + 1]->when_ < heap_[child]->when_) ++child;
    if (timer->when_ <= heap_[child]->when_) break;
    place(index, heap_[child]);
    index = child;
  }
  place(index, timer);
}

void TimerQueue::remove_at(std::size_t index) {
  Timer* last = heap_.back();
  heap_.pop_back();
  if (index == heap_.size()) return;
  place(index, last);
  sift_down(index);
  sift_up(last->index_);
}

}  // namespace locust
