#include "http/cookie_jar.h"

#include <libpsl.h>

#include <algorithm>
#include <limits>
#include <stdexcept>
#include <tuple>
#include <utility>

#include "http/cookie_date.h"
#include "http/header_value.h"

namespace locust::http {

namespace {

// Whether `host` lies beneath `domain` (in lower case): a.b.example beneath b.example.
bool is_beneath(std::string_view host, std::string_view domain) {
  return host.size() > domain.size() && host[host.size() - domain.size() - 1] == '.' &&
         equals_ignoring_case(host.substr(host.size() - domain.size()), domain);
}

// RFC 6265, 5.1.3. An address has no hosts beneath it.
bool domain_matches(std::string_view host, std::string_view domain) {
  return equals_ignoring_case(host, domain) || (is_beneath(host, domain) && !is_address(host));
}

std::string_view path_of(const Url& url) {
  return std::string_view(url.target).substr(0, url.target.find('?'));
}

// RFC 6265, 5.1.4: the request's folder.
std::string_view default_path(const Url& url) {
  const std::string_view path = path_of(url);
  const auto slash = path.rfind('/');
  if (!path.starts_with('/') || slash == 0) return "/";
  return path.substr(0, slash);
}

// RFC 6265, 5.1.4.
bool path_matches(std::string_view request, std::string_view path) {
  return request.starts_with(path) &&
         (request.size() == path.size() || path.ends_with('/') || request[path.size()] == '/');
}

// Whether nobody on the way can read what is sent there (browsers' "trustworthy" origins).
bool is_private(const Origin& origin) {
  return origin.scheme == "https" || equals_ignoring_case(origin.host, "localhost") ||
         is_beneath(origin.host, "localhost") || origin.host == "::1" ||
         (origin.host.starts_with("127.") && is_address(origin.host));
}

// A name under which anybody may register: com, co.uk, github.io; any name without a dot.
bool is_public_suffix(const std::string& domain) {
  const psl_ctx_t* list = psl_builtin();  // never freed; nullptr where the library has none
  if (list == nullptr) return domain.find('.') == std::string::npos;
  return psl_is_public_suffix(list, domain.c_str()) == 1;
}

bool has_control_character(std::string_view text) {
  return std::any_of(text.begin(), text.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return (byte < 0x20 && c != '\t') || byte == 0x7f;
  });
}

WallTime wall_time(std::int64_t epoch) {
  using Seconds = std::chrono::seconds;
  constexpr auto kMost = std::chrono::floor<Seconds>(WallTime::max().time_since_epoch());
  constexpr auto kLeast = std::chrono::ceil<Seconds>(WallTime::min().time_since_epoch());
  return WallTime(std::clamp(Seconds(epoch), kLeast, kMost));
}

// RFC 6265, 5.2.2; nothing where the text is no number.
std::optional<WallTime> parse_max_age(std::string_view text, WallTime now) {
  const bool negative = text.starts_with('-');
  if (negative) text.remove_prefix(1);
  if (text.empty()) return std::nullopt;
  constexpr std::int64_t kMost = std::numeric_limits<std::int32_t>::max();
  std::int64_t age = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    age = std::min(age * 10 + (c - '0'), kMost);
  }
  if (negative || age == 0) return WallTime::min();
  const auto seconds = std::chrono::floor<std::chrono::seconds>(now.time_since_epoch()).count();
  return wall_time(seconds + age);
}

std::pair<std::string_view, std::string_view> split(std::string_view text, char separator) {
  const auto at = text.find(separator);
  if (at == std::string_view::npos) return {text, {}};
  return {text.substr(0, at), text.substr(at + 1)};
}

// The attributes as they are written; of several with one name the last counts.
struct Attributes {
  std::string domain;
  std::string_view path;
  std::optional<WallTime> expires;
  std::optional<WallTime> max_age;
  bool secure = false;
  bool http_only = false;

