#include "harness/terminal.h"

#include <cstdio>
#include <memory>
#include <stdexcept>

#include "harness/eventually.h"

namespace compat {
namespace {

constexpr const char* tmux_program = "/usr/bin/tmux";

std::string quoted(const std::string& text) {
  std::string result = "'";
  for (const char c : text) result += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return result + "'";
}

}  // namespace

// -D: the server itself is the process, and goes with it.
Terminal::Terminal(TempDir& dir, const std::string& shell,
                   const std::vector<std::string>& environment)
    : socket_(dir.new_file("tmux", ".socket").string()),
      server_(dir, "tmux", {tmux_program, "-S", socket_, "-f", "/dev/null", "-D"}, environment) {
  eventually("a terminal", [&] {
    tmux({"new-session", "-d", "-x", "120", "-y", "24", "-c", dir.path().string(), shell});
    return Seen{true, ""};
  });
}

std::string Terminal::tmux(std::vector<std::string> arguments) const {
  // -N: it starts no server of its own, which would outlive this object.
  std::string command = std::string(tmux_program) + " -N -S " + quoted(socket_);
  for (const std::string& argument : arguments) command += ' ' + quoted(argument);
  const std::unique_ptr<FILE, int (*)(FILE*)> out(::popen((command + " 2>&1").c_str(), "r"),
                                                  [](FILE*) { return 0; });
  if (!out) throw std::runtime_error("popen failed");
  std::string text;
  char buffer[4096];
  while (const std::size_t size = std::fread(buffer, 1, sizeof buffer, out.get())) {
    text.append(buffer, size);
  }
  if (::pclose(out.get()) != 0) throw std::runtime_error(command + ": " + text);
  return text;
}

void Terminal::type(const std::string& text) { tmux({"send-keys", "-l", text}); }
void Terminal::press(const std::string& key) { tmux({"send-keys", key}); }
void Terminal::resize(int columns, int rows) {
  tmux({"resize-window", "-x", std::to_string(columns), "-y", std::to_string(rows)});
}

std::string Terminal::screen() const { return tmux({"capture-pane", "-p"}); }

std::string Terminal::coloured_screen() const { return tmux({"capture-pane", "-e", "-p"}); }

std::vector<std::string> Terminal::rows() const {
  std::vector<std::string> result;
  const std::string text = screen();
  for (std::size_t start = 0; start < text.size();) {
    const std::size_t end = text.find('\n', start);
    result.push_back(text.substr(start, end - start));
    start = end == std::string::npos ? text.size() : end + 1;
  }
  if (result.empty()) throw std::runtime_error("no screen");
  return result;
}

std::string Terminal::wait_for(const std::string& text) const {
  std::string found;
  eventually("the screen to show '" + text + "'", [&] {
    for (const std::string& row : rows()) {
      if (row.find(text) != std::string::npos) found = row;
    }
    return Seen{!found.empty(), screen()};
  });
  return found;
}

std::string Terminal::wait_for_last_row(const std::string& text) const {
  std::string row;
  eventually("the last row to show '" + text + "'", [&] {
    row = last_row();
    return Seen{row.find(text) != std::string::npos, screen()};
  });
  return row;
}

}  // namespace compat
