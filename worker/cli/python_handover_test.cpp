// When a command line is for Python, and what is executed then.
#include "cli/python_handover.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>

namespace locust::cli {
namespace {

using testing::ElementsAre;

Environment with(const std::string& name, const std::string& value) {
  return {
      [=](const std::string& asked) { return asked == name ? std::optional(value) : std::nullopt; },
      nullptr};
}

const Environment kEmpty = with("", "");

TEST(PythonHandover, KnowsPythonsLocustfiles) {
  for (const char* file : {"locustfile.py", "a/shop.py", "-", "http://x/y", "https://x/shop.cpp"}) {
    EXPECT_TRUE(is_for_python(file)) << file;
  }
  EXPECT_TRUE(is_for_python(testing::TempDir())) << "a folder of locustfiles";
  for (const char* file : {"hello.cpp", "hello", "a/hello.cpp", ""}) {
    EXPECT_FALSE(is_for_python(file)) << file;
  }
  EXPECT_TRUE(any_for_python("hello.cpp, shop.py"));
  EXPECT_FALSE(any_for_python("hello.cpp,test_sample"));
  EXPECT_FALSE(any_for_python(""));
}

TEST(PythonHandover, FindsTheLocustfileAmongUnknownArguments) {
  EXPECT_EQ(named_locustfiles({"--shop-size", "7", "-f", "shop.py", "--worker"}, kEmpty),
            "shop.py");
  EXPECT_EQ(named_locustfiles({"--locustfile", "a.py,b.py"}, kEmpty), "a.py,b.py");
  EXPECT_EQ(named_locustfiles({"--locustfile=-"}, kEmpty), "-");
  EXPECT_EQ(named_locustfiles({"-fshop.py"}, kEmpty), "shop.py");
  EXPECT_EQ(named_locustfiles({"--worker"}, with("LOCUST_LOCUSTFILE", "/mnt/locust/main.py")),
            "/mnt/locust/main.py");
  EXPECT_EQ(named_locustfiles({"-f", "a.py"}, with("LOCUST_LOCUSTFILE", "b.py")), "a.py");
  EXPECT_EQ(named_locustfiles({"-f"}, kEmpty), "");
}

TEST(PythonHandover, RunsThePackageAsAWorker) {
  EXPECT_THAT(
      python_command({"-f", "shop.py", "--master-host", "m"}, kEmpty),
      ElementsAre("python3", "-m", "locustpp", "--worker", "-f", "shop.py", "--master-host", "m"));
  EXPECT_THAT(
      python_command({"locust", "-f", "-"}, with("LOCUSTPP_PYTHON", "/opt/venv/bin/python")),
      ElementsAre("/opt/venv/bin/python", "-m", "locustpp", "--worker", "-f", "-"));
}

TEST(PythonHandover, SaysWhatIsMissing) {
  EXPECT_EQ(become({"/nonexistent/python", "-m", "locustpp"}),
            "this is a Python locustfile, and '/nonexistent/python' cannot be run (No such file or "
            "directory): set LOCUSTPP_PYTHON to the Python that locustpp is installed in.");
}

}  // namespace
}  // namespace locust::cli
