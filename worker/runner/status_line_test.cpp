// What the status line says. How it looks on a terminal is shown in compat-tests, by a real one.
#include "runner/status_line.h"

#include <gtest/gtest.h>

namespace locust::runner {
namespace {

const SteadyTime start = SteadyTime{} + seconds(1000);

// `requests` of 3 ms and one of 200 ms.
stats::Report report(std::uint64_t requests, std::uint64_t failures) {
  stats::Report report;
  report.total.name = "Aggregated";
  report.total.num_requests = requests + 1;
  report.total.num_failures = failures;
  report.total.response_times = {{3, requests}, {200, 1}};
  return report;
}

TEST(StatusFigures, BeforeAnything) {
  StatusFigures figures;
  figures.clear(start);
  EXPECT_EQ(figures.text(0, "master 10.0.0.1:5557 not reached yet"),
            "0 users | 0.0 req/s | 0 failures (0.00%) | p50 0 ms, p95 0 ms | master 10.0.0.1:5557 "
            "not reached yet");
}

TEST(StatusFigures, RatesOfTheLastReportsAndFailuresOfTheTest) {
  StatusFigures figures;
  figures.clear(start);
  figures.add(report(9, 5), start + seconds(2));
  EXPECT_EQ(figures.text(7, "m"),
            "7 users | 5.0 req/s | 5 failures (50.00%) | p50 3 ms, p95 200 ms | m");
  for (int i = 1; i <= 3; ++i) figures.add(report(29, 0), start + seconds(2 + 3 * i));
  EXPECT_EQ(figures.text(8, "m"),
            "8 users | 10.0 req/s | 5 failures (5.00%) | p50 3 ms, p95 3 ms | m");
}

TEST(StatusFigures, AnewWithATest) {
  StatusFigures figures;
  figures.clear(start);
  figures.add(report(9, 9), start + seconds(3));
  figures.clear(start + seconds(4));
  figures.add(report(3, 0), start + seconds(6));
  EXPECT_EQ(figures.text(1, "m"),
            "1 users | 2.0 req/s | 0 failures (0.00%) | p50 3 ms, p95 200 ms | m");
}

}  // namespace
}  // namespace locust::runner
