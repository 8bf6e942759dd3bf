#include "cli/console_stats.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "stats/percentile.h"

namespace locust::cli {

namespace {

using stats::EntryReport;
using stats::Report;

constexpr std::size_t kTypeWidth = 8;
constexpr std::array<std::pair<double, const char*>, 11> kPercentiles{{{0.50, "50%"},
                                                                       {0.66, "66%"},
                                                                       {0.75, "75%"},
                                                                       {0.80, "80%"},
                                                                       {0.90, "90%"},
                                                                       {0.95, "95%"},
                                                                       {0.98, "98%"},
                                                                       {0.99, "99%"},
                                                                       {0.999, "99.9%"},
                                                                       {0.9999, "99.99%"},
                                                                       {1.0, "100%"}}};

std::string dashes(std::ptrdiff_t count) {
  return std::string(static_cast<std::size_t>(std::max<std::ptrdiff_t>(count, 0)), '-');
}

// Python's "%-…s": it counts characters, where fmt counts columns of a terminal.
std::string padded(std::string text, std::size_t width) {
  const auto characters = static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char byte) { return (byte & 0xC0) != 0x80; }));
  if (characters < width) text.append(width - characters, ' ');
  return text;
}

std::vector<const EntryReport*> sorted(const Report& report) {
  std::vector<const EntryReport*> rows;
  for (const EntryReport& row : report.stats) rows.push_back(&row);
  std::sort(rows.begin(), rows.end(), [](const EntryReport* a, const EntryReport* b) {
    return std::tie(a->name, a->method) < std::tie(b->name, b->method);
  });
  return rows;
}

// Of the ten seconds that end two seconds before the last request (StatsEntry.current_rps).
double current_rate(const std::map<std::int64_t, std::uint64_t>& counts, const EntryReport& total) {
  if (!total.last_request_timestamp) return 0;
  const auto last = static_cast<std::int64_t>(*total.last_request_timestamp);
  const std::int64_t from = std::max(last - 12, static_cast<std::int64_t>(total.start_time));
  if (from >= last - 2) return 0;
  double sum = 0;
  for (auto it = counts.lower_bound(from); it != counts.end() && it->first < last - 2; ++it) {
    sum += static_cast<double>(it->second);
  }
  return sum / static_cast<double>(last - 2 - from);
}

double total_rate(std::uint64_t count, const EntryReport& total) {
  const double duration = total.last_request_timestamp.value_or(0) - total.start_time;
  if (!total.last_request_timestamp || total.start_time == 0 || duration == 0) return 0;
  return static_cast<double>(count) / duration;
}

double failed_percent(const EntryReport& row) {
  if (row.num_requests == 0) return row.num_failures > 0 ? 100 : 0;
  return static_cast<double>(row.num_failures) / static_cast<double>(row.num_requests) * 100;
}

double average(const EntryReport& row) {
  const std::uint64_t timed = row.num_requests - row.num_none_requests;
  return timed == 0 ? 0 : row.total_response_time / static_cast<double>(timed);
}

// The median is of a bucket; it is not said to be outside of what was measured.
double median(const EntryReport& row) {
  if (row.response_times.empty()) return 0;
  const auto value = static_cast<double>(stats::percentile(row, 0.5));
  return std::min(std::max(value, row.min_response_time.value_or(value)), row.max_response_time);
}

// Python's "%d" of a float.
std::int64_t whole(double value) { return static_cast<std::int64_t>(value); }

// Locust's "%-…s" with a width that is negative on a narrow terminal: the sign is a second one to
// the left.
std::size_t name_column(std::size_t name_width) {
  const std::size_t wanted = name_width + 4;
  return wanted > kTypeWidth ? wanted - kTypeWidth : kTypeWidth - wanted;
}

std::string stats_row(const EntryReport& row, const EntryReport& total, bool current,
                      std::size_t name_width) {
  const double rate =
      current ? current_rate(row.num_reqs_per_sec, total) : total_rate(row.num_requests, total);
  const double failures =
      current ? current_rate(row.num_fail_per_sec, total) : total_rate(row.num_failures, total);
  const std::string method = row.method.empty() ? "" : row.method + ' ';
  const std::string failed = fmt::format("{}({:.2f}%)", row.num_failures, failed_percent(row));
  return fmt::format("{} {} {:>7} {:>12} |{:>7} {:>7} {:>7}{:>7} | {:>7.2f} {:>11.2f}\n",
                     padded(method, kTypeWidth), padded(row.name, name_column(name_width)),
                     row.num_requests, failed, whole(average(row)),
                     whole(row.min_response_time.value_or(0)), whole(row.max_response_time),
                     whole(median(row)), rate, failures);
}

