// Expected values: calculate_response_time_percentile() of Locust 2.47.0.
#include "stats/percentile.h"

#include <gtest/gtest.h>

namespace locust::stats {
namespace {

TEST(Percentile, AsLocustReckonsIt) {
  EntryReport row;
  row.num_requests = 12;
  row.num_none_requests = 2;  // they have no time, and do not count
  row.response_times = {{1, 5}, {20, 3}, {300, 2}};
  EXPECT_EQ(percentile(row, 0.0), 1);
  EXPECT_EQ(percentile(row, 0.49), 1);
  EXPECT_EQ(percentile(row, 0.5), 20);
  EXPECT_EQ(percentile(row, 0.6), 20);
  EXPECT_EQ(percentile(row, 0.8), 300);
  EXPECT_EQ(percentile(row, 0.95), 300);
  EXPECT_EQ(percentile(row, 1.0), 300);
}

TEST(Percentile, OfNothing) {
  EntryReport row;
  EXPECT_EQ(percentile(row, 0.5), 0);
  row.num_requests = row.num_none_requests = 3;
  EXPECT_EQ(percentile(row, 0.5), 0);
}

}  // namespace
}  // namespace locust::stats
