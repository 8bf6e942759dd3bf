#include "runner/status_line.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdlib>

#include "stats/percentile.h"

namespace locust::runner {

namespace {

constexpr std::size_t kParts = 3;  // reports, one every 3 s

class TerminalRow final : public StatusRow {
 public:
  explicit TerminalRow(int descriptor) : descriptor_(descriptor) {}
  ~TerminalRow() override {
    // The whole screen scrolls again, and the row is empty.
    if (rows_ > 0) write("\0337\033[r\0338\033[J");
    ::close(descriptor_);  // and another process may have the row
  }
  TerminalRow(const TerminalRow&) = delete;
  TerminalRow& operator=(const TerminalRow&) = delete;

  void show(std::string_view text) override {
    winsize size{};
    if (!rest_.empty()) return write("");
    if (!mine() || ::ioctl(descriptor_, TIOCGWINSZ, &size) != 0 || size.ws_row < 2) return;
    std::string out;
    if (size.ws_row != rows_) {
      // One row up from the bottom, if the cursor is there; what is above the last row scrolls.
      // Setting that moves the cursor: it is saved and restored.
      out = fmt::format("{}\n\0337\033[1;{}r\0338\033[A", rows_ > 0 ? "\0337\033[r\0338\033[J" : "",
                        size.ws_row - 1);
      rows_ = size.ws_row;
    }
    // The last column is left free: writing there makes some terminals go on in the next row.
    out += fmt::format("\0337\033[{};1H{}\033[K\0338", rows_, text.substr(0, size.ws_col - 1U));
    write(out);
  }

 private:
  bool mine() {
    const pid_t foreground = ::tcgetpgrp(descriptor_);
    if (foreground >= 0 && foreground != ::getpgrp()) return false;
    locked_ = locked_ || ::flock(descriptor_, LOCK_EX | LOCK_NB) == 0;
    return locked_;
  }

  // What a terminal that is stopped (Ctrl-S) does not take is kept for the next time: half an
  // escape sequence would be shown as text.
  void write(std::string_view text) {
    rest_ += text;
    const ssize_t written = ::write(descriptor_, rest_.data(), rest_.size());
    if (written > 0) rest_.erase(0, static_cast<std::size_t>(written));
  }

  const int descriptor_;
  bool locked_ = false;
  unsigned short rows_ = 0;  // of the terminal when its last row was taken
  std::string rest_;
};

}  // namespace

void StatusFigures::add(const stats::Report& report, SteadyTime now) {
  requests_ += report.total.num_requests;
  failures_ += report.total.num_failures;
  parts_.push_back({report.total, now - last_});
  last_ = now;
  if (parts_.size() > kParts) parts_.pop_front();
}

void StatusFigures::clear(SteadyTime now) {
  *this = {};
  last_ = now;
}

std::string StatusFigures::text(std::int64_t users, std::string_view master) const {
  stats::EntryReport recent;
  SteadyDuration duration{};
  for (const Part& part : parts_) {
    recent.merge(part.total);
    duration += part.duration;
  }
  const double length = std::chrono::duration<double>(duration).count();
  const double rate = length > 0 ? static_cast<double>(recent.num_requests) / length : 0;
  const double failed =
      requests_ > 0 ? static_cast<double>(failures_) / static_cast<double>(requests_) * 100 : 0;
  return fmt::format("{} users | {:.1f} req/s | {} failures ({:.2f}%) | p50 {} ms, p95 {} ms | {}",
                     users, rate, failures_, failed, stats::percentile(recent, 0.5),
                     stats::percentile(recent, 0.95), master);
}

std::unique_ptr<StatusRow> open_status_row() {
  const char* terminal = std::getenv("TERM");
  if (terminal == nullptr || *terminal == '\0' || std::string_view(terminal) == "dumb") return {};
  if (::isatty(STDERR_FILENO) != 1) return {};
  // A description of its own: O_NONBLOCK on stderr's would be the shell's too.
  const int descriptor = ::open("/proc/self/fd/2", O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
  if (descriptor < 0) return {};
  return std::make_unique<TerminalRow>(descriptor);
}

}  // namespace locust::runner