std::string percentile_row(const EntryReport& row, std::size_t name_width) {
  std::string line = padded(row.method, kTypeWidth) + ' ' + padded(row.name, name_width);
  for (std::size_t i = 0; i < kPercentiles.size(); ++i) {
    line += fmt::format(" {:>{}}", stats::percentile(row, kPercentiles[i].first), i == 0 ? 8 : 6);
  }
  return line + fmt::format(" {:>6}\n", row.num_requests);
}

// As the failures tab shows it: the text of a CatchResponseError without that word.
std::string_view unwrapped(std::string_view error) {
  constexpr std::string_view start = "CatchResponseError(";
  return error.starts_with(start) ? error.substr(start.size(), error.size() - start.size() - 1)
                                  : error;
}

}  // namespace

std::size_t stats_name_width() {
  winsize size{};
  if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0) return 80;
  return static_cast<std::size_t>(std::clamp(size.ws_col - 80, 0, 80));
}

std::string stats_table(const Report& report, bool current, std::size_t name_width) {
  const auto width = static_cast<std::ptrdiff_t>(name_width) - std::ptrdiff_t{kTypeWidth} + 4;
  const std::string separator =
      fmt::format("{}|{}|{}|{}|{}|{}|{}|{}|{}|{}\n", dashes(kTypeWidth), dashes(width), dashes(7),
                  dashes(13), dashes(7), dashes(7), dashes(7), dashes(7), dashes(8), dashes(11));
  std::string out =
      fmt::format("{:<8} {:<{}} {:>7} {:>12} |{:>7} {:>7} {:>7}{:>7} | {:>7} {:>11}\n", "Type",
                  "Name", name_column(name_width), "# reqs", "# fails", "Avg", "Min", "Max", "Med",
                  "req/s", "failures/s");
  out += separator;
  for (const EntryReport* row : sorted(report)) {
    out += stats_row(*row, report.total, current, name_width);
  }
  return out + separator + stats_row(report.total, report.total, current, name_width) + "\n";
}

std::string percentile_table(const Report& report, std::size_t name_width) {
  std::string out = "Response time percentiles (approximated)\n";
  out += fmt::format("{:<8} {:<{}}", "Type", "Name", name_width);
  std::string separator =
      fmt::format("{}|{}|{}", dashes(kTypeWidth), std::string(name_width, '-'), dashes(8));
  for (std::size_t i = 0; i < kPercentiles.size(); ++i) {
    out += fmt::format(" {:>{}}", kPercentiles[i].second, i == 0 ? 8 : 6);
    separator += '|' + dashes(6);
  }
  separator += '\n';
  out += fmt::format(" {:>6}\n", "# reqs") + separator;
  for (const EntryReport* row : sorted(report)) {
    if (!row->response_times.empty()) out += percentile_row(*row, name_width);
  }
  out += separator;
  if (!report.total.response_times.empty()) out += percentile_row(report.total, name_width);
  return out + "\n";
}

std::string error_table(const Report& report, std::size_t name_width) {
  if (report.errors.empty()) return {};
  std::vector<const stats::ErrorReport*> errors;
  for (const auto& [key, error] : report.errors) errors.push_back(&error);
  std::stable_sort(errors.begin(), errors.end(),
                   [](const auto* a, const auto* b) { return a->first_seen < b->first_seen; });
  const std::string separator =
      dashes(18) + '|' + dashes(static_cast<std::ptrdiff_t>(name_width) + 80 - 19) + '\n';
  std::string out =
      fmt::format("Error report\n{:<18} {:<100}\n{}", "# occurrences", "Error", separator);
  for (const stats::ErrorReport* error : errors) {
    const std::string text =
        fmt::format("{} {}: {}", error->method, error->name, unwrapped(error->error));
    out += fmt::format("{:<18} {}\n", error->occurrences, padded(text, 100));
  }
  return out + separator + "\n";
}

}  // namespace locust::cli
