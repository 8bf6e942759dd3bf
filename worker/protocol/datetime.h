// A datetime value's text on the wire, "%Y%m%dT%H:%M:%S.%f" (rpc/protocol.py, locust >= 2.20.0).
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/value.h"

namespace locust::protocol {

// Times beyond the years 1 to 9999, which Python cannot read, become the first or the last of them.
std::string datetime_text(DateTime time);

// Nothing where strptime would raise ValueError, and where a field is shorter than strftime
// writes it; the fraction may have one to six digits.
std::optional<DateTime> datetime_from(std::string_view text);

}  // namespace locust::protocol
