// Bold headings and red errors, where a terminal shows the text.
#pragma once

#include <string>
#include <string_view>

#include "cli/config_file.h"

namespace locust::cli {

// A terminal that knows them (TERM), and nobody who minds (NO_COLOR, https://no-color.org).
bool has_colours(int descriptor, const Environment& env);

// Lines of a help text that begin at the margin and end with a colon.
std::string with_bold_headings(std::string_view text);
// The first "error:".
std::string with_red_errors(std::string text);

}  // namespace locust::cli
