// What --print-locustfile prints. That a real master takes it is shown in compat-tests.
#include "cli/python_twin.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "user/user.h"

namespace locust::cli {
namespace {

class Shopper : public User {
 public:
  Task<> hello() { co_return; }
  Task<> item() { co_return; }
  Task<> yield() { co_return; }
};

std::string text(const UserClasses& classes) {
  const auto twin = python_twin(classes);
  const auto* file = std::get_if<std::string>(&twin);
  return file != nullptr ? *file : "no twin: " + std::get<NoTwin>(twin).why;
}

TEST(PythonTwin, HasAllThatAMasterGoesBy) {
  EXPECT_THAT(text({user_class<Shopper>("Shopper")
                        .weight(3)
                        .host("http://it's/")
                        .task<&Shopper::hello>(3)
                        .task<&Shopper::item>(),
                    user_class<Shopper>("Admin").fixed_count(1)}),
              testing::EndsWith(R"(
from locust import User, task


class Shopper(User):
    weight = 3
    host = "http://it's/"

    @task(3)
    def hello(self):
        pass

    @task
    def item(self):
        pass


class Admin(User):
    fixed_count = 1
)"));
}

TEST(PythonTwin, ImportsNothingThatItDoesNotUse) {
  EXPECT_THAT(text({user_class<Shopper>("Idle")}),
              testing::EndsWith("\nfrom locust import User\n\n\nclass Idle(User):\n    pass\n"));
}

TEST(PythonTwin, NamesThatPythonDoesNotTake) {
  for (const char* name : {"my shop", "3d", "class", "Gr\xC3\xBC\xC3\x9F", "User", "a-b", ""}) {
    EXPECT_THAT(text({user_class<Shopper>(name)}), testing::StartsWith("no twin: ")) << name;
  }
  EXPECT_THAT(text({user_class<Shopper>("Shopper").task<&Shopper::yield>()}),
              testing::StartsWith("no twin: 'yield' cannot be the name"));
}

}  // namespace
}  // namespace locust::cli
