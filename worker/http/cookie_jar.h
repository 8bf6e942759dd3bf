// The cookies of one user (RFC 6265). Not for several threads; an empty jar owns no memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "http/url.h"

namespace locust::http {

struct Cookie {
  std::string name;
  std::string value;
  std::string domain;  // in lower case, without a leading dot; empty: every host (set by hand)
  std::string path;
  WallTime expires = WallTime::max();  // max(): ends with the user
  bool host_only = false;              // only for `domain` itself, not for hosts beneath it
  bool secure = false;
  bool http_only = false;  // kept for the user's code to see; changes nothing here

  // Both count up through the life of the jar.
  std::uint64_t changed = 0;    // when it got its value
  std::uint64_t last_used = 0;  // or was sent; what was used longest ago makes room first
};

// What a server can make a user hold. Larger cookies are ignored as browsers do; of more cookies
// the one used longest ago is dropped (RFC 6265, 5.3 and 6.1).
struct CookieRules {
  std::size_t most_per_domain = 180;
  std::size_t most_in_all = 3000;
  std::size_t most_bytes = 256 * 1024;  // names, values, domains and paths of the whole jar
  // Sends Secure cookies over http as well, as FastHttpUser does with an old geventhttpclient that
  // does not say what scheme a request has. Without it only a loopback address (or localhost)
  // counts as secure over http, as in browsers.
  bool secure_over_http = false;
};

class CookieJar {
 public:
  static constexpr std::size_t kMostCookieBytes = 4096;     // name and value
  static constexpr std::size_t kMostAttributeBytes = 1024;  // a longer attribute is ignored

  explicit CookieJar(const CookieRules& rules = {}) : rules_(rules) {}

  // The value of one Set-Cookie field in the response to a request for `from`. One that a user
  // agent must ignore changes nothing; one that has expired removes the cookie it names.
  void store(const Url& from, std::string_view set_cookie, WallTime now);

  // The value of the Cookie field for a request to `to`: longest paths first, then the oldest
  // cookies (one that replaced another keeps its place); empty: send none.
  std::string header_for(const Url& to, WallTime now);
  // The same at the end of a text; false, and nothing appended, where there is none to send.
  bool append_header(const Url& to, WallTime now, std::string& out);

  // The value of a cookie that has not expired, whatever its host; of several with this name the
  // one that was set last.
  std::optional<std::string_view> value(std::string_view name, WallTime now) const;
  // As requests' `cookies.set(name, value, domain=…, path=…)`: without a domain it is sent to every
  // host, with one also to the hosts beneath it. Throws std::invalid_argument for text that cannot
  // stand in a Cookie field.
  void set(std::string_view name, std::string_view value, std::string_view domain = {},
           std::string_view path = "/");
  // All cookies of this name; whether there was one.
  bool erase(std::string_view name);
  void clear();

  bool empty() const { return cookies_.empty(); }
  // In the order in which they are sent. Some may have expired.
  const std::vector<Cookie>& cookies() const { return cookies_; }

 private:
  void insert(Cookie cookie, WallTime now);
  void erase_at(std::size_t index);
  void make_room(const std::string& domain, WallTime now);
  bool sends(const Cookie& cookie, const Url& to, WallTime now) const;

  std::vector<Cookie> cookies_;
  std::size_t bytes_ = 0;
  std::uint64_t uses_ = 0;
  CookieRules rules_;
};

}  // namespace locust::http
