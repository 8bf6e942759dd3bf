// Expected values are those of Python's difflib.
#include "cli/close_match.h"

#include <gtest/gtest.h>

namespace locust::cli {
namespace {

TEST(CloseMatch, RatesAsDifflib) {
  EXPECT_DOUBLE_EQ(similarity("--host", "--hots"), 5.0 / 6);
  EXPECT_DOUBLE_EQ(similarity("--host", "--foo"), 6.0 / 11);
  EXPECT_DOUBLE_EQ(similarity("--worker", "--workers"), 16.0 / 17);
  EXPECT_DOUBLE_EQ(similarity("bcde", "abcd"), 0.75);
  EXPECT_DOUBLE_EQ(similarity("", ""), 1);
}

TEST(CloseMatch, TakesTheMostSimilar) {
  const std::vector<std::string> names = {"--master", "--master-port", "--master-host", "--host"};
  EXPECT_EQ(close_match("--master-hots", names), "--master-host");
  EXPECT_EQ(close_match("--hots", names), "--host");
}

TEST(CloseMatch, HasNoneBelowThreeFifths) {
  EXPECT_EQ(close_match("--no", {"--otel"}), "--otel");  // exactly 0.6
  EXPECT_EQ(close_match("--foo", {"--host"}), std::nullopt);
  EXPECT_EQ(close_match("--foo", {}), std::nullopt);
  EXPECT_EQ(close_match(std::string(10'000, 'x'), {"--host"}), std::nullopt);
}

}  // namespace
}  // namespace locust::cli
