#include "stats/response_time.h"

#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>

namespace locust::stats {
namespace {

// testdata/buckets.json names the command that made it of Locust 2.47.0: about every tie of every
// magnitude, with the doubles next to it.
TEST(BucketResponseTime, IsLocustsForEveryTimeOfADenseList) {
  std::ifstream file(LOCUSTPP_STATS_TESTDATA "/buckets.json");
  const auto buckets = nlohmann::json::parse(file).at("buckets");
  ASSERT_GT(buckets.size(), 3000u);
  for (const auto& pair : buckets) {
    const auto time = pair.at(0).get<double>();
    ASSERT_EQ(bucket_response_time(time), pair.at(1).get<std::int64_t>()) << pair;
  }
}

TEST(BucketResponseTime, ComparesTheUnroundedTimeWithTheLimits) {
  EXPECT_EQ(bucket_response_time(99.6), 100);
  EXPECT_EQ(bucket_response_time(104.9), 100);
  EXPECT_EQ(bucket_response_time(999.9), 1000);
  EXPECT_EQ(bucket_response_time(9999), 10000);
}

TEST(BucketResponseTime, AlwaysFitsInTheMessage) {
  const double infinity = std::numeric_limits<double>::infinity();
  EXPECT_EQ(bucket_response_time(infinity), 9'000'000'000'000'000'000);
  EXPECT_EQ(bucket_response_time(1e300), 9'000'000'000'000'000'000);
  EXPECT_EQ(bucket_response_time(-infinity), -9'000'000'000'000'000'000);
  EXPECT_EQ(bucket_response_time(std::nan("")), 0);
}

}  // namespace
}  // namespace locust::stats
