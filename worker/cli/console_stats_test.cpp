// Expected values: what Locust 2.47.0 prints of the same statistics (testdata/console.json, made by
// stats/locust_reference.py).
#include "cli/console_stats.h"

#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <string>

namespace locust::cli {
namespace {

using nlohmann::json;
using stats::EntryReport;
using stats::Report;

json testdata() {
  std::ifstream file(LOCUSTPP_CLI_TESTDATA "/console.json");
  return json::parse(file);
}

template <class Value>
std::optional<Value> optional(const json& value) {
  return value.is_null() ? std::nullopt : std::optional(value.get<Value>());
}

std::map<std::int64_t, std::uint64_t> counts(const json& object) {
  std::map<std::int64_t, std::uint64_t> result;
  for (const auto& [key, count] : object.items()) result[std::stoll(key)] = count;
  return result;
}

EntryReport entry(const json& row) {
  EntryReport result;
  result.name = row.at("name");
  result.method = row.at("method");
  result.last_request_timestamp = optional<double>(row.at("last_request_timestamp"));
  result.start_time = row.at("start_time");
  result.num_requests = row.at("num_requests");
  result.num_none_requests = row.at("num_none_requests");
  result.num_failures = row.at("num_failures");
  result.total_response_time = row.at("total_response_time");
  result.max_response_time = row.at("max_response_time");
  result.min_response_time = optional<double>(row.at("min_response_time"));
  result.total_content_length = row.at("total_content_length");
  result.response_times = counts(row.at("response_times"));
  result.num_reqs_per_sec = counts(row.at("num_reqs_per_sec"));
  result.num_fail_per_sec = counts(row.at("num_fail_per_sec"));
  return result;
}

Report report(const json& data) {
  Report result;
  for (const json& row : data.at("stats")) result.stats.push_back(entry(row));
  result.total = entry(data.at("stats_total"));
  for (const auto& [key, error] : data.at("errors").items()) {
    result.errors[key] = {error.at("name"),        error.at("method"),     error.at("error"),
                          error.at("occurrences"), error.at("first_seen"), error.at("last_seen")};
  }
  return result;
}

std::string lines(const json& list) {
  std::string text;
  for (const json& line : list) text += line.get<std::string>() + '\n';
  return text;
}

TEST(ConsoleStats, AreLocustsTables) {
  const json data = testdata();
  const Report samples = report(data.at("report"));
  ASSERT_EQ(data.at("tables").size(), 3U);
  for (const auto& [width_text, tables] : data.at("tables").items()) {
    const std::size_t width = std::stoul(width_text);
    EXPECT_EQ(stats_table(samples, true, width), lines(tables.at("current")) + '\n') << width;
    EXPECT_EQ(stats_table(samples, false, width), lines(tables.at("total")) + '\n') << width;
    EXPECT_EQ(percentile_table(samples, width), lines(tables.at("percentiles")) + '\n') << width;
    EXPECT_EQ(error_table(samples, width), lines(tables.at("errors"))) << width;
  }
}

TEST(ConsoleStats, OfNothing) {
  Report nothing;
  nothing.total.name = "Aggregated";
  EXPECT_EQ(error_table(nothing, 80), "");
  const std::string table = stats_table(nothing, false, 80);
  EXPECT_NE(table.find("Aggregated"), std::string::npos);
  EXPECT_NE(table.find("0(0.00%) |      0       0       0      0 |    0.00        0.00"),
            std::string::npos)
      << table;
}

}  // namespace
}  // namespace locust::cli
