#include "python/process_recorder.h"

#include <gtest/gtest.h>

namespace locust::python {
namespace {

WallTime at(int second) { return WallTime(seconds(1'700'000'000 + second)); }

TEST(ProcessRecorder, PeekTakesNothingAway) {
  ProcessRecorder recorder(at(0));
  recorder.record("GET", "/", at(1), 5, 10);
  EXPECT_EQ(recorder.peek(at(2)).total.num_requests, 1U);
  const std::string_view error = "ValueError('x')";
  recorder.record("GET", "/", at(3), 7, 10, &error);
  EXPECT_EQ(recorder.peek(at(4)).total.num_requests, 2U);
  const stats::Report report = recorder.take(at(5));
  EXPECT_EQ(report.total.num_requests, 2U);
  EXPECT_EQ(report.total.num_failures, 1U);
  ASSERT_EQ(report.stats.size(), 1U);
  EXPECT_EQ(report.stats[0].total_response_time, 12);
  EXPECT_EQ(report.errors.size(), 1U);
  EXPECT_EQ(report.total.start_time, 1'700'000'000);
  EXPECT_EQ(recorder.take(at(6)).total.num_requests, 0U);
}

TEST(ProcessRecorder, ClearForgetsWhatWasPeekedAt) {
  ProcessRecorder recorder(at(0));
  recorder.record("GET", "/", at(1), 5, 10);
  recorder.peek(at(1));
  recorder.clear(at(2));
  const stats::Report report = recorder.take(at(3));
  EXPECT_EQ(report.total.num_requests, 0U);
  EXPECT_EQ(report.total.start_time, 1'700'000'002);
}

TEST(ProcessRecorder, IsDirtyUntilItIsLookedAt) {
  ProcessRecorder recorder(at(0));
  EXPECT_FALSE(recorder.dirty());
  recorder.record_error("GET", "/", at(1), "bad");
  EXPECT_TRUE(recorder.dirty());
  recorder.take(at(1));
  EXPECT_FALSE(recorder.dirty());
  recorder.record("GET", "/", at(1), std::nullopt, 0);
  EXPECT_TRUE(recorder.dirty());
  recorder.peek(at(1));
  EXPECT_FALSE(recorder.dirty());
}

}  // namespace
}  // namespace locust::python
