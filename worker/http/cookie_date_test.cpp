#include "http/cookie_date.h"

#include <gtest/gtest.h>

namespace locust::http {
namespace {

// Seconds of `date -u -d '2021-06-09 10:18:14' +%s`.
constexpr std::int64_t kJune2021 = 1623233894;

TEST(CookieDate, IsReadInEveryCommonForm) {
  EXPECT_EQ(parse_cookie_date("Wed, 09 Jun 2021 10:18:14 GMT"), kJune2021);      // RFC 1123
  EXPECT_EQ(parse_cookie_date("Wednesday, 09-Jun-21 10:18:14 GMT"), kJune2021);  // RFC 850
  EXPECT_EQ(parse_cookie_date("Wed Jun  9 10:18:14 2021"), kJune2021);           // asctime
  EXPECT_EQ(parse_cookie_date("Wed, 9-june-2021 10:18:14"), kJune2021);
  // A token is the first thing missing that it can be: "2021" no day, "9th" one.
  EXPECT_EQ(parse_cookie_date("10:18:14pm 2021AD Juneau 9th"), kJune2021);
  EXPECT_EQ(parse_cookie_date("Thu, 01 Jan 1970 00:00:00 GMT"), 0);
}

TEST(CookieDate, TwoDigitYearsTurnAt70) {
  EXPECT_EQ(parse_cookie_date("1 Jan 70 0:0:0"), 0);
  EXPECT_EQ(parse_cookie_date("1 Jan 69 0:0:0"), 3124224000);  // 2069
}

TEST(CookieDate, NeedsEveryPart) {
  EXPECT_EQ(parse_cookie_date(""), std::nullopt);
  EXPECT_EQ(parse_cookie_date("09 Jun 2021"), std::nullopt);
  EXPECT_EQ(parse_cookie_date("Jun 2021 10:18:14"), std::nullopt);
  EXPECT_EQ(parse_cookie_date("09 2021 10:18:14"), std::nullopt);
  EXPECT_EQ(parse_cookie_date("09 Jun 10:18:14"), std::nullopt);
  EXPECT_EQ(parse_cookie_date("09 Jun 2021 10:18"), std::nullopt);
}

TEST(CookieDate, MustExist) {
  EXPECT_EQ(parse_cookie_date("31 Feb 2021 10:18:14"), std::nullopt);
  EXPECT_EQ(parse_cookie_date("00 Jun 2021 10:18:14"), std::nullopt);
  EXPECT_EQ(parse_cookie_date("09 Jun 1600 10:18:14"), std::nullopt);
  EXPECT_EQ(parse_cookie_date("09 Jun 2021 24:00:00"), std::nullopt);
  EXPECT_EQ(parse_cookie_date("09 Jun 2021 10:60:00"), std::nullopt);
  EXPECT_EQ(parse_cookie_date("09 Jun 2021 10:18:60"), std::nullopt);
  EXPECT_EQ(parse_cookie_date("09 Jun 20210 10:18:14"), std::nullopt);
  EXPECT_EQ(parse_cookie_date("09 Jun 2021 100:18:14"), std::nullopt);
}

}  // namespace
}  // namespace locust::http
