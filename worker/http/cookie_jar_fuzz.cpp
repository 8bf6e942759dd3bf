// Feeds arbitrary Set-Cookie fields, one a line, to a small jar: its limits must hold, and what it
// sends must be able to stand in a header.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "http/cookie_jar.h"

namespace {

void require(bool condition) {
  if (!condition) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace locust::http;
  static const Url kFrom = *parse_url("https://www.shop.example.com/a/b?c");
  static const Url kOther = *parse_url("http://evil.example.org/");
  const locust::WallTime now{std::chrono::seconds(1'700'000'000)};
  CookieRules rules;
  rules.most_per_domain = 3;
  rules.most_in_all = 5;
  rules.most_bytes = 9000;
  CookieJar jar(rules);
  std::string_view text(reinterpret_cast<const char*>(data), size);
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    jar.store(kFrom, text.substr(0, end), now);
    text.remove_prefix(std::min(end + 1, text.size()));
    require(jar.cookies().size() <= rules.most_in_all);
  }
  std::size_t bytes = 0;
  for (const Cookie& cookie : jar.cookies()) {
    bytes += cookie.name.size() + cookie.value.size() + cookie.domain.size() + cookie.path.size();
    require(!cookie.name.empty() && cookie.expires > now && cookie.path.starts_with('/'));
    require(std::string_view("www.shop.example.com").ends_with(cookie.domain));
    require(cookie.domain.size() >= std::string_view("example.com").size());
    require(jar.value(cookie.name, now).has_value());
  }
  require(bytes <= rules.most_bytes);
  require(jar.header_for(kOther, now).empty());
  const std::string header = jar.header_for(kFrom, now);
  require(header.find_first_of(std::string_view("\r\n\0", 3)) == std::string::npos);
  jar.clear();
  require(jar.empty() && jar.header_for(kFrom, now).empty());
  return 0;
}
