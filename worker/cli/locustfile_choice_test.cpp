// Which user classes a command line chooses, and the sentences for what is wrong (main.py,
// argument_parser.py).
#include "cli/locustfile_choice.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "user/user.h"

namespace locust::cli {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

class Shopper : public User {
 public:
  Task<> hello() { co_return; }
  Task<> item() { co_return; }
};

UserClasses shop() {
  UserClasses classes{
      user_class<Shopper>("Shopper").task<&Shopper::hello>(3).task<&Shopper::item>(),
      user_class<Shopper>("Buyer").task<&Shopper::item>()};
  classes.on_message("restock", [](locust::Environment&, const Value&) {});
  return classes;
}
UserClasses hello() { return {user_class<Shopper>("HelloUser").task<&Shopper::hello>()}; }
UserClasses shop_again() { return {user_class<Shopper>("Buyer").task<&Shopper::hello>()}; }
UserClasses empty() { return {}; }

const Locustfiles kFiles = {{"hello", &hello}, {"shop", &shop}};

std::vector<std::string> names(const UserClasses& classes) {
  std::vector<std::string> result;
  for (const UserClass& one : classes.list()) result.push_back(one.name());
  return result;
}

std::variant<UserClasses, std::string> choose(const std::string& locustfile,
                                              const std::vector<std::string>& user_classes = {},
                                              const Locustfiles& files = kFiles) {
  Options options;
  options.locustfile = locustfile;
  options.user_classes = user_classes;
  return choose_user_classes(options, files);
}

std::vector<std::string> chosen(const std::string& locustfile,
                                const std::vector<std::string>& user_classes = {}) {
  const auto result = choose(locustfile, user_classes);
  if (const auto* error = std::get_if<std::string>(&result)) return {"error: " + *error};
  return names(std::get<UserClasses>(result));
}

std::string refusal(const std::string& locustfile,
                    const std::vector<std::string>& user_classes = {},
                    const Locustfiles& files = kFiles) {
  const auto result = choose(locustfile, user_classes, files);
  const auto* error = std::get_if<std::string>(&result);
  return error != nullptr ? *error : "";
}

TEST(LocustfileChoice, AllWithoutAFile) {
  EXPECT_THAT(chosen(""), ElementsAre("HelloUser", "Shopper", "Buyer"));
  EXPECT_THAT(chosen("  "), ElementsAre("HelloUser", "Shopper", "Buyer"));
}

TEST(LocustfileChoice, OneByItsStemOrPath) {
  for (const char* file :
       {"shop", "shop.cpp", "./locustfiles/shop.cpp", "/a/b/shop", " shop.cpp "}) {
    EXPECT_THAT(chosen(file), ElementsAre("Shopper", "Buyer")) << file;
  }
}

TEST(LocustfileChoice, SeveralWithCommas) {
  EXPECT_THAT(chosen("shop.cpp,hello.cpp"), ElementsAre("Shopper", "Buyer", "HelloUser"));
  EXPECT_THAT(chosen("shop, hello"), ElementsAre("Shopper", "Buyer", "HelloUser"));
}

TEST(LocustfileChoice, ListenersComeWithTheirFile) {
  EXPECT_TRUE(std::get<UserClasses>(choose("shop")).listeners().contains("restock"));
  EXPECT_TRUE(std::get<UserClasses>(choose("hello")).listeners().empty());
  EXPECT_TRUE(std::get<UserClasses>(choose("")).listeners().contains("restock"));
}

// argument_parser.py: "Could not find '{path}'. …"
TEST(LocustfileChoice, FileThatIsNotThere) {
  const std::string error = refusal("other.cpp");
  EXPECT_THAT(error, StartsWith("Could not find 'other.cpp'."));
  EXPECT_THAT(error, HasSubstr("hello.cpp, shop.cpp"));
  EXPECT_THAT(refusal("shop,other"), StartsWith("Could not find 'other'."));
  EXPECT_THAT(refusal("shop.cpp.cpp"), StartsWith("Could not find"));
  EXPECT_THAT(refusal("sho"), StartsWith("Could not find"));
}

// Where no Python is at hand.
TEST(LocustfileChoice, PythonTwinsStem) {
  EXPECT_EQ(chosen("hello.py"), chosen("hello.cpp"));
  EXPECT_EQ(chosen("/mnt/locust/shop.py,hello"), chosen("shop,hello"));
  EXPECT_THAT(refusal("other.py"), StartsWith("Could not find 'other.py'."));
}

TEST(LocustfileChoice, NamedUserClassesOnly) {
  EXPECT_THAT(chosen("", {"Buyer"}), ElementsAre("Buyer"));
  EXPECT_THAT(chosen("", {"Buyer", "HelloUser"}), ElementsAre("HelloUser", "Buyer"));
  EXPECT_THAT(chosen("", {"Buyer", "Buyer"}), ElementsAre("Buyer"));
}

// main.py: logger.error(f"Unknown User(s): {', '.join(missing)}\n")
TEST(LocustfileChoice, UnknownUserClasses) {
  EXPECT_EQ(refusal("", {"Nobody"}), "Unknown User(s): Nobody");
  EXPECT_EQ(refusal("", {"A", "Buyer", "B"}), "Unknown User(s): A, B");
  EXPECT_EQ(refusal("hello", {"Buyer"}), "Unknown User(s): Buyer") << "of another file";
}

// main.py: "Duplicate user class names: …"
TEST(LocustfileChoice, ClassThatIsDefinedTwice) {
  const Locustfiles files = {{"again", &shop_again}, {"shop", &shop}};
  EXPECT_THAT(refusal("", {}, files), HasSubstr("Buyer"));
  EXPECT_THAT(refusal("shop,again", {}, files), HasSubstr("Buyer"));
  EXPECT_EQ(refusal("again", {}, files), "");
}

// main.py: logger.error("No User class found!")
TEST(LocustfileChoice, NoUserClass) {
  EXPECT_EQ(refusal("", {}, {{"empty", &empty}}), "No User class found!");
  EXPECT_EQ(refusal("empty", {}, {{"empty", &empty}}), "No User class found!");
}

// ---- --config-users ----

TEST(ConfigureUsers, SetsHostAndTasks) {
  UserClasses classes = shop();
  EXPECT_EQ(configure_users({R"({"user_class_name": "Shopper", "host": "http://x", "weight": 3,
                                 "tasks": ["item"]})",
                             R"({"user_class_name": "Buyer", "fixed_count": 1})"},
                            classes),
            "");
  EXPECT_EQ(classes.list()[0].host(), "http://x");
  EXPECT_EQ(classes.list()[1].host(), "");
  Random random(1);
  for (int i = 0; i < 50; ++i) EXPECT_EQ(classes.list()[0].pick(random).name, "item");
}

