#include "python/repeated_signal.h"

#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>

namespace locust::python {

namespace {

// Python shows itself once a second.
constexpr SteadyDuration kPatience = milliseconds(2500);
constexpr std::array kSignals{SIGTERM, SIGINT};

std::atomic<int> received{0};
static_assert(std::atomic<int>::is_always_lock_free);
// By signal, as kSignals: who was there before us.
std::array<struct sigaction, kSignals.size()> before{};

void handle(int number, siginfo_t* info, void* context) {
  const int error = errno;
  received.fetch_add(1, std::memory_order_relaxed);
  const struct sigaction& next = before[number == kSignals[0] ? 0 : 1];
  if ((next.sa_flags & SA_SIGINFO) != 0) {
    next.sa_sigaction(number, info, context);
  } else {
    next.sa_handler(number);
  }
  errno = error;
}

}  // namespace

void guard_signals() {
  for (std::size_t i = 0; i < kSignals.size(); ++i) {
    struct sigaction present {};
    if (sigaction(kSignals[i], nullptr, &present) != 0) continue;
    const bool with_info = (present.sa_flags & SA_SIGINFO) != 0;
    if (with_info && present.sa_sigaction == &handle) continue;
    if (!with_info && (present.sa_handler == SIG_DFL || present.sa_handler == SIG_IGN)) continue;
    before[i] = present;
    struct sigaction ours = present;
    ours.sa_flags |= SA_SIGINFO;
    ours.sa_sigaction = &handle;
    sigaction(kSignals[i], &ours, nullptr);
  }
}

int guarded_signals() { return received.load(std::memory_order_relaxed); }

bool Impatience::must_end(int signals, SteadyTime alive, SteadyTime now) {
  if (signals <= dealt_with_) return false;
  if (!pending_) {
    pending_ = true;
    since_ = now;
  }
  if (alive > since_) {
    pending_ = false;
    dealt_with_ = signals;
    return false;
  }
  return now - since_ >= kPatience;
}

}  // namespace locust::python