  void accept(std::string_view name, std::string_view value, WallTime now) {
    if (value.size() > CookieJar::kMostAttributeBytes) return;
    if (equals_ignoring_case(name, "expires")) {
      if (const auto date = parse_cookie_date(value)) expires = wall_time(*date);
    } else if (equals_ignoring_case(name, "max-age")) {
      if (const auto age = parse_max_age(value, now)) max_age = age;
    } else if (equals_ignoring_case(name, "domain")) {
      if (value.starts_with('.')) value.remove_prefix(1);
      if (!value.empty()) domain = to_lower_ascii(value);
    } else if (equals_ignoring_case(name, "path")) {
      path = value;
    } else if (equals_ignoring_case(name, "secure")) {
      secure = true;
    } else if (equals_ignoring_case(name, "httponly")) {
      http_only = true;
    }
  }
};

// RFC 6265, 5.2: nothing where the whole field is to be ignored.
std::optional<Cookie> parse_set_cookie(std::string_view text, WallTime now,
                                       Attributes& attributes) {
  auto [pair, rest] = split(text, ';');
  if (pair.find('=') == std::string_view::npos) return std::nullopt;
  const auto [name, value] = split(pair, '=');
  Cookie cookie;
  cookie.name = trim_blanks(name);
  cookie.value = trim_blanks(value);
  if (cookie.name.empty() || has_control_character(text) ||
      cookie.name.size() + cookie.value.size() > CookieJar::kMostCookieBytes) {
    return std::nullopt;
  }
  while (!rest.empty()) {
    std::string_view attribute;
    std::tie(attribute, rest) = split(rest, ';');
    const auto [key, argument] = split(attribute, '=');
    attributes.accept(trim_blanks(key), trim_blanks(argument), now);
  }
  cookie.expires = attributes.max_age.value_or(attributes.expires.value_or(WallTime::max()));
  cookie.secure = attributes.secure;
  cookie.http_only = attributes.http_only;
  return cookie;
}

// RFC 6265, 5.3, steps 5 and 6. False: this host may not set a cookie for that domain.
bool assign_domain(Cookie& cookie, std::string domain, std::string_view host) {
  const bool is_host = equals_ignoring_case(domain, host);
  if (domain.empty() || (is_host && is_public_suffix(domain))) {  // "localhost" is one
    cookie.domain = to_lower_ascii(host);
    cookie.host_only = true;
    return true;
  }
  if (!domain_matches(host, domain) || is_public_suffix(domain)) return false;
  cookie.domain = std::move(domain);
  return true;
}

std::size_t bytes_of(const Cookie& cookie) {
  return cookie.name.size() + cookie.value.size() + cookie.domain.size() + cookie.path.size();
}

}  // namespace

void CookieJar::store(const Url& from, std::string_view set_cookie, WallTime now) {
  Attributes attributes;
  std::optional<Cookie> cookie = parse_set_cookie(set_cookie, now, attributes);
  if (!cookie || !assign_domain(*cookie, std::move(attributes.domain), from.origin.host)) return;
  cookie->path = attributes.path.starts_with('/') ? attributes.path : default_path(from);
  insert(std::move(*cookie), now);
}

void CookieJar::insert(Cookie cookie, WallTime now) {
  cookie.changed = cookie.last_used = ++uses_;
  const auto same = std::find_if(cookies_.begin(), cookies_.end(), [&](const Cookie& other) {
    return other.name == cookie.name && other.domain == cookie.domain && other.path == cookie.path;
  });
  if (cookie.expires <= now) {
    if (same != cookies_.end()) erase_at(static_cast<std::size_t>(same - cookies_.begin()));
    return;
  }
  const std::string domain = cookie.domain;
  bytes_ += bytes_of(cookie);
  if (same != cookies_.end()) {
    bytes_ -= bytes_of(*same);
    *same = std::move(cookie);
  } else {
    const auto place = std::find_if(cookies_.begin(), cookies_.end(), [&](const Cookie& other) {
      return other.path.size() < cookie.path.size();
    });
    cookies_.insert(place, std::move(cookie));
  }
  make_room(domain, now);
}

