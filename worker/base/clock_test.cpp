#include "base/clock.h"

#include <gtest/gtest.h>

#include <limits>

namespace locust {
namespace {

TEST(DurationOf, IsExactWhereItFits) {
  EXPECT_EQ(duration_of(0), SteadyDuration::zero());
  EXPECT_EQ(duration_of(1.5), milliseconds(1500));
  EXPECT_EQ(duration_of(-2), seconds(-2));
}

TEST(DurationOf, IsTenYearsWhereItDoesNot) {
  const auto for_ever = std::chrono::hours(3650 * 24);
  const double infinity = std::numeric_limits<double>::infinity();
  EXPECT_EQ(duration_of(1e10), for_ever);
  EXPECT_EQ(duration_of(std::numeric_limits<double>::max()), for_ever);
  EXPECT_EQ(duration_of(infinity), for_ever);
  EXPECT_EQ(duration_of(-infinity), -for_ever);
  EXPECT_EQ(duration_of(std::numeric_limits<double>::quiet_NaN()), for_ever);
}

}  // namespace
}  // namespace locust
