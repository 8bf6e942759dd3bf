#include "http/cookie_date.h"

#include <array>
#include <chrono>

#include "http/header_value.h"

namespace locust::http {

namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool is_delimiter(char c) {
  return c == '\t' || (c >= 0x20 && c <= 0x2f) || (c >= 0x3b && c <= 0x40) ||
         (c >= 0x5b && c <= 0x60) || (c >= 0x7b && c <= 0x7e);
}

// The digits at the start of the text, which are removed from it; nothing where there are fewer or
// more than allowed.
std::optional<int> take_number(std::string_view& text, std::size_t least, std::size_t most) {
  std::size_t length = 0;
  int number = 0;
  while (length < text.size() && length < most && is_digit(text[length])) {
    number = number * 10 + (text[length] - '0');
    ++length;
  }
  if (length < least || (length < text.size() && is_digit(text[length]))) return std::nullopt;
  text.remove_prefix(length);
  return number;
}

struct Date {
  std::optional<std::array<int, 3>> time;
  std::optional<int> day;
  std::optional<int> month;  // from 1
  std::optional<int> year;

  // A token is the first thing missing that it can be.
  void accept(std::string_view token) {
    if (!time && accept_time(token)) return;
    if (!day && (day = number_of(token, 1, 2))) return;
    if (!month && (month = month_of(token))) return;
    if (!year) year = number_of(token, 2, 4);
  }

 private:
  static std::optional<int> number_of(std::string_view token, std::size_t least, std::size_t most) {
    return take_number(token, least, most);
  }

  bool accept_time(std::string_view token) {
    std::array<int, 3> parts{};
    for (std::size_t i = 0; i < parts.size(); ++i) {
      if (i > 0) {
        if (token.empty() || token.front() != ':') return false;
        token.remove_prefix(1);
      }
      const auto number = take_number(token, 1, 2);
      if (!number) return false;
      parts[i] = *number;
    }
    time = parts;
    return true;
  }

  static std::optional<int> month_of(std::string_view token) {
    constexpr std::array<std::string_view, 12> kMonths = {"jan", "feb", "mar", "apr", "may", "jun",
                                                          "jul", "aug", "sep", "oct", "nov", "dec"};
    for (std::size_t i = 0; i < kMonths.size(); ++i) {
      if (equals_ignoring_case(token.substr(0, 3), kMonths[i])) return static_cast<int>(i) + 1;
    }
    return std::nullopt;
  }
};

}  // namespace

std::optional<std::int64_t> parse_cookie_date(std::string_view text) {
  Date date;
  while (!text.empty()) {
    std::size_t length = 0;
    while (length < text.size() && !is_delimiter(text[length])) ++length;
    if (length > 0) date.accept(text.substr(0, length));
    text.remove_prefix(length < text.size() ? length + 1 : length);
  }
  if (!date.time || !date.day || !date.month || !date.year) return std::nullopt;
  const auto [hour, minute, second] = *date.time;
  int year = *date.year;
  if (year >= 70 && year <= 99) year += 1900;
  if (year >= 0 && year <= 69) year += 2000;
  if (year < 1601 || hour > 23 || minute > 59 || second > 59) return std::nullopt;
  const std::chrono::year_month_day day{std::chrono::year(year),
                                        std::chrono::month(static_cast<unsigned>(*date.month)),
                                        std::chrono::day(static_cast<unsigned>(*date.day))};
  if (!day.ok()) return std::nullopt;
  const std::int64_t days = std::chrono::sys_days(day).time_since_epoch().count();
  return days * 86400 + hour * 3600 + minute * 60 + second;
}

}  // namespace locust::http
