#include "runner/mailbox.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>

namespace locust::runner {

Mailbox::Mailbox() : fd_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  if (fd_ < 0) throw std::system_error(errno, std::generic_category(), "eventfd");
}

Mailbox::~Mailbox() { ::close(fd_); }

void Mailbox::post(std::function<void()> function) {
  const std::lock_guard lock(mutex_);
  posted_.push_back(std::move(function));
  if (posted_.size() == 1) eventfd_write(fd_, 1);
}

void Mailbox::run() {
  std::vector<std::function<void()>> functions;
  {
    const std::lock_guard lock(mutex_);
    eventfd_t ignored = 0;
    eventfd_read(fd_, &ignored);
    functions.swap(posted_);
  }
  for (const auto& function : functions) function();
}

}  // namespace locust::runner
