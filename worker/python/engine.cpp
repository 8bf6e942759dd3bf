#include "python/engine.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <system_error>
#include <utility>

#include "http/header_value.h"

namespace locust::python {

Channel::~Channel() { drop_client(); }

void Channel::drop_client() {
  if (client_ != nullptr && engine_->process_ != ::getpid()) {
    new std::shared_ptr<http::Client>(
        std::move(client_));  // NOLINT: never destroyed, see the header
  }
  client_.reset();
}

// The head leaves the pooled buffer, which is the I/O thread's. Whatever becomes of the body, it is
// known from here on; nobody takes the body, so it is kept.
http::BodySink* Call::on_head() {
  head_ = response.head();
  status_ = response.status;
  return nullptr;
}

bool Call::has_header(std::string_view name) const {
  const std::string_view head = head_;
  for (std::size_t at = head.find('\n'); at < head.size(); at = head.find('\n', at + 1)) {
    const std::string_view rest = head.substr(at + 1);
    if (rest.size() > name.size() && rest[name.size()] == ':' &&
        http::equals_ignoring_case(rest.substr(0, name.size()), name)) {
      return true;
    }
  }
  return false;
}

void Call::clear() {
  constexpr std::size_t kMostKept = 4096;  // of a head's memory
  channel_.reset();
  request_.reset();
  response = {};
  if (head_.capacity() > kMostKept) head_ = {};
  head_.clear();
  status_ = 0;
  cancelled_ = let_go_ = false;
}

void Call::on_done() { engine_->done(*this); }

bool Call::give_up() {
  if (!in_flight()) return false;
  cancel();
  return true;
}

Engine::Engine()
    : process_(::getpid()), http_(loop_), done_fd_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  if (done_fd_ < 0) throw std::system_error(errno, std::generic_category(), "eventfd");
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  thread_ = std::thread([this] {
    pthread_setname_np(pthread_self(), "locustpp-io");
    loop_.run();
  });
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

Engine::~Engine() {
  stop();
  ::close(done_fd_);
}

void Engine::stop() {
  if (!thread_.joinable()) return;
  loop_.stop();
  thread_.join();
}

void Engine::start(Call& call) {
  call.engine_ = this;
  give({Order::Kind::start, &call, nullptr});
}

void Engine::cancel(Call& call) {
  call.cancelled_ = true;
  give({Order::Kind::cancel, &call, nullptr});
}

void Engine::close(std::shared_ptr<Channel> channel) {
  give({Order::Kind::close, nullptr, std::move(channel)});
}

void Engine::give(Order order) {
  bool wake = false;
  {
    const std::lock_guard lock(mutex_);
    orders_.push_back(std::move(order));
    wake = !std::exchange(working_, true);
  }
  if (wake) loop_.post([this] { work_off(); });
}

void Engine::work_off() {
  {
    const std::lock_guard lock(mutex_);
    working_ = false;
    taken_.swap(orders_);
  }
  loop_.begin_turn();
  for (Order& order : taken_) {
    switch (order.kind) {
      case Order::Kind::start:
        begin(*order.call);
        break;
      case Order::Kind::cancel:
        if (order.call->give_up()) {
          order.call->let_go_ = true;
          done(*order.call);
        } else {
          let_go(*order.call);
        }
        break;
      case Order::Kind::close:
        order.channel->drop_client();
        break;
    }
  }
  taken_.clear();
}

void Engine::begin(Call& call) {
  Channel& channel = *call.channel_;
  if (channel.engine_ != this) channel.drop_client();
  std::shared_ptr<http::Client>& client = channel.client_;
  if (client == nullptr) {
    client = std::make_shared<http::Client>(http_, *channel.settings_);
    channel.engine_ = this;
  }
  call.client_ = client;
  client->start(call.request(), call);
}

void Engine::done(Call& call) {
  if (call.head_.empty() && call.response.ok()) call.on_head();
  call.response.buffer = {};
  call.response.large_head = {};
  call.ended_ = loop_.wall(call.response.ended);
  call.client_.reset();
  {
    const std::lock_guard lock(mutex_);
    done_.push_back(&call);
  }
  // After everything else that is ready now, so that one wake-up serves for all of it.
  if (!std::exchange(telling_, true)) loop_.post([this] { tell(); });
}

// One that was done before it was cancelled: take_done() has held it back, or has yet to see it.
void Engine::let_go(Call& call) {
  {
    const std::lock_guard lock(mutex_);
    call.let_go_ = true;
    if (std::find(done_.begin(), done_.end(), &call) == done_.end()) done_.push_back(&call);
  }
  if (!std::exchange(telling_, true)) loop_.post([this] { tell(); });
}

void Engine::tell() {
  telling_ = false;
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto written = ::write(done_fd_, &one, sizeof(one));
}

std::vector<Call*> Engine::take_done() {
  std::uint64_t count = 0;
  [[maybe_unused]] const auto read = ::read(done_fd_, &count, sizeof(count));
  std::vector<Call*> calls;
  const std::lock_guard lock(mutex_);
  calls.swap(done_);
  // The order to cancel it is still to be worked off: it comes again.
  std::erase_if(calls, [](const Call* call) { return call->cancelled_ && !call->let_go_; });
  return calls;
}

}  // namespace locust::python