TEST(ConfigureUsers, NothingToDo) {
  UserClasses classes = shop();
  EXPECT_EQ(configure_users({}, classes), "");
}

// main.py: the KeyError's text is the class's repr.
TEST(ConfigureUsers, ClassThatIsNotThereIsLocustsSentence) {
  UserClasses classes = shop();
  EXPECT_EQ(configure_users({R"({"user_class_name": "Nobody"})"}, classes),
            "Error applying user config, probably you tried to specify config for a User not "
            "present in your locustfile: 'Nobody'");
}

TEST(ConfigureUsers, WhatIsNoSettingIsSaid) {
  for (const char* text :
       {"{", "", "[]", "7", R"({"host": "http://x"})", R"({"user_class_name": 7})"}) {
    UserClasses classes = shop();
    EXPECT_THAT(configure_users({text}, classes), HasSubstr("user_class_name")) << text;
  }
}

TEST(ConfigureUsers, UnknownTaskIsSaid) {
  UserClasses classes = shop();
  const std::string error =
      configure_users({R"({"user_class_name": "Shopper", "tasks": ["fly"]})"}, classes);
  EXPECT_THAT(error, HasSubstr("Shopper"));
  EXPECT_THAT(error, HasSubstr("fly"));
}

}  // namespace
}  // namespace locust::cli
