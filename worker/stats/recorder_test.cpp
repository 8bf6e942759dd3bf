#include "stats/recorder.h"

#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>

#include "base/log.h"
#include "base/test_allocations.h"

namespace locust::stats {
namespace {

using nlohmann::json;
using std::chrono::nanoseconds;

WallTime at(double seconds_since_epoch) {
  return WallTime(std::chrono::duration_cast<WallTime::duration>(
      std::chrono::duration<double>(seconds_since_epoch)));
}

json optional_number(const std::optional<double>& number) {
  return number ? json(*number) : json(nullptr);
}

json count_map(const std::map<std::int64_t, std::uint64_t>& counts) {
  json object = json::object();
  for (const auto& [key, count] : counts) object[std::to_string(key)] = count;
  return object;
}

json to_json(const EntryReport& entry) {
  return {{"name", entry.name},
          {"method", entry.method},
          {"last_request_timestamp", optional_number(entry.last_request_timestamp)},
          {"start_time", entry.start_time},
          {"num_requests", entry.num_requests},
          {"num_none_requests", entry.num_none_requests},
          {"num_failures", entry.num_failures},
          {"total_response_time", entry.total_response_time},
          {"max_response_time", entry.max_response_time},
          {"min_response_time", optional_number(entry.min_response_time)},
          {"total_content_length", entry.total_content_length},
          {"response_times", count_map(entry.response_times)},
          {"num_reqs_per_sec", count_map(entry.num_reqs_per_sec)},
          {"num_fail_per_sec", count_map(entry.num_fail_per_sec)}};
}

json to_json(const Report& report) {
  json rows = json::array();
  for (const EntryReport& row : report.stats) rows.push_back(to_json(row));
  json errors = json::object();
  for (const auto& [key, error] : report.errors) {
    errors[key] = {{"name", error.name},
                   {"method", error.method},
                   {"error", error.error},
                   {"occurrences", error.occurrences},
                   {"first_seen", error.first_seen},
                   {"last_seen", error.last_seen}};
  }
  return {{"stats", rows}, {"stats_total", to_json(report.total)}, {"errors", errors}};
}

json read_testdata(const std::string& name) {
  std::ifstream file(std::string(LOCUSTPP_STATS_TESTDATA "/") + name);
  return json::parse(file);
}

WallTime time_of(const json& sample) {
  return WallTime(nanoseconds(sample.at("at").get<std::int64_t>()));
}

// The reports of testdata/samples.json, as our own recorder makes them.
std::vector<Report> replay(const json& samples) {
  Recorder recorder(time_of(samples.at(0)));
  std::vector<Report> reports;
  for (const json& sample : samples) {
    const WallTime now = time_of(sample);
    const auto what = sample.at("do").get<std::string>();
    if (what == "report") {
      reports.push_back(recorder.take(now));
      continue;
    }
    if (what == "clear") {
      recorder.clear(now);
      continue;
    }
    Entry& entry = recorder.entry(sample.at("method").get<std::string>(),
                                  sample.at("name").get<std::string>());
    if (what == "request") {
      std::optional<double> response_time;
      if (!sample.at("ms").is_null()) response_time = sample.at("ms").get<double>();
      recorder.record(entry, now, response_time, sample.at("bytes").get<std::uint64_t>());
    }
    if (sample.contains("error")) {
      recorder.record_error(entry, now, sample.at("error").get<std::string>());
    }
  }
  return reports;
}

// What differs, member by member: nlohmann compares 1 and 1.0 as equal, doubles to the last bit.
void expect_same(const json& ours, const json& locusts) {
  EXPECT_TRUE(ours == locusts) << json::diff(locusts, ours).dump(1);
}

TEST(RecorderAgainstLocust, EveryReportIsTheSameToTheLastBit) {
  const std::vector<Report> ours = replay(read_testdata("samples.json"));
  const json locusts = read_testdata("reports.json").at("reports");
  ASSERT_EQ(ours.size(), locusts.size());
  ASSERT_GE(ours.size(), 5u);
  for (std::size_t i = 0; i < ours.size(); ++i) {
    SCOPED_TRACE(i);
    expect_same(to_json(ours[i]), locusts[i]);
  }
}

TEST(RecorderAgainstLocust, MergedReportsAreWhatAMasterMakesOfThem) {
  Report merged;
  for (const Report& report : replay(read_testdata("samples.json"))) merged.merge(report);
  expect_same(to_json(merged), read_testdata("reports.json").at("merged"));
}

TEST(Recorder, ReportsNothingButAnEmptyTotalWhenNothingHappened) {
  Recorder recorder(at(100));
  recorder.entry("GET", "/");
  const Report report = recorder.take(at(103.5));
  EXPECT_TRUE(report.empty());
  EXPECT_EQ(report.total.name, "Aggregated");
  EXPECT_EQ(report.total.method, "");
  EXPECT_EQ(report.total.start_time, 100);
  EXPECT_FALSE(report.total.last_request_timestamp);
  EXPECT_FALSE(report.total.min_response_time);
  EXPECT_EQ(recorder.take(at(106)).total.start_time, 103.5);
}

TEST(Recorder, KeepsOneRowForEachMethodAndName) {
  Recorder recorder(at(0));
  Entry& get = recorder.entry("GET", "/");
  EXPECT_EQ(&recorder.entry("GET", "/"), &get);
  EXPECT_NE(&recorder.entry("POST", "/"), &get);
  EXPECT_NE(&recorder.entry("GET/", ""), &get);
}

TEST(Recorder, AHandleStaysValidThroughReportsNewRowsAndClear) {
  Recorder recorder(at(0));
  Entry& kept = recorder.entry("GET", "/");
  for (int i = 0; i < 1000; ++i) recorder.entry("GET", std::to_string(i));
  recorder.record(kept, at(1), 5.0, 0);
  recorder.take(at(3));
  recorder.record(kept, at(4), 6.0, 0);
  recorder.clear(at(5));
  EXPECT_TRUE(recorder.take(at(6)).empty());
  recorder.record(kept, at(7), 7.0, 0);
  const Report report = recorder.take(at(8));
  ASSERT_EQ(report.stats.size(), 1u);
  EXPECT_EQ(report.stats[0].start_time, 7);
  EXPECT_EQ(report.stats[0].total_response_time, 7);
}

TEST(Recorder, ClearForgetsErrorsToo) {
  Recorder recorder(at(0));
  recorder.record_error(recorder.entry("GET", "/"), at(1), "gone");
  recorder.clear(at(2));
  const Report report = recorder.take(at(3));
  EXPECT_TRUE(report.errors.empty());
  EXPECT_EQ(report.total.num_failures, 0u);
  EXPECT_EQ(report.total.start_time, 2);
}

TEST(Recorder, AResponseTimeThatIsNoNumberIsNone) {
  Recorder recorder(at(0));
  Entry& entry = recorder.entry("GET", "/");
  recorder.record(entry, at(1), std::nan(""), 1);
  recorder.record(entry, at(1), std::numeric_limits<double>::infinity(), 1);
  const Report report = recorder.take(at(3));
  EXPECT_EQ(report.total.num_requests, 2u);
  EXPECT_EQ(report.total.num_none_requests, 2u);
  EXPECT_EQ(report.total.total_response_time, 0);
  EXPECT_TRUE(report.total.response_times.empty());
}

TEST(Recorder, FoldsNamesBeyondTheLimitIntoOneForEachMethodAndWarnsOnce) {
  const std::uint64_t logged = log::recent().total;
  Recorder recorder(at(0), 2);
  recorder.entry("GET", "/a");
  recorder.entry("GET", "/b");
  Entry& other = recorder.entry("GET", "/item?id=1");
  EXPECT_EQ(&recorder.entry("GET", "/item?id=2"), &other);
  Entry& other_post = recorder.entry("POST", "/item?id=3");
  EXPECT_NE(&other_post, &other);
  recorder.record(recorder.entry("GET", "/item?id=4"), at(1), 1.0, 0);
  recorder.record_error(other_post, at(1), "gone");
  recorder.record(recorder.entry("GET", "/a"), at(1), 1.0, 0);

  const Report report = recorder.take(at(3));
  ASSERT_EQ(report.stats.size(), 3u);
  EXPECT_EQ(report.stats[0].name, "(other names)");
  EXPECT_EQ(report.stats[0].method, "GET");
  EXPECT_EQ(report.stats[1].name, "(other names)");
  EXPECT_EQ(report.stats[1].method, "POST");
  EXPECT_EQ(report.stats[2].name, "/a");
  ASSERT_EQ(report.errors.size(), 1u);
  EXPECT_EQ(report.errors.begin()->second.name, "(other names)");

  const log::Recent recent = log::recent();
  ASSERT_EQ(recent.total, logged + 1);
  EXPECT_NE(recent.lines.back().find("WARNING/locust.stats"), std::string::npos);
  EXPECT_NE(recent.lines.back().find("GET /item?id=1"), std::string::npos);
  EXPECT_NE(recent.lines.back().find("name="), std::string::npos);
}

TEST(Recorder, AllocatesNothingForANameSeenBefore) {
  Recorder recorder(at(0));
  const std::string name = "/a name that is too long for the inside of a string";
  const std::string error = "an error text that is too long for the inside of a string";
  const auto record_all = [&](double second) {
    Entry& entry = recorder.entry("GET", name);
    recorder.record(entry, at(second), 1.5, 10);
    recorder.record(entry, at(second), 150'000.0, 10);
    recorder.record(entry, at(second), std::nullopt, 10);
    recorder.record_error(entry, at(second), error);
  };
  record_all(1);
  const std::size_t before = allocations;
  for (int i = 0; i < 16; ++i) record_all(1 + i * 0.25);
  EXPECT_EQ(allocations, before);
}

}  // namespace
}  // namespace locust::stats
