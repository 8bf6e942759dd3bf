// Expected values are those of ConfigArgParse 1.9.0, which reads Locust's configuration files.
#include "cli/config_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <map>

namespace locust::cli {
namespace {

using List = std::vector<std::string>;

ConfigItems items_of(const std::variant<ConfigItems, ConfigError>& result) {
  const auto* error = std::get_if<ConfigError>(&result);
  EXPECT_EQ(error, nullptr) << error->message;
  return error == nullptr ? std::get<ConfigItems>(result) : ConfigItems{};
}

std::string error_of(const std::variant<ConfigItems, ConfigError>& result) {
  const auto* error = std::get_if<ConfigError>(&result);
  return error == nullptr ? "no error" : error->message;
}

struct LineCase {
  const char* line;
  const char* key;
  ConfigValue value;
};

TEST(ConfigFile, ReadsALineAsConfigArgParse) {
  const std::vector<LineCase> cases = {
      {"host = x", "host", "x"},
      {"host x", "host", "x"},
      {"host: http://a:80", "host", "http://a:80"},
      {"  host=x  ", "host", "x"},
      {"key\t=\tv", "key", "v"},
      {"--host = x", "--host", "x"},
      {"worker", "worker", "true"},
      {"host =", "host", ""},
      {"host = \"\"", "host", ""},
      {"host = x = y", "host", "x = y"},
      {"host a b c", "host", "a b c"},
      {"host = \"a b\"", "host", "a b"},
      {"host = 'a' ; c", "host", "a"},
      {"host = \"a", "host", "\"a"},
      {"host \"a\" b", "host", "\"a\" b"},
      {"k = \"a\"b", "k", "\"a\"b"},
      {"host=x # y # z", "host", "x"},
      {"host = a;b", "host", "a;b"},
      {"host = a ;b", "host", "a"},
      {"host = # only", "host", "# only"},
      {"host = x\r", "host", "x"},
      {"host: [a", "host", "[a"},
      {"x = {\"a\": [1]}", "x", "{\"a\": [1]}"},
      {"tags = [ a , b ] # c", "tags", List{"a", "b"}},
      {"tags = [\"a\", \"b,c\"]", "tags", List{"a", "b,c"}},
      {"tags = [1, 2]", "tags", List{"1", "2"}},
      {"tags = []", "tags", List{}},
      {"config-users = [{\"user_class_name\": \"A\"}]", "config-users",
       List{"{\"user_class_name\":\"A\"}"}},
  };
  for (const LineCase& c : cases) {
    const ConfigItems items = items_of(parse_config("locust.conf", c.line));
    ASSERT_EQ(items.size(), 1U) << c.line;
    EXPECT_EQ(items[0].first, c.key) << c.line;
    EXPECT_EQ(items[0].second, c.value) << c.line;
  }
}

TEST(ConfigFile, SkipsCommentsSectionsAndMarks) {
  const char* text = "# one\n; two\n\n---\n------ x\n[section]\nhost = a\r\n\nusers = 3\nusers = 4";
  EXPECT_EQ(items_of(parse_config("locust.conf", text)),
            (ConfigItems{{"host", "a"}, {"users", "3"}, {"users", "4"}}));
  EXPECT_TRUE(items_of(parse_config("locust.conf", "")).empty());
}

TEST(ConfigFile, NamesTheLineItCannotRead) {
  EXPECT_EQ(error_of(parse_config("c.conf", "=bad\n")), "Unexpected line 0 in c.conf: =bad");
  EXPECT_EQ(error_of(parse_config("c.conf", "a = b\n\n : x\n")),
            "Unexpected line 2 in c.conf: : x");
  EXPECT_EQ(error_of(parse_config("c.conf", "host;x")), "Unexpected line 0 in c.conf: host;x");
}

TEST(ConfigFile, ReadsToolLocustOfToml) {
  const char* text =
      "[project]\nname = 'x'\n[tool.locust]\nworker = true\nmaster-port = 77\nspawn-rate = 1.5\n"
      "tags = [\"a\", \"b c\"]\nhost = \"http://t\"\nconfig-users = [{user_class_name = 'A'}]\n"
      "[tool.other]\nhost = 'no'\n";
  const auto items = items_of(parse_toml("pyproject.toml", text));
  EXPECT_THAT(items,
              testing::UnorderedElementsAre(testing::Pair("worker", ConfigValue("true")),
                                            testing::Pair("master-port", ConfigValue("77")),
                                            testing::Pair("spawn-rate", ConfigValue("1.5")),
                                            testing::Pair("tags", ConfigValue(List{"a", "b c"})),
                                            testing::Pair("host", ConfigValue("http://t")),
                                            testing::Pair("config-users", testing::_)));
  EXPECT_TRUE(items_of(parse_toml("pyproject.toml", "[tool.other]\nx = 1\n")).empty());
  EXPECT_TRUE(items_of(parse_toml("pyproject.toml", "tool = 3\n")).empty());
}

TEST(ConfigFile, SaysWhereTomlIsWrong) {
  const std::string error = error_of(parse_toml("pyproject.toml", "a = 1\nbad\n"));
  EXPECT_THAT(error, testing::StartsWith("Couldn't parse TOML file: "));
  EXPECT_THAT(error, testing::HasSubstr("line 2"));
  EXPECT_THAT(error, testing::EndsWith("of pyproject.toml)"));
}

TEST(ConfigFile, ListsAreJsonOrPlain) {
  EXPECT_EQ(parse_list("[a, b]"), (List{"a", "b"}));
  EXPECT_EQ(parse_list("[\"a\", 1.5, true]"), (List{"a", "1.5", "true"}));
  EXPECT_EQ(parse_list("[a, \"b c\"]"), (List{"a", "\"b c\""}));
  EXPECT_EQ(parse_list("[]"), List{});
  EXPECT_EQ(parse_list("a, b"), std::nullopt);
  EXPECT_EQ(parse_list("["), std::nullopt);
}

// An Environment of two maps.
struct World {
  std::map<std::string, std::string> variables, files;
  std::map<std::string, int> unreadable;  // to errno

