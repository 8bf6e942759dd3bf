#include "base/log.h"

#include <fcntl.h>
#include <spdlog/async.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cctype>
#include <cerrno>
#include <deque>
#include <filesystem>
#include <future>
#include <memory>
#include <mutex>
#include <system_error>
#include <thread>

namespace locust::log {

namespace {

constexpr std::size_t kRecentLines = 500;  // locust/log.py, LogReader
constexpr std::size_t kQueuedLines = 8192;

struct Name {
  Level level;
  std::string_view text;
  spdlog::level::level_enum spd;
};
constexpr std::array<Name, 5> kNames{{{Level::debug, "DEBUG", spdlog::level::debug},
                                      {Level::info, "INFO", spdlog::level::info},
                                      {Level::warning, "WARNING", spdlog::level::warn},
                                      {Level::error, "ERROR", spdlog::level::err},
                                      {Level::critical, "CRITICAL", spdlog::level::critical}}};

std::string short_host_name() {
  std::array<char, 256> name{};
  if (gethostname(name.data(), name.size() - 1) != 0) return "localhost";
  const std::string full(name.data());
  return full.substr(0, full.find('.'));
}

// Keeps formatted lines for the master's logs tab, on the thread that logs: a line must be there
// even when the writer is behind.
class RecentLines {
 public:
  void add(Level level, std::string_view logger, std::string_view text) {
    const std::lock_guard lock(mutex_);
    spdlog::memory_buf_t line;
    const std::string payload =
        fmt::format("{}/{}: {}", kNames[static_cast<std::size_t>(level)].text, logger, text);
    formatter_.format(spdlog::details::log_msg("", spdlog::level::info, payload), line);
    ++recent_.total;
    lines_.emplace_back(line.data(), line.size());
    if (lines_.size() > kRecentLines) lines_.pop_front();
  }
  Recent get() {
    const std::lock_guard lock(mutex_);
    recent_.lines.assign(lines_.begin(), lines_.end());
    return recent_;
  }

 private:
  std::mutex mutex_;
  std::deque<std::string> lines_;
  Recent recent_;
  spdlog::pattern_formatter formatter_{"[%Y-%m-%d %H:%M:%S,%e] " + short_host_name() + "/%v",
                                       spdlog::pattern_time_type::local, ""};
};

RecentLines& recent_lines() {
  static RecentLines lines;
  return lines;
}

// Where lines go. Guarded: a thread that cannot be stopped may log while the process is ending.
struct Output {
  std::mutex mutex;
  std::shared_ptr<spdlog::details::thread_pool> writer;
  std::shared_ptr<spdlog::logger> logger;
  Receiver receiver;  // instead
};

Output& output() {
  static Output one;
  return one;
}

std::atomic<Level> threshold = Level::info;

// Opens the file as the sink will, for a clear reason where that fails; spdlog's own is a text.
class Probe {
 public:
  explicit Probe(const std::string& path) {
    std::error_code ignored;
    const auto folder = std::filesystem::path(path).parent_path();
    if (!folder.empty()) std::filesystem::create_directories(folder, ignored);
    descriptor_ =
        ::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_NONBLOCK | O_CLOEXEC, 0644);
    if (descriptor_ < 0) {
      throw std::system_error(errno, std::generic_category(), "cannot write the log file " + path);
    }
  }
  // Not before the sink is open: the reader of a pipe would see its end.
  ~Probe() { ::close(descriptor_); }
  Probe(const Probe&) = delete;
  Probe& operator=(const Probe&) = delete;

 private:
  int descriptor_;
};

spdlog::sink_ptr open_sink(const std::optional<std::string>& logfile) {
  if (!logfile) return std::make_shared<spdlog::sinks::stderr_sink_mt>();
  const Probe probe(*logfile);
  return std::make_shared<spdlog::sinks::basic_file_sink_mt>(*logfile);
}

}  // namespace

std::optional<Level> level_from(std::string_view name) {
  std::string upper(name);
  std::transform(upper.begin(), upper.end(), upper.begin(),
                 [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  for (const Name& known : kNames) {
    if (known.text == upper) return known.level;
  }
  return std::nullopt;
}

void setup(Level level, const std::optional<std::string>& logfile) {
  spdlog::sink_ptr sink = open_sink(logfile);
  Output& to = output();
  const std::lock_guard lock(to.mutex);
  threshold = level;
  to.writer = std::make_shared<spdlog::details::thread_pool>(kQueuedLines, 1);
  to.logger = std::make_shared<spdlog::async_logger>("", std::move(sink), to.writer,
                                                     spdlog::async_overflow_policy::overrun_oldest);
  to.logger->set_level(spdlog::level::trace);
  to.logger->set_pattern("[%Y-%m-%d %H:%M:%S,%e] " + short_host_name() + "/%v");
  to.logger->flush_on(spdlog::level::trace);
}

bool shutdown(SteadyDuration patience) {
  Output& to = output();
  std::shared_ptr<spdlog::details::thread_pool> writer;
  std::shared_ptr<spdlog::logger> logger;
  {
    const std::lock_guard lock(to.mutex);
    logger = std::move(to.logger);
    writer = std::move(to.writer);
  }
  if (!writer) return true;
  // The pool's destructor waits for its thread, and that one may be stuck in a write. The logger is
  // kept until then, so that it does not end on the writer's thread.
  std::promise<void> written;
  std::future<void> done = written.get_future();
  std::thread([writer = std::move(writer), logger = std::move(logger),
               written = std::move(written)]() mutable {
    writer.reset();
    logger.reset();
    written.set_value();
  }).detach();
  return done.wait_for(patience) == std::future_status::ready;
}

void set_receiver(Receiver receiver) {
  Output& to = output();
  const std::lock_guard lock(to.mutex);
  to.receiver = std::move(receiver);
}

void write(Level level, std::string_view logger, std::string_view text) {
  {
    Output& to = output();
    const std::lock_guard lock(to.mutex);
    if (to.receiver) {
      to.receiver(level, logger, text);
      return;
    }
  }
  write_here(level, logger, text);
}

void write_here(Level level, std::string_view logger, std::string_view text) {
  if (level < threshold.load(std::memory_order_relaxed)) return;
  recent_lines().add(level, logger, text);
  const Name& name = kNames[static_cast<std::size_t>(level)];
  // Held meanwhile: else shutdown() could leave the pool, and the wait for its thread, to this one.
  Output& to = output();
  const std::lock_guard lock(to.mutex);
  if (to.logger) to.logger->log(name.spd, "{}/{}: {}", name.text, logger, text);
}

Recent recent() { return recent_lines().get(); }

}  // namespace locust::log
