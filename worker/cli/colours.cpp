#include "cli/colours.h"

#include <unistd.h>

namespace locust::cli {

bool has_colours(int descriptor, const Environment& env) {
  const std::string terminal = env.variable("TERM").value_or("");
  return ::isatty(descriptor) == 1 && !terminal.empty() && terminal != "dumb" &&
         env.variable("NO_COLOR").value_or("").empty();
}

std::string with_bold_headings(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size() - 1) + 1;
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(end);
    if (line.front() != ' ' && line.ends_with(":\n")) {
      out.append("\033[1m").append(line.substr(0, line.size() - 1)).append("\033[0m\n");
    } else {
      out += line;
    }
  }
  return out;
}

std::string with_red_errors(std::string text) {
  constexpr std::string_view word = "error:";
  const std::size_t at = text.find(word);
  if (at == text.npos) return text;
  text.insert(at + word.size(), "\033[0m");
  text.insert(at, "\033[1;31m");
  return text;
}

}  // namespace locust::cli
