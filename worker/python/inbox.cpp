#include "python/inbox.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>

namespace locust::python {

namespace {

// Of a Python that does not look, nothing is gained by a second one.
bool is_heartbeat(const PythonItem& item) {
  const auto* message = std::get_if<PythonMessage>(&item);
  return message != nullptr && message->type == "heartbeat";
}

}  // namespace

Inbox::Inbox() : fd_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  if (fd_ < 0) throw std::system_error(errno, std::generic_category(), "eventfd");
}

Inbox::~Inbox() { ::close(fd_); }

void Inbox::put(PythonItem item, SteadyTime now) {
  const std::lock_guard lock(mutex_);
  if (is_heartbeat(item) && !waiting_.empty() && is_heartbeat(waiting_.back().item)) return;
  waiting_.push_back({now, std::move(item)});
  if (waiting_.size() == 1) eventfd_write(fd_, 1);
}

std::vector<PythonItem> Inbox::take() {
  std::vector<Waiting> taken;
  {
    const std::lock_guard lock(mutex_);
    eventfd_t ignored = 0;
    eventfd_read(fd_, &ignored);
    taken.swap(waiting_);
  }
  std::vector<PythonItem> items;
  items.reserve(taken.size());
  for (Waiting& one : taken) items.push_back(std::move(one.item));
  return items;
}

std::vector<PythonLog> Inbox::withdraw_logs(SteadyTime since) {
  std::vector<PythonLog> lines;
  const std::lock_guard lock(mutex_);
  std::erase_if(waiting_, [&](Waiting& one) {
    auto* line = std::get_if<PythonLog>(&one.item);
    if (line == nullptr || one.since > since) return false;
    lines.push_back(std::move(*line));
    return true;
  });
  if (waiting_.empty()) {
    eventfd_t ignored = 0;
    eventfd_read(fd_, &ignored);
  }
  return lines;
}

}  // namespace locust::python
