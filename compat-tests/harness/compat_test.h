// The fixture of a case against a real master: short ways to start the parts, and at the end the
// check that the master's log holds nothing that a stock worker would not have caused.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "harness/master.h"
#include "harness/target.h"
#include "harness/worker.h"

namespace compat {

// For INSTANTIATE_TEST_SUITE_P. Both ends of the range take every case.
const std::vector<std::string>& all_versions();
const std::vector<std::string>& end_versions();
// 2.13.0 → v2_13_0.
std::string version_name(const ::testing::TestParamInfo<std::string>& info);

class CompatTest : public ::testing::TestWithParam<std::string> {
 protected:
  // The version of this case.
  const std::string& version() const { return GetParam(); }
  TempDir& dir() { return dir_; }

  std::unique_ptr<Master> master(const std::string& locustfile,
                                 std::vector<std::string> arguments = {});
  std::unique_ptr<Master> headless_master(const std::string& locustfile,
                                          std::vector<std::string> arguments);
  std::unique_ptr<Worker> worker(const Master& master, const std::string& locustfile,
                                 std::vector<std::string> native_arguments = {});
  std::unique_ptr<Worker> stock_worker(const Master& master, const std::string& locustfile);

  // Lines with this text are expected in the master's log.
  void allow_in_master_log(std::string text) { allowed_.push_back(std::move(text)); }

  void TearDown() override;

 private:
  TempDir dir_;
  std::vector<std::string> allowed_;
};

// Waits until the master has as many requests as the target has answered and both stand still.
// `in_flight`: how many the target may have answered without a report (killed at the stop).
Json wait_for_equal_counts(const Master& master, const Target& target, std::int64_t in_flight = 0);

}  // namespace compat
