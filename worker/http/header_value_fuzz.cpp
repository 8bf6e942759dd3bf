// Feeds arbitrary bytes to the parsers of header values: whatever they find must lie in the text,
// and survive being written as a quoted string.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "http/auth.h"
#include "http/header_value.h"

namespace {

void require(bool condition) {
  if (!condition) std::abort();
}

void check(const locust::http::HeaderParameters& parameters, std::size_t size) {
  using namespace locust::http;
  std::size_t total = 0;
  for (const auto& [name, value] : parameters) {
    require(!name.empty());
    total += name.size() + value.size() + 1;
    const auto again = parse_header_value("x; " + name + "=" + quoted_string(value));
    require(again.parameters.size() == 1 && again.parameters[0].second == value);
  }
  require(total <= size);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace locust::http;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  check(parse_header_value(text).parameters, size);
  for (const auto& challenge : parse_challenges(text)) {
    require(!challenge.scheme.empty());
    check(challenge.parameters, size);
  }
  DigestAuth digest("user", "password");
  if (digest.challenge(text)) {
    require(digest.authorization("GET", "/", "c").starts_with("Digest username=\"user\", realm="));
  }
  return 0;
}