void CookieJar::erase_at(std::size_t index) {
  bytes_ -= bytes_of(cookies_[index]);
  cookies_.erase(cookies_.begin() + static_cast<std::ptrdiff_t>(index));
}

void CookieJar::make_room(const std::string& domain, WallTime now) {
  const auto in_domain = [&] {
    return static_cast<std::size_t>(
        std::count_if(cookies_.begin(), cookies_.end(),
                      [&](const Cookie& cookie) { return cookie.domain == domain; }));
  };
  const auto full = [&] {
    return cookies_.size() > rules_.most_in_all || bytes_ > rules_.most_bytes;
  };
  bool domain_is_full = in_domain() > rules_.most_per_domain;
  if (!domain_is_full && !full()) return;
  for (std::size_t i = cookies_.size(); i-- > 0;) {
    if (cookies_[i].expires <= now) erase_at(i);
  }
  domain_is_full = in_domain() > rules_.most_per_domain;
  while (!cookies_.empty() && (domain_is_full || full())) {
    std::size_t oldest = cookies_.size();
    for (std::size_t i = 0; i < cookies_.size(); ++i) {
      if (domain_is_full && cookies_[i].domain != domain) continue;
      if (oldest == cookies_.size() || cookies_[i].last_used < cookies_[oldest].last_used) {
        oldest = i;
      }
    }
    erase_at(oldest);
    domain_is_full = in_domain() > rules_.most_per_domain;
  }
}

bool CookieJar::sends(const Cookie& cookie, const Url& to, WallTime now) const {
  if (cookie.expires <= now || !path_matches(path_of(to), cookie.path)) return false;
  if (cookie.secure && !rules_.secure_over_http && !is_private(to.origin)) return false;
  if (cookie.domain.empty()) return true;
  return cookie.host_only ? equals_ignoring_case(to.origin.host, cookie.domain)
                          : domain_matches(to.origin.host, cookie.domain);
}

bool CookieJar::append_header(const Url& to, WallTime now, std::string& out) {
  bool found = false;
  for (Cookie& cookie : cookies_) {
    if (!sends(cookie, to, now)) continue;
    cookie.last_used = ++uses_;
    if (found) out += "; ";
    out.append(cookie.name).append("=").append(cookie.value);
    found = true;
  }
  return found;
}

std::string CookieJar::header_for(const Url& to, WallTime now) {
  std::string result;
  append_header(to, now, result);
  return result;
}

std::optional<std::string_view> CookieJar::value(std::string_view name, WallTime now) const {
  const Cookie* found = nullptr;
  for (const Cookie& cookie : cookies_) {
    if (cookie.name != name || cookie.expires <= now) continue;
    if (found == nullptr || cookie.changed > found->changed) found = &cookie;
  }
  if (found == nullptr) return std::nullopt;
  return found->value;
}

void CookieJar::set(std::string_view name, std::string_view value, std::string_view domain,
                    std::string_view path) {
  if (name.empty() || name.find_first_of("=;") != std::string_view::npos ||
      value.find(';') != std::string_view::npos || has_control_character(name) ||
      has_control_character(value)) {
    throw std::invalid_argument("a cookie's name or value has a character that none may have");
  }
  if (domain.starts_with('.')) domain.remove_prefix(1);
  Cookie cookie;
  cookie.name = name;
  cookie.value = value;
  cookie.domain = to_lower_ascii(domain);
  cookie.path = path;
  insert(std::move(cookie), WallTime::min());
}

bool CookieJar::erase(std::string_view name) {
  const auto before = cookies_.size();
  for (std::size_t i = cookies_.size(); i-- > 0;) {
    if (cookies_[i].name == name) erase_at(i);
  }
  return cookies_.size() != before;
}

void CookieJar::clear() {
  cookies_.clear();
  bytes_ = 0;
}

}  // namespace locust::http
