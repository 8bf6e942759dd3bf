// How shards and other threads tell the control thread something: functions that it runs in order.
#pragma once

#include <functional>
#include <mutex>
#include <vector>

namespace locust::runner {

class Mailbox {
 public:
  Mailbox();
  ~Mailbox();
  Mailbox(const Mailbox&) = delete;
  Mailbox& operator=(const Mailbox&) = delete;

  // Any thread. Never waits for the control thread.
  void post(std::function<void()> function);
  // Readable while something has been posted that was not run.
  int fd() const { return fd_; }
  // The control thread: runs what has been posted so far.
  void run();

 private:
  int fd_;
  std::mutex mutex_;
  std::vector<std::function<void()>> posted_;
};

}  // namespace locust::runner
