// --show-task-ratio: each task's share of its user class, as Locust's _get_task_ratio() works it
// out: how often the task is in the class's list of tasks.
#include "cli/task_ratio.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "user/user.h"

namespace locust::cli {
namespace {

using testing::HasSubstr;

class Shopper : public User {
 public:
  Task<> hello() { co_return; }
  Task<> item() { co_return; }
};

UserClasses shop() {
  return {user_class<Shopper>("Shopper").task<&Shopper::hello>(3).task<&Shopper::item>(),
          user_class<Shopper>("Buyer").task<&Shopper::item>(7)};
}

TEST(TaskRatio, JsonHasTheShares) {
  const auto json = nlohmann::json::parse(task_ratio(shop(), true));
  const auto& classes = json.at("per_class");
  EXPECT_EQ(classes.size(), 2U);
  EXPECT_DOUBLE_EQ(classes["Shopper"]["tasks"]["hello"]["ratio"], 0.75);
  EXPECT_DOUBLE_EQ(classes["Shopper"]["tasks"]["item"]["ratio"], 0.25);
  EXPECT_DOUBLE_EQ(classes["Buyer"]["tasks"]["item"]["ratio"], 1);
}

TEST(TaskRatio, TextHasClassesInOrderWithPercentages) {
  const std::string text = task_ratio(shop(), false);
  EXPECT_THAT(text, testing::StartsWith("\n Task ratio per User class\n" + std::string(80, '-')));
  const auto shopper = text.find("Shopper");
  const auto buyer = text.find("Buyer");
  EXPECT_LT(shopper, text.find("75.0% hello"));
  EXPECT_LT(text.find("75.0% hello"), text.find("25.0% item"));
  EXPECT_LT(text.find("25.0% item"), buyer);
  EXPECT_LT(buyer, text.find("100.0% item"));
  EXPECT_NE(text.find("100.0% item"), std::string::npos);
}

TEST(TaskRatio, ClassWithoutTasks) {
  const UserClasses classes{user_class<Shopper>("Idle"),
                            user_class<Shopper>("Never").task<&Shopper::hello>(0)};
  EXPECT_THAT(task_ratio(classes, false), HasSubstr("Idle"));
  const auto json = nlohmann::json::parse(task_ratio(classes, true));
  EXPECT_TRUE(json.at("per_class").contains("Idle"));
}

}  // namespace
}  // namespace locust::cli
