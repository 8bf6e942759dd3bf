// CPU and memory of this process, against what the kernel says of it by other ways.
#include "runner/process_usage.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <cmath>
#include <ctime>
#include <fstream>
#include <string>
#include <thread>

namespace locust::runner {
namespace {

// proc(5): state is field 3, utime 14, stime 15.
TEST(CpuTicks, AreFields14And15) {
  EXPECT_EQ(cpu_ticks("42 (shard-0) S 1 42 42 0 -1 4194304 100 0 0 0 250 31 0 0 20 0 3 0 99"),
            281U);
}

TEST(CpuTicks, NameMayHoldSpacesAndParentheses) {
  EXPECT_EQ(cpu_ticks("42 (a) R 9 (b c) 7) S 1 42 42 0 -1 4194304 100 0 0 0 250 31 0 0 20"), 281U);
}

TEST(CpuTicks, AnythingElseIsZero) {
  EXPECT_EQ(cpu_ticks(""), 0U);
  EXPECT_EQ(cpu_ticks("42 (name"), 0U);
  EXPECT_EQ(cpu_ticks("42 (name) S 1 2"), 0U);
  EXPECT_EQ(cpu_ticks("42 (name) S a b c d e f g h i j k l m"), 0U);
}

double thread_seconds() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
}

void burn(double cpu_seconds) {
  const double until = thread_seconds() + cpu_seconds;
  while (thread_seconds() < until) {
  }
}

TEST(ProcessUsage, WithoutDescriptorsTheNextFigureIsOverBothIntervals) {
  ProcessUsage usage;
  const SteadyTime start(seconds(1000));
  usage.busiest_thread_percent(start);
  burn(0.2);
  rlimit limit{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &limit), 0);
  const rlimit none{0, limit.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &none), 0);
  const double blind = usage.busiest_thread_percent(start + seconds(1));
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
  EXPECT_EQ(blind, 0);
  EXPECT_LE(usage.busiest_thread_percent(start + seconds(2)), 20);
}

TEST(ProcessUsage, IsThatOfTheBusiestThreadAndNotTheSum) {
  ProcessUsage usage;
  const SteadyTime start(seconds(1000));
  EXPECT_EQ(usage.busiest_thread_percent(start), 0) << "nothing is known yet";
  double percent = 0;
  std::thread other([] { burn(0.2); });
  burn(0.3);
  other.join();
  std::thread idle_one([&] {
    // As if a second had passed: 300 ms of it were spent on the test's thread. The kernel tells
    // user and system time in whole ticks of 10 ms each, so up to three may be missing or too many.
    percent = usage.busiest_thread_percent(start + seconds(1));
  });
  idle_one.join();
  EXPECT_GE(percent, 26);
  EXPECT_LE(percent, 34);
  EXPECT_LE(usage.busiest_thread_percent(start + seconds(2)), 10) << "since the last call";
}

TEST(ProcessUsage, IsNeverMoreThanOneCore) {
  ProcessUsage usage;
  const SteadyTime start(seconds(1000));
  usage.busiest_thread_percent(start);
  burn(0.04);
  EXPECT_EQ(usage.busiest_thread_percent(start + milliseconds(1)), 100);
  burn(0.03);
  EXPECT_EQ(usage.busiest_thread_percent(start + milliseconds(1)), 0) << "no time has passed";
}

TEST(ProcessUsage, IsToldToOneDecimalPlace) {
  ProcessUsage usage;
  const SteadyTime start(seconds(1000));
  usage.busiest_thread_percent(start);
  burn(0.05);
  // Five ticks of 10 ms in 700 ms are 7.142857... percent.
  const double percent = usage.busiest_thread_percent(start + milliseconds(700));
  EXPECT_GT(percent, 0);
  EXPECT_EQ(percent, std::round(percent * 10) / 10);
}

TEST(ProcessUsage, MemoryIsWhatTheKernelCallsResident) {
  std::ifstream status("/proc/self/status");
  std::uint64_t kilobytes = 0;
  for (std::string word; status >> word;) {
    if (word == "VmRSS:") status >> kilobytes;
  }
  ASSERT_GT(kilobytes, 0U);
  const double ratio =
      static_cast<double>(ProcessUsage::memory_bytes()) / (1024.0 * static_cast<double>(kilobytes));
  EXPECT_GT(ratio, 0.7);
  EXPECT_LT(ratio, 1.3);
}

}  // namespace
}  // namespace locust::runner
