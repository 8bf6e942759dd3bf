#include "cli/colours.h"

#include <gtest/gtest.h>
#include <pty.h>
#include <unistd.h>

#include <map>

namespace locust::cli {
namespace {

Environment with(std::map<std::string, std::string> variables) {
  Environment env;
  env.variable = [variables](const std::string& name) -> std::optional<std::string> {
    const auto it = variables.find(name);
    if (it == variables.end()) return std::nullopt;
    return it->second;
  };
  return env;
}

TEST(Colours, OnlyOnATerminalThatKnowsThem) {
  int master = -1, terminal = -1, pipes[2] = {-1, -1};
  ASSERT_EQ(::openpty(&master, &terminal, nullptr, nullptr, nullptr), 0);
  ASSERT_EQ(::pipe(pipes), 0);
  EXPECT_TRUE(has_colours(terminal, with({{"TERM", "xterm"}})));
  EXPECT_TRUE(has_colours(terminal, with({{"TERM", "xterm"}, {"NO_COLOR", ""}})));
  EXPECT_FALSE(has_colours(terminal, with({{"TERM", "xterm"}, {"NO_COLOR", "1"}})));
  EXPECT_FALSE(has_colours(terminal, with({{"TERM", "dumb"}})));
  EXPECT_FALSE(has_colours(terminal, with({})));
  EXPECT_FALSE(has_colours(pipes[1], with({{"TERM", "xterm"}})));
  for (const int descriptor : {master, terminal, pipes[0], pipes[1]}) ::close(descriptor);
}

TEST(Colours, BoldHeadings) {
  EXPECT_EQ(with_bold_headings("Usage: x\n\nOptions:\n  -a  that:\nNo end:"),
            "Usage: x\n\n\033[1mOptions:\033[0m\n  -a  that:\nNo end:");
  EXPECT_EQ(with_bold_headings(""), "");
}

TEST(Colours, RedErrors) {
  EXPECT_EQ(with_red_errors("x: error: no error: y\n"), "x: \033[1;31merror:\033[0m no error: y\n");
  EXPECT_EQ(with_red_errors("fine\n"), "fine\n");
}

}  // namespace
}  // namespace locust::cli
