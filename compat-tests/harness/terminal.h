// A real terminal (tmux's) with a shell in it, to type into and to look at.
#pragma once

#include <string>
#include <vector>

#include "harness/process.h"

namespace compat {

class Terminal {
 public:
  // `environment`: "NAME=value". The working directory is the case's folder.
  Terminal(TempDir& dir, const std::string& shell,
           const std::vector<std::string>& environment = {});

  // As if somebody typed it. Keys have tmux's names: type("ls"), press("Enter").
  void type(const std::string& text);
  void press(const std::string& key);
  void enter(const std::string& line) {
    type(line);
    press("Enter");
  }
  void resize(int columns, int rows);

  // The rows of the screen, without spaces at their ends.
  std::vector<std::string> rows() const;
  std::string screen() const;
  // With escape sequences for bold and colours.
  std::string coloured_screen() const;
  std::string last_row() const { return rows().back(); }
  // Until some row holds this text; returns that row.
  std::string wait_for(const std::string& text) const;
  // Until the last one does.
  std::string wait_for_last_row(const std::string& text) const;

 private:
  std::string tmux(std::vector<std::string> arguments) const;

  std::string socket_;
  Process server_;
};

}  // namespace compat