  Environment environment() const {
    Environment env;
    env.variable = [this](const std::string& name) -> std::optional<std::string> {
      const auto it = variables.find(name);
      if (it == variables.end()) return std::nullopt;
      return it->second;
    };
    env.read_file = [this](const std::string& path) -> std::variant<std::string, std::error_code> {
      if (const auto it = unreadable.find(path); it != unreadable.end()) {
        return std::error_code(it->second, std::generic_category());
      }
      const auto it = files.find(path);
      if (it == files.end()) return std::error_code(ENOENT, std::generic_category());
      return it->second;
    };
    return env;
  }
};

using Files = std::vector<ConfigItems>;

TEST(ConfigFiles, StrongestFirst) {
  World world;
  world.variables = {{"HOME", "/home/ana"}};
  world.files = {{"/home/ana/.locust.conf", "host = home"},
                 {"locust.conf", "host = conf"},
                 {"pyproject.toml", "[tool.locust]\nhost = 'toml'"},
                 {"/home/ana/my.conf", "host = option"}};
  EXPECT_EQ(
      std::get<Files>(read_config_files("~/my.conf", world.environment())),
      (Files{{{"host", "option"}}, {{"host", "toml"}}, {{"host", "conf"}}, {{"host", "home"}}}));
}

TEST(ConfigFiles, OnlyTheOneAskedForMustExist) {
  World world;
  EXPECT_TRUE(std::get<Files>(read_config_files(std::nullopt, world.environment())).empty());
  EXPECT_TRUE(std::get<Files>(read_config_files("", world.environment())).empty());
  EXPECT_EQ(std::get<ConfigError>(read_config_files("nope.conf", world.environment())).message,
            "Unable to open config file: nope.conf. Error: [Errno 2] No such file or directory: "
            "'nope.conf'");
  world.unreadable = {{"/tmp", EISDIR}};
  EXPECT_EQ(std::get<ConfigError>(read_config_files("/tmp", world.environment())).message,
            "Unable to open config file: /tmp. Error: [Errno 21] Is a directory: '/tmp'");
}

TEST(ConfigFiles, OneThatExistsMustBeReadable) {
  World world;
  world.unreadable = {{"locust.conf", EACCES}};
  EXPECT_EQ(std::get<ConfigError>(read_config_files(std::nullopt, world.environment())).message,
            "Unable to open config file: locust.conf. Error: [Errno 13] Permission denied: "
            "'locust.conf'");
}

TEST(ConfigFiles, ATomlFileMayBeNamed) {
  World world;
  world.files = {{"my.toml", "[tool.locust]\nhost = 't'"}};
  EXPECT_EQ(std::get<Files>(read_config_files("my.toml", world.environment())),
            (Files{{{"host", "t"}}}));
}

TEST(ProcessEnvironment, ReadsWhatIsThere) {
  const Environment env = process_environment();
  EXPECT_TRUE(env.variable("PATH").has_value());
  EXPECT_FALSE(env.variable("LOCUSTPP_NO_SUCH_VARIABLE").has_value());
  const auto missing = env.read_file("/no/such/file");
  EXPECT_EQ(std::get<std::error_code>(missing), std::errc::no_such_file_or_directory);
  const auto directory = env.read_file("/");
  EXPECT_EQ(std::get<std::error_code>(directory), std::errc::is_a_directory);
}

}  // namespace
}  // namespace locust::cli
