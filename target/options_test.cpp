// What the command line and the environment of hello-target mean.
#include "target/options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <initializer_list>
#include <string>
#include <variant>
#include <vector>

namespace hello {
namespace {

using std::chrono::milliseconds;
using testing::AllOf;
using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

auto parse(std::initializer_list<const char*> arguments) {
  std::vector<const char*> argv{"hello-target"};
  argv.insert(argv.end(), arguments);
  return parse_options(static_cast<int>(argv.size()), argv.data());
}

Options options(std::initializer_list<const char*> arguments) {
  return std::get<Options>(parse(arguments));
}

Ending ending(std::initializer_list<const char*> arguments) {
  return std::get<Ending>(parse(arguments));
}

TEST(Options, DefaultsSuitALoadBalancer) {
  const auto defaults = options({});
  EXPECT_EQ(defaults.server.host, "0.0.0.0");
  EXPECT_EQ(defaults.server.port, 8000);
  EXPECT_EQ(defaults.server.keep_alive, milliseconds(75'000));
  EXPECT_GE(defaults.server.threads, 1);
  EXPECT_EQ(defaults.server.max_connections, 16'384u);
  EXPECT_EQ(defaults.server.framing.head_bytes, 16'384u);
  EXPECT_EQ(defaults.server.framing.body_bytes, 1'048'576u);
  EXPECT_EQ(defaults.server.request_timeout, milliseconds(10'000));
  EXPECT_EQ(defaults.drain, milliseconds(0));
  EXPECT_LE(defaults.server.grace, milliseconds(5'000));
  EXPECT_FALSE(defaults.server.access_log);
  EXPECT_EQ(defaults.hello.delay, milliseconds(0));
  EXPECT_EQ(defaults.hello.error_rate, 0);
  EXPECT_EQ(defaults.hello.body_bytes, 0u);
}

TEST(Options, AreReadInBothForms) {
  const auto read = options({"--host",
                             "127.0.0.1",
                             "--port=0",
                             "--delay",
                             "0.25",
                             "--error-rate=0.1",
                             "--body-bytes",
                             "1000",
                             "--max-connections=10",
                             "--keep-alive",
                             "5",
                             "--threads=3",
                             "--max-header-bytes",
                             "300",
                             "--max-body-bytes=0",
                             "--request-timeout",
                             "0.5",
                             "--drain",
                             "20",
                             "--grace=7.5",
                             "--access-log"});
  EXPECT_EQ(read.server.host, "127.0.0.1");
  EXPECT_EQ(read.server.port, 0);
  EXPECT_EQ(read.server.keep_alive, milliseconds(5'000));
  EXPECT_EQ(read.server.max_connections, 10u);
  EXPECT_EQ(read.server.threads, 3);
  EXPECT_EQ(read.server.framing.head_bytes, 300u);
  EXPECT_EQ(read.server.framing.body_bytes, 0u);
  EXPECT_EQ(read.server.request_timeout, milliseconds(500));
  EXPECT_EQ(read.drain, milliseconds(20'000));
  EXPECT_EQ(read.server.grace, milliseconds(7'500));
  EXPECT_TRUE(read.server.access_log);
  EXPECT_EQ(read.hello.delay, milliseconds(250));
  EXPECT_EQ(read.hello.error_rate, 0.1);
  EXPECT_EQ(read.hello.body_bytes, 1000u);
}

TEST(Options, TheCommandLineWinsOverTheEnvironment) {
  ::setenv("TARGET_PORT", "9000", 1);
  EXPECT_EQ(options({}).server.port, 9000);
  EXPECT_EQ(options({"--port", "9001"}).server.port, 9001);
  ::unsetenv("TARGET_PORT");
}

TEST(Options, EachHasAnEnvironmentVariable) {
  const std::string help = ending({"--help"}).text;
  for (const char* name :
       {"TARGET_HOST", "TARGET_PORT", "TARGET_THREADS", "TARGET_MAX_CONNECTIONS",
        "TARGET_MAX_HEADER_BYTES", "TARGET_MAX_BODY_BYTES", "TARGET_KEEP_ALIVE",
        "TARGET_REQUEST_TIMEOUT", "TARGET_DRAIN", "TARGET_GRACE", "TARGET_ACCESS_LOG",
        "TARGET_DELAY", "TARGET_ERROR_RATE", "TARGET_BODY_BYTES"}) {
    EXPECT_THAT(help, HasSubstr(name));
  }
  ::setenv("TARGET_ACCESS_LOG", "1", 1);
  ::setenv("TARGET_DRAIN", "25", 1);
  EXPECT_TRUE(options({}).server.access_log);
  EXPECT_EQ(options({}).drain, milliseconds(25'000));
  ::unsetenv("TARGET_ACCESS_LOG");
  ::unsetenv("TARGET_DRAIN");
}

TEST(Options, HelpAndVersionGoToStdout) {
  EXPECT_EQ(ending({"--help"}).exit_code, 0);
  EXPECT_THAT(ending({"--help"}).text, AllOf(HasSubstr("--error-rate"), HasSubstr("TARGET_PORT")));
  EXPECT_EQ(ending({"--version"}).exit_code, 0);
  EXPECT_EQ(ending({"--version"}).text, "hello-target " LOCUSTPP_VERSION "\n");
}

TEST(Options, ABadOneIsOneSentenceThatNamesIt) {
  const std::initializer_list<std::initializer_list<const char*>> bad = {
      {"--port", "65536"},    {"--port", "http"}, {"--error-rate", "1.5"}, {"--delay", "-1"},
      {"--body-bytes", "-1"}, {"--keep-alive=0"}, {"--prot", "1"},         {"--port"},
      {"--threads", "0"}};
  for (const auto& arguments : bad) {
    const auto result = ending(arguments);
    const std::string option(*arguments.begin());
    EXPECT_EQ(result.exit_code, 2) << result.text;
    EXPECT_THAT(result.text, AllOf(StartsWith("hello-target: "), EndsWith("\n"),
                                   HasSubstr(option.substr(0, option.find('=')))));
    EXPECT_EQ(std::count(result.text.begin(), result.text.end(), '\n'), 1) << result.text;
  }
}

}  // namespace
}  // namespace hello
