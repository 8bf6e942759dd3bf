#include "protocol/exception_limiter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace locust::protocol {
namespace {

using namespace std::chrono_literals;
using testing::IsEmpty;
using testing::SizeIs;

constexpr SteadyTime kNow = SteadyTime(std::chrono::hours(5));

TEST(ExceptionLimiter, AllowsSoManyASecond) {
  ExceptionLimiter limiter(10);
  for (int i = 0; i < 10; ++i) EXPECT_EQ(limiter.allow("trace", 1, kNow), 1u);
  EXPECT_EQ(limiter.allow("trace", 1, kNow), 0u);
  EXPECT_EQ(limiter.allow("trace", 1, kNow + 999ms), 0u);
  EXPECT_EQ(limiter.allow("trace", 1, kNow + 1s), 1u);
}

TEST(ExceptionLimiter, AllowsAPartOfMany) {
  ExceptionLimiter limiter(10);
  EXPECT_EQ(limiter.allow("trace", 4, kNow), 4u);
  EXPECT_EQ(limiter.allow("trace", 1'000'000, kNow), 6u);
  EXPECT_EQ(limiter.allow("trace", 1'000'000, kNow + 5s), 10u);
}

TEST(ExceptionLimiter, CountsEachTracebackByItself) {
  ExceptionLimiter limiter(2);
  EXPECT_EQ(limiter.allow("one", 3, kNow), 2u);
  EXPECT_EQ(limiter.allow("two", 3, kNow), 2u);
}

TEST(ExceptionLimiter, AllowsTheFirstAtAnyTime) {
  ExceptionLimiter limiter(3);
  EXPECT_EQ(limiter.allow("trace", 5, SteadyTime{}), 3u);
  EXPECT_EQ(limiter.allow("other", 5, SteadyTime{} + 1ms), 3u);
}

TEST(ExceptionLimiter, TellsTrueCountsOfThoseThatWereHeldBack) {
  ExceptionLimiter limiter(10);
  limiter.allow("rare", 3, kNow);
  limiter.allow("loop", 500, kNow);
  limiter.allow("loop", 500, kNow + 2s);
  const auto suppressed = limiter.take_suppressed();
  ASSERT_THAT(suppressed, SizeIs(1));
  EXPECT_EQ(suppressed[0].traceback, "loop");
  EXPECT_EQ(suppressed[0].raised, 1000u);
  EXPECT_EQ(suppressed[0].sent, 20u);
}

TEST(ExceptionLimiter, StartsAnewAfterTellingThem) {
  ExceptionLimiter limiter(10);
  limiter.allow("loop", 500, kNow);
  limiter.take_suppressed();
  EXPECT_THAT(limiter.take_suppressed(), IsEmpty());
  limiter.allow("loop", 4, kNow + 5s);
  EXPECT_THAT(limiter.take_suppressed(), IsEmpty());
}

TEST(ExceptionLimiter, WithdrawnOnesWereNotSent) {
  ExceptionLimiter limiter(10);
  EXPECT_EQ(limiter.allow("trace", 5, kNow), 5u);
  limiter.withdraw("trace", 2);
  const auto suppressed = limiter.take_suppressed();
  ASSERT_THAT(suppressed, SizeIs(1));
  EXPECT_EQ(suppressed[0].raised, 5u);
  EXPECT_EQ(suppressed[0].sent, 3u);
}

}  // namespace
}  // namespace locust::protocol
