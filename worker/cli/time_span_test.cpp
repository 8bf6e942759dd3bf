// Expected values are those of locust.util.timespan.parse_timespan (2.47.0).
#include "cli/time_span.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace locust::cli {
namespace {

TEST(TimeSpan, ReadsEveryForm) {
  const std::vector<std::pair<std::string, int>> cases = {
      {"20", 20},       {"20s", 20},   {"3m", 180},         {"2h", 7200},
      {"1h20m", 4800},  {"90m", 5400}, {"3h30m10s", 12610}, {"0", 0},
      {"1h0m0s", 3600}, {"007", 7},    {"1h5s", 3605},      {"999999999", 999999999}};
  for (const auto& [text, seconds] : cases) {
    const auto span = parse_time_span(text);
    ASSERT_TRUE(std::holds_alternative<std::chrono::seconds>(span)) << text;
    EXPECT_EQ(std::get<std::chrono::seconds>(span).count(), seconds) << text;
  }
}

TEST(TimeSpan, SaysWhatIsWrongAsLocustDoes) {
  for (const char* text : {"1h1h", "1m1h", "3x", "s", "h", "1.5s", " 3", "3m5", "-1", "1h 2m",
                           "10s5", "3 ", "12345678901234567890"}) {
    const auto span = parse_time_span(text);
    ASSERT_TRUE(std::holds_alternative<std::string>(span)) << text;
    EXPECT_EQ(std::get<std::string>(span),
              "Invalid time span format. Valid formats: 20, 20s, 3m, 2h, 1h20m, 3h30m10s, etc.")
        << text;
  }
  EXPECT_EQ(std::get<std::string>(parse_time_span("")), "Invalid time span format");
}

}  // namespace
}  // namespace locust::cli
