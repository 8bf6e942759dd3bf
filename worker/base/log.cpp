#include "base/log.h"

#include <spdlog/async.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <deque>
#include <memory>
#include <mutex>
#include <system_error>

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

std::shared_ptr<spdlog::logger> output;
Level threshold = Level::info;

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
  threshold = level;
  spdlog::sink_ptr sink;
  if (logfile) {
    try {
      sink = std::make_shared<spdlog::sinks::basic_file_sink_mt>(*logfile);
    } catch (const spdlog::spdlog_ex&) {
      throw std::system_error(errno, std::generic_category(),
                              "cannot write the log file " + *logfile);
    }
  } else {
    sink = std::make_shared<spdlog::sinks::stderr_sink_mt>();
  }
  spdlog::init_thread_pool(kQueuedLines, 1);
  output = std::make_shared<spdlog::async_logger>("", std::move(sink), spdlog::thread_pool(),
                                                  spdlog::async_overflow_policy::overrun_oldest);
  output->set_level(spdlog::level::trace);
  output->set_pattern("[%Y-%m-%d %H:%M:%S,%e] " + short_host_name() + "/%v");
  output->flush_on(spdlog::level::trace);
}

void shutdown() {
  output.reset();
  spdlog::shutdown();
}

void write(Level level, std::string_view logger, std::string_view text) {
  if (level < threshold) return;
  recent_lines().add(level, logger, text);
  const Name& name = kNames[static_cast<std::size_t>(level)];
  if (output) output->log(name.spd, "{}/{}: {}", name.text, logger, text);
}

Recent recent() { return recent_lines().get(); }

}  // namespace locust::log
