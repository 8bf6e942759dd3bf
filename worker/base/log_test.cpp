// The log's lines against Locust's format (log.py, setup_logging), its memory for the master's logs
// tab (LogReader), and that nothing it writes to can hold anybody up.
#include "base/log.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <system_error>
#include <thread>

namespace locust::log {
namespace {

using testing::HasSubstr;

// What a line begins with, every digit as a 9.
const std::string kDate = "[9999-99-99 99:99:99,999] ";

std::string shape_of_date(const std::string& line) {
  std::string shape = line.substr(0, kDate.size());
  std::replace_if(
      shape.begin(), shape.end(), [](char c) { return c >= '0' && c <= '9'; }, '9');
  return shape;
}

class LogTest : public testing::Test {
 protected:
  LogTest() {
    std::string name = testing::TempDir() + "log_testXXXXXX";
    folder_ = mkdtemp(name.data());
  }
  ~LogTest() override {
    shutdown();
    setup_level(Level::info);
    std::filesystem::remove_all(folder_);
  }

  std::string path(const std::string& name) const { return folder_ + "/" + name; }
  void setup_level(Level level) {
    setup(level, path("end.log"));
    shutdown();
  }

  static std::vector<std::string> lines_of(const std::string& file) {
    std::ifstream in(file);
    std::vector<std::string> lines;
    for (std::string line; std::getline(in, line);) lines.push_back(line);
    return lines;
  }

  // re.sub(r"\..*", "", socket.gethostname())
  static std::string host() {
    std::array<char, 256> name{};
    gethostname(name.data(), name.size() - 1);
    const std::string full(name.data());
    return full.substr(0, full.find('.'));
  }

