#include "harness/target.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "harness/web.h"

namespace compat {

Target::Target(TempDir& dir, Duration delay)
    : process_(dir, "target",
               {binary("hello-target").string(), "--port", "0", "--delay",
                fmt::format("{:.3f}", static_cast<double>(delay.count()) / 1000)}) {
  const std::string line = process_.wait_for_line("listening on http://");
  port_ = std::stoi(line.substr(line.rfind(':') + 1));
}

std::int64_t Target::served(const std::string& route) const {
  const auto stats = nlohmann::json::parse(web_get(port_, "/stats/").body);
  return stats.at("requests").value(route, std::int64_t{0});
}

}  // namespace compat
