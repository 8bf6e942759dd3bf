#include "stats/report.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace locust::stats {
namespace {

// Expected values: StatsEntry.extend and on_worker_report of Locust 2.47.0. A long series of
// reports is compared with a real master's sums in recorder_test.cpp.

EntryReport row(const char* method, const char* name, double response_time) {
  EntryReport row;
  row.method = method;
  row.name = name;
  row.last_request_timestamp = 11.5;
  row.start_time = 10;
  row.num_requests = 1;
  row.total_response_time = row.max_response_time = response_time;
  row.min_response_time = response_time;
  row.response_times[static_cast<std::int64_t>(response_time)] = 1;
  row.num_reqs_per_sec[11] = 1;
  return row;
}

TEST(EntryReport, MergeAddsCountsAndKeepsTheExtremes) {
  EntryReport sum = row("GET", "/", 5);
  EntryReport other = row("GET", "/", 7);
  other.start_time = 9;
  other.last_request_timestamp = 12.5;
  other.num_none_requests = 2;
  other.num_failures = 1;
  other.total_content_length = 40;
  other.num_reqs_per_sec[12] = 3;
  other.num_fail_per_sec[12] = 1;
  sum.merge(other);
  EXPECT_EQ(sum.num_requests, 2u);
  EXPECT_EQ(sum.num_none_requests, 2u);
  EXPECT_EQ(sum.num_failures, 1u);
  EXPECT_EQ(sum.start_time, 9);
  EXPECT_EQ(sum.last_request_timestamp, 12.5);
  EXPECT_EQ(sum.total_response_time, 12);
  EXPECT_EQ(sum.min_response_time, 5);
  EXPECT_EQ(sum.max_response_time, 7);
  EXPECT_EQ(sum.total_content_length, 40u);
  using Counts = std::map<std::int64_t, std::uint64_t>;
  EXPECT_EQ(sum.response_times, (Counts{{5, 1}, {7, 1}}));
  EXPECT_EQ(sum.num_reqs_per_sec, (Counts{{11, 2}, {12, 3}}));
  EXPECT_EQ(sum.num_fail_per_sec, (Counts{{12, 1}}));
}

TEST(EntryReport, WhatOneSideLacksComesFromTheOther) {
  EntryReport with = row("GET", "/", 5);
  EntryReport without;
  without.start_time = 20;
  EntryReport sum = without;
  sum.merge(with);
  EXPECT_EQ(sum.last_request_timestamp, 11.5);
  EXPECT_EQ(sum.min_response_time, 5);
  with.merge(without);
  EXPECT_EQ(with.last_request_timestamp, 11.5);
  EXPECT_EQ(with.min_response_time, 5);
  EXPECT_EQ(with.start_time, 10);
}

TEST(Report, OneThatNobodyMadeChangesNothing) {
  Report made;
  made.total = row("", "Aggregated", 5);
  made.merge(Report());
  EXPECT_EQ(made.total.start_time, 10);
  EXPECT_TRUE(Report().is_default());
  EXPECT_FALSE(made.is_default());
}

TEST(Report, MergeMatchesRowsByMethodAndName) {
  Report sum;
  sum.stats = {row("GET", "/a", 1), row("POST", "/a", 2)};
  Report other;
  other.stats = {row("GET", "/b", 3), row("POST", "/a", 4), row("GET", "/b", 5)};
  sum.merge(other);
  ASSERT_EQ(sum.stats.size(), 3u);
  EXPECT_EQ(sum.stats[0].num_requests, 1u);
  EXPECT_EQ(sum.stats[1].total_response_time, 6);
  EXPECT_EQ(sum.stats[2].name, "/b");
  EXPECT_EQ(sum.stats[2].total_response_time, 8);
}

TEST(Report, MergeAddsErrorsOfOneKey) {
  Report sum;
  sum.errors["k"] = {"/", "GET", "gone", 2, 10.5, 11.5};
  Report other;
  other.errors["k"] = {"/", "GET", "gone", 3, 9.5, 11};
  other.errors["l"] = {"/", "GET", "lost", 1, 12, 12};
  sum.merge(other);
  ASSERT_EQ(sum.errors.size(), 2u);
  EXPECT_EQ(sum.errors["k"].occurrences, 5u);
  EXPECT_EQ(sum.errors["k"].first_seen, 9.5);
  EXPECT_EQ(sum.errors["k"].last_seen, 11.5);
  EXPECT_EQ(sum.errors["l"].error, "lost");
}

TEST(Report, ADefaultOneTakesOverTheOthersTotal) {
  Report report;
  report.total = row("", "Aggregated", 5);
  Report sum;
  sum.merge(report);
  EXPECT_EQ(sum.total.name, "Aggregated");
  EXPECT_EQ(sum.total.start_time, 10);
  sum.merge(report);
  EXPECT_EQ(sum.total.num_requests, 2u);
}

TEST(Report, ErrorsComeInTheOrderOfTheirFirstOccurrence) {
  Report report;
  report.errors["a"] = {"/", "GET", "third", 1, 12, 12};
  report.errors["b"] = {"/", "GET", "first", 1, 10.5, 20};
  report.errors["c"] = {"/", "GET", "second", 1, 11, 11};
  std::vector<std::string> texts;
  for (const auto* keyed : report.errors_as_first_seen()) texts.push_back(keyed->second.error);
  EXPECT_EQ(texts, (std::vector<std::string>{"first", "second", "third"}));
}

TEST(Report, IsEmptyWithoutRowsAndErrors) {
  Report report;
  EXPECT_TRUE(report.empty());
  report.stats = {row("GET", "/", 1)};
  EXPECT_FALSE(report.empty());
}

}  // namespace
}  // namespace locust::stats