 private:
  std::string folder_;
};

TEST_F(LogTest, LineIsLocusts) {
  setup(Level::debug, path("a.log"));
  debug("locust.main", "d");
  info("locust.main", "Starting Locust {}", "2.47.0");
  warning("locust.runners", "w {} {{}}", 1);
  error("locust.runners", "e");
  critical("locust.main", "c");
  shutdown();
  const std::vector<std::string> lines = lines_of(path("a.log"));
  const std::vector<std::string> ends = {
      "/DEBUG/locust.main: d", "/INFO/locust.main: Starting Locust 2.47.0",
      "/WARNING/locust.runners: w 1 {}", "/ERROR/locust.runners: e", "/CRITICAL/locust.main: c"};
  ASSERT_EQ(lines.size(), ends.size());
  for (std::size_t i = 0; i < lines.size(); ++i) {
    EXPECT_EQ(shape_of_date(lines[i]), kDate);
    EXPECT_EQ(lines[i].substr(kDate.size()), host() + ends[i]);
  }
}

TEST_F(LogTest, DateIsLocalTime) {
  setup(Level::info, path("a.log"));
  const std::time_t before = std::time(nullptr);
  info("locust.main", "now");
  const std::time_t after = std::time(nullptr);
  shutdown();
  const auto text = [](std::time_t time) {
    std::array<char, 32> out{};
    std::strftime(out.data(), out.size(), "[%Y-%m-%d %H:%M:%S,", std::localtime(&time));
    return std::string(out.data());
  };
  const std::string start = lines_of(path("a.log")).at(0).substr(0, 21);
  EXPECT_TRUE(start == text(before) || start == text(after)) << start;
}

TEST_F(LogTest, TextOfUsersIsNoFormat) {
  setup(Level::info, path("a.log"));
  write(Level::info, "locust.main", "100 % of {} and {0} %v");
  shutdown();
  EXPECT_THAT(lines_of(path("a.log")).at(0), HasSubstr("locust.main: 100 % of {} and {0} %v"));
}

TEST_F(LogTest, BelowTheLevelNothingIsWrittenOrRemembered) {
  setup(Level::warning, path("a.log"));
  const std::uint64_t before = recent().total;
  debug("locust.main", "d");
  info("locust.main", "i");
  warning("locust.main", "w");
  critical("locust.main", "c");
  shutdown();
  EXPECT_EQ(lines_of(path("a.log")).size(), 2U);
  EXPECT_EQ(recent().total, before + 2);
}

TEST_F(LogTest, RemembersTheNewest500AndCountsAll) {
  setup(Level::info, path("a.log"));
  const std::uint64_t before = recent().total;
  for (int i = 0; i < 750; ++i) info("locust.main", "line {}", i);
  const Recent known = recent();
  EXPECT_EQ(known.total, before + 750);
  ASSERT_EQ(known.lines.size(), 500U);
  EXPECT_THAT(known.lines.front(), testing::EndsWith(host() + "/INFO/locust.main: line 250"));
  EXPECT_THAT(known.lines.back(), testing::EndsWith(host() + "/INFO/locust.main: line 749"));
  EXPECT_EQ(shape_of_date(known.lines.back()), kDate);
}

TEST_F(LogTest, AppendsToAFileThatIsThere) {
  std::ofstream(path("a.log")) << "old\n";
  setup(Level::info, path("a.log"));
  info("locust.main", "new");
  shutdown();
  EXPECT_EQ(lines_of(path("a.log")).size(), 2U);
}

// log.py: os.makedirs(logfile_dir, exist_ok=True)
TEST_F(LogTest, MakesTheFolder) {
  setup(Level::info, path("deep/er/a.log"));
  info("locust.main", "new");
  shutdown();
  EXPECT_EQ(lines_of(path("deep/er/a.log")).size(), 1U);
}

std::string setup_error(const std::string& file) {
  try {
    setup(Level::info, file);
  } catch (const std::system_error& failure) {
    return failure.what();
  }
  return {};
}

TEST_F(LogTest, FileThatCannotBeOpenedIsOneSentence) {
  std::ofstream(path("file")) << "x";
  EXPECT_EQ(setup_error(path("file") + "/a.log"),
            "cannot write the log file " + path("file") + "/a.log: Not a directory");
  std::filesystem::create_directory(path("folder"));
  EXPECT_EQ(setup_error(path("folder")),
            "cannot write the log file " + path("folder") + ": Is a directory");
}

TEST_F(LogTest, PipeThatNobodyReadsIsAnErrorInsteadOfAWait) {
  ASSERT_EQ(mkfifo(path("pipe").c_str(), 0600), 0);
  EXPECT_EQ(setup_error(path("pipe")),
            "cannot write the log file " + path("pipe") + ": No such device or address");
}

TEST_F(LogTest, PipeThatIsReadNoMoreHoldsNobodyUp) {
  ASSERT_EQ(mkfifo(path("pipe").c_str(), 0600), 0);
  const int reader = open(path("pipe").c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  ASSERT_GE(reader, 0);
  setup(Level::info, path("pipe"));
  const std::uint64_t before = recent().total;
  const std::string text(200, 'x');
  for (int i = 0; i < 20'000; ++i) info("locust.main", "{}", text);  // 4 MB into 64 KB
  EXPECT_EQ(recent().total, before + 20'000);
  EXPECT_FALSE(shutdown(milliseconds(20)));
  // Whoever reads on gets whole lines, and the writer ends.
  std::string received;
  std::array<char, 65536> chunk{};
  fcntl(reader, F_SETFL, 0);
  for (ssize_t n = 0; (n = read(reader, chunk.data(), chunk.size())) > 0;) {
    received.append(chunk.data(), static_cast<std::size_t>(n));
  }
  close(reader);
  EXPECT_THAT(received, testing::EndsWith(text + "\n"));
  EXPECT_LT(received.size(), 4'000'000U) << "nothing was dropped: the test has not tested it";
}

TEST_F(LogTest, ThreadsMayLogWhileItIsShutDown) {
  setup(Level::info, path("a.log"));
  const std::uint64_t before = recent().total;
  std::vector<std::thread> threads;
  for (int i = 0; i < 3; ++i) {
    threads.emplace_back([i] {
      for (int n = 0; n < 500; ++n) info("locust.main", "{} {}", i, n);
    });
  }
  shutdown();
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(recent().total, before + 1500);
  for (const std::string& line : lines_of(path("a.log"))) EXPECT_THAT(line, HasSubstr("/INFO/"));
}

TEST_F(LogTest, ReceiverGetsTheLinesInstead) {
  setup(Level::warning, path("a.log"));
  const std::uint64_t before = recent().total;
  std::vector<std::string> received;
  set_receiver([&](Level level, std::string_view logger, std::string_view text) {
    received.push_back(
        fmt::format("{} {} {}", static_cast<int>(level), std::string(logger), std::string(text)));
  });
  debug("locust.stats", "d {}", 1);
  error("locust.main", "e");
  write_here(Level::error, "locust.main", "here");
  set_receiver(nullptr);
  error("locust.main", "afterwards");
  shutdown();
  EXPECT_THAT(received, testing::ElementsAre("0 locust.stats d 1", "3 locust.main e"));
  EXPECT_THAT(lines_of(path("a.log")),
              testing::ElementsAre(HasSubstr("locust.main: here"), HasSubstr(": afterwards")));
  EXPECT_EQ(recent().total, before + 2);
}

TEST(LogLevel, NamesAreLocustsInAnyCase) {
  EXPECT_EQ(level_from("DEBUG"), Level::debug);
  EXPECT_EQ(level_from("info"), Level::info);
  EXPECT_EQ(level_from("Warning"), Level::warning);
  EXPECT_EQ(level_from("ERROR"), Level::error);
  EXPECT_EQ(level_from("critical"), Level::critical);
  EXPECT_EQ(level_from("warn"), std::nullopt);
  EXPECT_EQ(level_from(""), std::nullopt);
  EXPECT_EQ(level_from("trace"), std::nullopt);
}

}  // namespace
}  // namespace locust::log
