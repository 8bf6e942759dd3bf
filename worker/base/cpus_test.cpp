// How many processors a process may use: its affinity, and the limits of control groups as the
// kernel's files show them (Documentation/admin-guide/cgroup-v2.rst and cgroup-v1/cpuacct.rst).
#include "base/cpus.h"

#include <gtest/gtest.h>
#include <sched.h>

#include <cmath>
#include <filesystem>
#include <fstream>

namespace locust {
namespace {

class CgroupLimit : public testing::Test {
 protected:
  CgroupLimit() {
    std::string name = testing::TempDir() + "cpus_testXXXXXX";
    folder_ = mkdtemp(name.data());
  }
  ~CgroupLimit() override { std::filesystem::remove_all(folder_); }

  void write(const std::string& file, const std::string& text) const {
    const std::filesystem::path path = folder_ + "/root/" + file;
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path) << text;
  }
  double limit(const std::string& groups) const {
    std::ofstream(folder_ + "/groups") << groups;
    return cgroup_limit(folder_ + "/groups", folder_ + "/root");
  }

 private:
  std::string folder_;
};

TEST_F(CgroupLimit, NoneWithoutFiles) {
  EXPECT_TRUE(std::isinf(limit("0::/\n")));
  EXPECT_TRUE(std::isinf(limit("0::/a/b\n")));
  EXPECT_TRUE(std::isinf(limit("")));
  EXPECT_TRUE(std::isinf(limit("nonsense\n1:2\n")));
  EXPECT_TRUE(std::isinf(cgroup_limit("/nowhere", "/nowhere")));
}

TEST_F(CgroupLimit, Version2) {
  write("cpu.max", "150000 100000\n");  // as a container sees its own group
  EXPECT_DOUBLE_EQ(limit("0::/\n"), 1.5);
  write("cpu.max", "max 100000\n");
  EXPECT_TRUE(std::isinf(limit("0::/\n")));
}

TEST_F(CgroupLimit, TightestOfAllLevels) {
  write("pod/cpu.max", "300000 100000\n");
  write("pod/one/cpu.max", "max 100000\n");
  write("pod/one/two/cpu.max", "400000 100000\n");
  EXPECT_DOUBLE_EQ(limit("0::/pod/one/two\n"), 3);
  EXPECT_DOUBLE_EQ(limit("0::/pod\n"), 3);
}

TEST_F(CgroupLimit, Version1) {
  write("cpu/docker/x/cpu.cfs_quota_us", "50000\n");
  write("cpu/docker/x/cpu.cfs_period_us", "100000\n");
  write("cpu/cpu.cfs_quota_us", "-1\n");
  write("cpu/cpu.cfs_period_us", "100000\n");
  EXPECT_DOUBLE_EQ(limit("5:memory:/docker/x\n4:cpu,cpuacct:/docker/x\n"), 0.5);
  EXPECT_DOUBLE_EQ(limit("4:cpuacct,cpu:/docker/x\n"), 0.5);
  EXPECT_TRUE(std::isinf(limit("4:cpuset:/docker/x\n"))) << "another controller";
}

TEST_F(CgroupLimit, GarbageIsNoLimit) {
  write("cpu.max", "many 100000\n");
  EXPECT_TRUE(std::isinf(limit("0::/\n")));
  write("cpu.max", "100000 0\n");
  EXPECT_TRUE(std::isinf(limit("0::/\n")));
}

TEST(UsableCpus, FollowsTheAffinity) {
  cpu_set_t before;
  CPU_ZERO(&before);
  ASSERT_EQ(sched_getaffinity(0, sizeof(before), &before), 0);
  const int all = usable_cpus();
  EXPECT_GE(all, 1);
  EXPECT_LE(all, CPU_COUNT(&before));
  int first = 0;
  while (!CPU_ISSET(first, &before)) ++first;
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(first, &one);
  ASSERT_EQ(sched_setaffinity(0, sizeof(one), &one), 0);
  EXPECT_EQ(usable_cpus(), 1);
  sched_setaffinity(0, sizeof(before), &before);
}

}  // namespace
}  // namespace locust
