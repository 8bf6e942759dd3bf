// Expected texts are what Python 3.11 prints for the same values.
#include "base/value.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>

namespace locust {
namespace {

using namespace std::chrono;
using namespace std::string_literals;

DateTime at(year_month_day date, microseconds time_of_day = {}) {
  return {duration_cast<microseconds>(sys_days{date}.time_since_epoch()) + time_of_day};
}

TEST(Repr, PlainValues) {
  EXPECT_EQ(repr(Value()), "None");
  EXPECT_EQ(repr(Value(true)), "True");
  EXPECT_EQ(repr(Value(false)), "False");
  EXPECT_EQ(repr(Value(-1)), "-1");
  EXPECT_EQ(repr(Value(std::uint64_t{1} << 63)), "9223372036854775808");
  EXPECT_EQ(repr(Value(UINT64_MAX)), "18446744073709551615");
}

TEST(Repr, FloatsAreTheShortestThatReadsBack) {
  const std::pair<double, const char*> cases[] = {
      {1.0, "1.0"},
      {0.1, "0.1"},
      {-0.0, "-0.0"},
      {1e15, "1000000000000000.0"},
      {1e16, "1e+16"},
      {123456789012345680.0, "1.2345678901234568e+17"},
      {1e22, "1e+22"},
      {0.0001, "0.0001"},
      {1e-5, "1e-05"},
      {5e-324, "5e-324"},
      {std::numeric_limits<double>::max(), "1.7976931348623157e+308"},
      {std::numeric_limits<double>::infinity(), "inf"},
      {-std::numeric_limits<double>::infinity(), "-inf"},
      {std::nan(""), "nan"},
      {-std::nan(""), "nan"},
  };
  for (const auto& [number, expected] : cases) EXPECT_EQ(repr(Value(number)), expected);
}

TEST(Repr, StringsChooseTheirQuotesAndEscape) {
  EXPECT_EQ(repr("it's"), R"("it's")");
  EXPECT_EQ(repr("say \"hi\""), R"('say "hi"')");
  EXPECT_EQ(repr("both ' and \""), R"('both \' and "')");
  EXPECT_EQ(repr("tab\t nl\n cr\r bs\\ nul\0 esc\x1b del\x7f"s),
            R"('tab\t nl\n cr\r bs\\ nul\x00 esc\x1b del\x7f')");
  EXPECT_EQ(repr("grüße – „oh“"), "'grüße – „oh“'");
  EXPECT_EQ(repr("\u00a0\u200b\u2028\ufeff\U000e0001\U0001F600"),
            "'\\xa0\\u200b\\u2028\\ufeff\\U000e0001\U0001F600'");
  EXPECT_EQ(repr(""), "''");
}

TEST(Repr, BytesThatAreNoTextAreShownOneByOne) { EXPECT_EQ(repr("a\xE2\x82z"), R"('a\xe2\x82z')"); }

TEST(Repr, Bytes) {
  EXPECT_EQ(repr(Value(Binary{"a'b\0\xff\n"s})), R"(b"a'b\x00\xff\n")");
  EXPECT_EQ(repr(Value(Binary{""})), "b''");
}

TEST(Repr, Datetimes) {
  const year_month_day day = 2026y / 1 / 31;
  EXPECT_EQ(repr(Value(at(day, 12h))), "datetime.datetime(2026, 1, 31, 12, 0)");
  EXPECT_EQ(repr(Value(at(day, 12h + 5s))), "datetime.datetime(2026, 1, 31, 12, 0, 5)");
  EXPECT_EQ(repr(Value(at(day, 7us))), "datetime.datetime(2026, 1, 31, 0, 0, 0, 7)");
  EXPECT_EQ(repr(Value(at(1y / 1 / 1))), "datetime.datetime(1, 1, 1, 0, 0)");
  EXPECT_EQ(repr(Value(at(1969y / 7 / 20, 20h + 17min + 40s + 250ms))),
            "datetime.datetime(1969, 7, 20, 20, 17, 40, 250000)");
}

TEST(Repr, Containers) {
  EXPECT_EQ(repr(Value(Array{1, Array{}, Map{}})), "[1, [], {}]");
  EXPECT_EQ(repr(Value(Map{{"user_count", 3}, {"host", nullptr}, {7, Array{1.5}}})),
            "{'user_count': 3, 'host': None, 7: [1.5]}");
}

TEST(Repr, BottomlessNestingIsCutOff) {
  Value value;
  for (int i = 0; i < 1000; ++i) value = Value(Array{std::move(value)});
  const std::string text = repr(value);
  EXPECT_NE(text.find("[[...]]"), text.npos);
  EXPECT_LT(text.size(), 1000u);
}

TEST(Value, NumbersOfAnyKind) {
  EXPECT_TRUE(Value(1).is_number());
  EXPECT_TRUE(Value(UINT64_MAX).is_number());
  EXPECT_TRUE(Value(0.5).is_number());
  EXPECT_FALSE(Value(true).is_number());
  EXPECT_FALSE(Value("1").is_number());
  EXPECT_DOUBLE_EQ(Value(-3).as_double(), -3);
  EXPECT_DOUBLE_EQ(Value(UINT64_MAX).as_double(), 18446744073709551615.0);
  EXPECT_DOUBLE_EQ(Value("1").as_double(), 0);
  EXPECT_EQ(Value(UINT64_MAX).as_int(), nullptr);
  EXPECT_EQ(Value(std::uint64_t{5}), Value(5));
}

TEST(Value, FindLooksUpStringKeysAndTheLastOneCounts) {
  const Value map(Map{{1, "one"}, {"a", "first"}, {"b", nullptr}, {"a", "last"}});
  ASSERT_NE(map.find("a"), nullptr);
  EXPECT_EQ(*map.find("a"), Value("last"));
  ASSERT_NE(map.find("b"), nullptr);
  EXPECT_TRUE(map.find("b")->is_nil());
  EXPECT_EQ(map.find("1"), nullptr);
  EXPECT_EQ(Value(Array{"a"}).find("a"), nullptr);
  EXPECT_EQ(Value().find("a"), nullptr);
}

}  // namespace
}  // namespace locust
