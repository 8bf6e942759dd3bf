// User classes: tasks by weight as Locust picks them, and what the class picker changes (env.py,
// update_user_class).
#include "user/user_class.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <stdexcept>

namespace locust {
namespace {

class Shopper : public User {
 public:
  Task<> hello() { co_return; }
  Task<> item() { co_return; }
  Task<> rare() { co_return; }
};

UserClassOf<Shopper> shopper() {
  auto made = user_class<Shopper>("Shopper");
  made.task<&Shopper::hello>(6).task<&Shopper::item>(3).task<&Shopper::rare>();
  return made;
}

std::map<std::string, int> picks(const UserClass& user_class, int count) {
  Random random(3);
  std::map<std::string, int> counts;
  for (int i = 0; i < count; ++i) ++counts[user_class.pick(random).name];
  return counts;
}

Value attributes(const std::vector<std::string>& tasks) {
  Array names;
  for (const std::string& task : tasks) names.emplace_back(task);
  return Map{{"user_class_name", "Shopper"}, {"tasks", names}};
}

TEST(UserClass, IsWhatItWasDescribedAs) {
  auto made = shopper();
  made.host("http://x").wait(constant(seconds(1)));
  EXPECT_EQ(made.name(), "Shopper");
  EXPECT_EQ(static_cast<const UserClass&>(made).host(), "http://x");
  ASSERT_EQ(made.tasks().size(), 3U);
  EXPECT_EQ(made.tasks()[0].name, "hello");
  EXPECT_EQ(made.tasks()[0].weight, 6U);
  EXPECT_EQ(made.tasks()[2].name, "rare");
  EXPECT_EQ(made.tasks()[2].weight, 1U);
}

TEST(UserClass, WeightsAreHonoured) {
  constexpr int kPicks = 50'000;
  auto counts = picks(shopper(), kPicks);
  for (const auto& [name, weight] :
       std::map<std::string, double>{{"hello", 0.6}, {"item", 0.3}, {"rare", 0.1}}) {
    EXPECT_NEAR(counts[name], kPicks * weight, 5 * std::sqrt(kPicks * weight * (1 - weight)));
  }
}

TEST(UserClass, WeightOfZeroIsNeverPicked) {
  auto made = user_class<Shopper>("Shopper");
  made.task<&Shopper::hello>(0).task<&Shopper::item>(2).task<&Shopper::rare>(1);
  EXPECT_EQ(picks(made, 1000).count("hello"), 0U);
}

TEST(UserClass, WithoutTasksPickingThrowsLocustsWords) {
  auto made = user_class<Shopper>("Shopper");
  try {
    picks(made, 1);
    FAIL();
  } catch (const std::logic_error& error) {
    EXPECT_THAT(error.what(), testing::StartsWith("No tasks defined on Shopper"));
  }
}

TEST(UserClass, PickerChoosesTasksAndKeepsTheirWeights) {
  auto made = shopper();
  EXPECT_TRUE(made.update(attributes({"rare", "hello"})));
  constexpr int kPicks = 20'000;
  auto counts = picks(made, kPicks);
  EXPECT_EQ(counts.count("item"), 0U);
  EXPECT_NEAR(counts["hello"], kPicks * 6 / 7.0, 5 * std::sqrt(kPicks * 6 / 49.0));
  EXPECT_EQ(made.tasks().size(), 3U) << "the full list stays, to choose from again";

  EXPECT_TRUE(made.update(attributes({"item"})));
  EXPECT_EQ(picks(made, 10), (std::map<std::string, int>{{"item", 10}}));
}

// [task for task in user_tasks if task.__name__ in value]: names that are not there, or are there
// twice, change nothing.
TEST(UserClass, PickerLeavesOutWhatTheClassDoesNotHave) {
  auto made = shopper();
  EXPECT_FALSE(made.update(attributes({"item", "unknown"})));
  EXPECT_EQ(picks(made, 10), (std::map<std::string, int>{{"item", 10}}));

  EXPECT_TRUE(made.update(attributes({"rare", "item", "rare", "rare"})));
  constexpr int kPicks = 20'000;
  EXPECT_NEAR(picks(made, kPicks)["rare"], kPicks / 4, 5 * std::sqrt(kPicks * 0.1875));
}

TEST(UserClass, PickerMayTakeAllTasksAway) {
  auto made = shopper();
  EXPECT_TRUE(made.update(attributes({})));
  EXPECT_THROW(picks(made, 1), std::logic_error);
}

// @task(0) does not put the method into `tasks`, so that no picker can choose it.
TEST(UserClass, PickerCannotChooseAWeightOfZero) {
  auto made = user_class<Shopper>("Shopper");
  made.task<&Shopper::hello>(0).task<&Shopper::item>(0).task<&Shopper::rare>(1);
  made.update(attributes({"hello", "item", "rare"}));
  EXPECT_EQ(picks(made, 20), (std::map<std::string, int>{{"rare", 20}}));
  made.update(attributes({"hello", "item"}));
  EXPECT_THROW(picks(made, 1), std::logic_error);
}

TEST(UserClass, PickerSetsTheHostAndIgnoresWhatItDoesNotKnow) {
  auto made = shopper();
  EXPECT_TRUE(made.update(Map{{"host", "http://picked"}, {"weight", 7}, {"fixed_count", 1}}));
  EXPECT_EQ(static_cast<const UserClass&>(made).host(), "http://picked");
  EXPECT_EQ(picks(made, 1000).size(), 3U);
  // The web UI sends null where no host is set.
  EXPECT_TRUE(made.update(Map{{"host", nullptr}, {"tasks", "hello"}}));
  EXPECT_TRUE(made.update(nullptr));
  EXPECT_EQ(picks(made, 1000).size(), 3U);
}

TEST(UserClass, CopiesAreIndependent) {
  auto one = shopper();
  auto two = one;
  two.update(attributes({"rare"}));
  EXPECT_EQ(picks(one, 1000).size(), 3U);
  EXPECT_EQ(picks(two, 1000).size(), 1U);
}

TEST(UserClasses, ListsClassesAndListeners) {
  int called = 0;
  UserClasses classes{shopper(), user_class<Shopper>("Other")};
  classes.on_message("ping", [&](Environment&, const Value&) { ++called; });
  ASSERT_EQ(classes.list().size(), 2U);
  EXPECT_EQ(classes.list()[1].name(), "Other");
  Environment environment([](const std::string&, const Value&) {});
  classes.listeners().at("ping")(environment, 1);
  EXPECT_EQ(called, 1);
}

}  // namespace
}  // namespace locust
