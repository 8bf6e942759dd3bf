// Reads and writes the one datetime format that Locust knows; a proleptic Gregorian calendar, as
// Python's.
#include "protocol/datetime.h"

#include <fmt/format.h>

#include <algorithm>

namespace locust::protocol {
namespace {

using namespace std::chrono;

constexpr microseconds kFirst{sys_days{1y / January / 1}.time_since_epoch()};
constexpr microseconds kLast{
    microseconds{sys_days{9999y / December / 31}.time_since_epoch() + days{1}} - 1us};

// Takes digits from the start of a text; remembers whether all was as it should be.
class Fields {
 public:
  explicit Fields(std::string_view text) : text_(text) {}

  int digits(std::size_t count) {
    int number = 0;
    if (text_.size() < count) ok_ = false;
    for (std::size_t i = 0; ok_ && i < count; ++i) {
      if (text_[i] < '0' || text_[i] > '9') ok_ = false;
      number = number * 10 + (text_[i] - '0');
    }
    if (ok_) text_.remove_prefix(count);
    return number;
  }
  void literal(char expected) {
    ok_ = ok_ && text_.starts_with(expected);
    if (ok_) text_.remove_prefix(1);
  }
  std::size_t left() const { return text_.size(); }
  bool ok() const { return ok_; }

 private:
  std::string_view text_;
  bool ok_ = true;
};

int fraction_in_microseconds(Fields& fields) {
  const std::size_t length = fields.left();
  if (length < 1 || length > 6) return -1;
  int fraction = fields.digits(length);
  for (std::size_t i = length; i < 6; ++i) fraction *= 10;
  return fraction;
}

}  // namespace

std::string datetime_text(DateTime time) {
  const microseconds since_epoch = std::clamp(time.since_epoch, kFirst, kLast);
  const days day = floor<days>(since_epoch);
  const year_month_day date{sys_days{day}};
  const hh_mm_ss clock{since_epoch - day};
  return fmt::format("{:04}{:02}{:02}T{:02}:{:02}:{:02}.{:06}", int{date.year()},
                     unsigned{date.month()}, unsigned{date.day()}, clock.hours().count(),
                     clock.minutes().count(), clock.seconds().count(), clock.subseconds().count());
}

std::optional<DateTime> datetime_from(std::string_view text) {
  Fields fields(text);
  const year y{fields.digits(4)};
  const month m{static_cast<unsigned>(fields.digits(2))};
  const day d{static_cast<unsigned>(fields.digits(2))};
  fields.literal('T');
  const int hour = fields.digits(2);
  fields.literal(':');
  const int minute = fields.digits(2);
  fields.literal(':');
  const int second = fields.digits(2);
  fields.literal('.');
  const int fraction = fraction_in_microseconds(fields);
  const year_month_day date = y / m / d;
  const bool sound = fields.ok() && fraction >= 0 && y >= 1y && date.ok() && hour < 24 &&
                     minute < 60 && second < 60;
  if (!sound) return std::nullopt;
  return DateTime{microseconds{sys_days{date}.time_since_epoch()} + hours{hour} + minutes{minute} +
                  seconds{second} + microseconds{fraction}};
}

}  // namespace locust::protocol
