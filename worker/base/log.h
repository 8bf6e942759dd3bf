// Log lines in Locust's format, `[2026-01-31 12:00:00,123] host/INFO/locust.main: text`, to stderr
// or a file. Any thread may log; a line is handed to a writer thread and dropped rather than waited
// for when the disk or the terminal cannot keep up, so that no log line ever delays a heartbeat.
#pragma once

#include <fmt/core.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"

namespace locust::log {

enum class Level { debug, info, warning, error, critical };

// "info", "INFO" …; nothing where the name is not one of Locust's (-L/--loglevel).
std::optional<Level> level_from(std::string_view name);

// Before any thread is started, and after --processes has forked: it starts the writer thread.
// The log file's folder is made where there is none. Throws std::system_error where the file cannot
// be opened; a named pipe that nobody reads is such a file, since opening it would wait for ever.
void setup(Level level, const std::optional<std::string>& logfile);
// Writes what is queued, for at most `patience`: a pipe that nobody reads any more does not keep
// the process from ending. Afterwards nothing is written any more. False where the writer is stuck:
// then the process has to end by std::_Exit(), since exit() flushes stderr and would wait for it.
bool shutdown(SteadyDuration patience = seconds(1));

void write(Level level, std::string_view logger, std::string_view text);

// Where somebody else has a log of his own: he gets all lines of write() from now on, of every
// level and on the thread that logs, and must not log himself; null ends that. When it returns,
// no thread is in the former receiver any more.
using Receiver = std::function<void(Level level, std::string_view logger, std::string_view text)>;
void set_receiver(Receiver receiver);
// write() whether there is a receiver or not.
void write_here(Level level, std::string_view logger, std::string_view text);

// What has been logged since the start: as Locust's LogReader, the newest 500 formatted lines.
struct Recent {
  std::uint64_t total = 0;  // lines ever logged, to see whether there are new ones
  std::vector<std::string> lines;
};
Recent recent();

template <class... Args>
void debug(std::string_view logger, fmt::format_string<Args...> format, Args&&... args) {
  write(Level::debug, logger, fmt::format(format, std::forward<Args>(args)...));
}
template <class... Args>
void info(std::string_view logger, fmt::format_string<Args...> format, Args&&... args) {
  write(Level::info, logger, fmt::format(format, std::forward<Args>(args)...));
}
template <class... Args>
void warning(std::string_view logger, fmt::format_string<Args...> format, Args&&... args) {
  write(Level::warning, logger, fmt::format(format, std::forward<Args>(args)...));
}
template <class... Args>
void error(std::string_view logger, fmt::format_string<Args...> format, Args&&... args) {
  write(Level::error, logger, fmt::format(format, std::forward<Args>(args)...));
}
template <class... Args>
void critical(std::string_view logger, fmt::format_string<Args...> format, Args&&... args) {
  write(Level::critical, logger, fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace locust::log
