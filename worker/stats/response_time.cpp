#include "stats/response_time.h"

#include <cmath>

namespace locust::stats {
namespace {

// Beyond this a key would not fit the wire's 64 bits.
constexpr double limit = 9e18;

// To a multiple of unit, ties to the even multiple. Works on the integer part and on whether
// anything follows it, both exact, because dividing the double by the unit first would round twice.
std::int64_t round_half_even(double value, std::int64_t unit) {
  const auto whole = static_cast<std::int64_t>(value);
  const double fraction = value - static_cast<double>(whole);
  const std::int64_t quotient = whole / unit;
  // The remainder in halves of the unit, then the part that follows the decimal point.
  const std::int64_t above_half = 2 * (whole % unit) - unit;
  bool up = above_half > 0 || (above_half == 0 && (fraction > 0 || quotient % 2 != 0));
  if (unit == 1) up = fraction > 0.5 || (fraction == 0.5 && quotient % 2 != 0);
  return (quotient + (up ? 1 : 0)) * unit;
}

}  // namespace

std::int64_t bucket_response_time(double milliseconds) {
  if (std::isnan(milliseconds)) return 0;
  if (milliseconds < 0) {
    // Below 100, however far, Locust rounds to 1; halves to even is symmetric about 0.
    return -round_half_even(std::fmin(-milliseconds, limit), 1);
  }
  if (milliseconds < 100) return round_half_even(milliseconds, 1);
  if (milliseconds < 1000) return round_half_even(milliseconds, 10);
  if (milliseconds < 10000) return round_half_even(milliseconds, 100);
  const std::int64_t key = round_half_even(std::fmin(milliseconds, limit), 1000);
  // Python's round() gives a double again: the nearest one where the multiple has none (> 2^53).
  return static_cast<std::int64_t>(static_cast<double>(key));
}

}  // namespace locust::stats
