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

TEST(DurationOf, IsAYearWhereItDoesNot) {
  const auto year = std::chrono::hours(365 * 24);
  const double infinity = std::numeric_limits<double>::infinity();
  EXPECT_EQ(duration_of(1e10), year);
  EXPECT_EQ(duration_of(std::numeric_limits<double>::max()), year);
  EXPECT_EQ(duration_of(infinity), year);
  EXPECT_EQ(duration_of(-infinity), -year);
  EXPECT_EQ(duration_of(std::numeric_limits<double>::quiet_NaN()), year);
}

}  // namespace
}  // namespace locust
