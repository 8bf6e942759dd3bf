// Feeds arbitrary text to everything that reads a URL: as a user's, as one relative to a host, and
// as a Location. What comes out must say the same when it is written down and read again, and must
// not break the line of a request that it stands in.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <stdexcept>

#include "http/proxy.h"
#include "http/request.h"
#include "http/url.h"

namespace {

using namespace locust::http;

void require(bool condition, const char* text) {
  if (condition) return;
  std::fprintf(stderr, "it does not hold that %s\n", text);
  std::abort();
}
#define REQUIRE(condition) require(condition, #condition)

bool breaks_a_line(std::string_view text) {
  return std::any_of(text.begin(), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) <= 0x20 || c == 0x7f; });
}

// The lines of a head are as many as were meant, and the first has three parts.
void check_head(std::string_view bytes, std::ptrdiff_t lines) {
  REQUIRE(std::count(bytes.begin(), bytes.end(), '\r') == lines);
  REQUIRE(std::count(bytes.begin(), bytes.end(), '\n') == lines);
  REQUIRE(bytes.ends_with("\r\n\r\n"));
  const std::string_view first = bytes.substr(0, bytes.find("\r\n"));
  REQUIRE(std::count(first.begin(), first.end(), ' ') == 2);
  REQUIRE(first.starts_with("GET ") && first.ends_with(" HTTP/1.1"));
}

void check_request(const Url& url) {
  RequestParts parts;
  parts.url = url;
  parts.default_headers = false;
  try {
    const Request request(std::move(parts));
    check_head(request.bytes(), 3);
    const ProxySettings proxy{.host = "proxy.test", .port = 3128};
    if (url.origin.scheme == "http") check_head(absolute_form(request, proxy), 3);
    proxy_for(url.origin, proxy);
  } catch (const std::invalid_argument&) {
    // Said in one sentence before anything is sent.
  }
}

void check(const std::optional<Url>& url) {
  if (!url) return;
  REQUIRE(!url->origin.host.empty() && url->origin.port != 0);
  REQUIRE(url->target.starts_with('/') && !breaks_a_line(url->target));
  REQUIRE(url->target.find('#') == std::string::npos);
  REQUIRE(!breaks_a_line(url->origin.host_header()));
  const std::string text = url->to_string();
  REQUIRE(!breaks_a_line(text));
  const auto again = parse_url(text);
  REQUIRE(again.has_value());
  REQUIRE(again->origin == url->origin);
  REQUIRE(again->target == url->target);
  REQUIRE(again->to_string() == text);
  check_request(*url);
}

void check_resolved(const Url& base, std::string_view reference) {
  const auto url = resolve_reference(base, reference);
  check(url);
  // Of an absolute URL the answer does not depend on where it is seen from.
  if (url && !scheme_of(reference).empty())
    REQUIRE(url->to_string() == parse_url(reference)->to_string());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const Url kBase = *parse_url("https://www.example.com:8443/a/b/c?d=e");
  static const Url kSocket = *parse_url("http+unix://%2Frun%2Fapp.sock/a/b?c");
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const std::string_view line = text.substr(0, text.find('\n'));
  const std::string_view rest = text.substr(std::min(line.size() + 1, text.size()));
  for (const std::string_view one : {text, line}) {
    const auto url = parse_url(one);
    check(url);
    check(parse_url(one, "http://127.0.0.1:8000"));
    check(parse_url(one, "http://[::1]/base/"));
    check_resolved(kBase, one);
    check_resolved(kSocket, one);
    if (url) check_resolved(*url, rest);
    if (const auto login = credentials_in(one))
      REQUIRE(!login->user.empty() && !login->password.empty());
    REQUIRE(one.starts_with(scheme_of(one)));
  }
  check(parse_url(rest, line));
  return 0;
}
