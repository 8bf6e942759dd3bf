#include "http/client_rules.h"

#include <fmt/core.h>

#include <algorithm>
#include <chrono>

#include "base/utf8.h"
#include "base/value.h"
#include "http/charset.h"
#include "http/failure.h"
#include "http/header_value.h"

namespace locust::http {

namespace {

constexpr ClientRules kHttpUser = ClientRules::http_user;

// "NOT FOUND" of "HTTP/1.1 404 NOT FOUND", as http.client reads it.
std::string reason_of(std::string_view head) {
  head = head.substr(0, head.find("\r\n"));
  for (int word = 0; word < 2; ++word) {
    head.remove_prefix(std::min(head.find(' '), head.size()));
    head = trim_blanks(head);
  }
  return decode_text(head, "iso-8859-1");
}

bool is_standard(const Origin& origin) {
  return origin.port == (origin.scheme == "https" ? 443 : 80);
}

// As Python writes a float of seconds.
std::string seconds_text(SteadyDuration duration) {
  const std::string text = fmt::format("{}", std::chrono::duration<double>(duration).count());
  return text.find_first_of(".e") == std::string::npos ? text + ".0" : text;
}

}  // namespace

bool is_success(ClientRules rules, int status) {
  // requests' raise_for_status() knows no errors from 600 on.
  if (rules == kHttpUser) return status < 400 || status >= 600;
  return (status >= 200 && status <= 208) || status == 226 || (status >= 301 && status <= 304) ||
         status == 307 || status == 308;
}

std::string failure_of_status(ClientRules rules, const Response& response, std::string_view name) {
  if (rules != kHttpUser) return fmt::format("LocustBadStatusCode(code={})", response.status);
  return fmt::format("HTTPError({})",
                     repr(fmt::format("{} {} Error: {} for url: {}", response.status,
                                      response.status < 500 ? "Client" : "Server",
                                      reason_of(response.head()), name)));
}

std::string default_name(ClientRules rules, std::string_view written, const Url& url) {
  if (rules != kHttpUser) return std::string(written);
  std::string name = url.target;
  if (name.ends_with('?')) name.pop_back();  // PreparedRequest.path_url
  return name;
}

bool is_redirect(int status) {
  return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

std::string method_after_redirect(ClientRules rules, std::string_view method, int status) {
  const bool asks_anew = rules == kHttpUser && status == 301 ? method == "POST" : status <= 303;
  return std::string(asks_anew && method != "HEAD" ? "GET" : method);
}

bool keeps_credentials(ClientRules rules, const Origin& from, const Origin& to) {
  if (from == to) return true;
  // requests lets them go from HTTP to HTTPS (sessions.py, should_strip_auth).
  return rules == kHttpUser && from.host == to.host && from.scheme == "http" &&
         to.scheme == "https" && is_standard(from) && is_standard(to);
}

std::string failure_of_redirects(ClientRules rules, const std::string& first_url, unsigned limit) {
  if (rules == kHttpUser) {
    return fmt::format("TooManyRedirects('Exceeded {} redirects.')", limit);
  }
  return fmt::format("RetriesExceeded({}, {})", repr(first_url),
                     repr(fmt::format("Redirection limit reached ({})", limit)));
}

// Where no URL can be made of it, both clients raise a ValueError into the task; here it is a
// failure of the request, in requests' words for such a URL.
std::string failure_of_location(ClientRules rules, const Url& here, std::string_view location) {
  const std::string scheme = to_lower_ascii(scheme_of(location));
  const std::string shown = sanitize_utf8(location.substr(0, 200));
  if (scheme.empty() || scheme == "http" || scheme == "https") {
    return fmt::format("InvalidURL({})", repr("Failed to parse: " + shown));
  }
  if (rules == kHttpUser) {
    return fmt::format("InvalidSchema({})",
                       repr("No connection adapters were found for " + repr(shown)));
  }
  return fmt::format("UnsupportedRedirectSchemeError({}, {})", repr(here.to_string()),
                     repr(fmt::format("refusing to follow redirect to {} URL", repr(scheme))));
}

std::string failure_to_rewind(ClientRules rules, const Url& here) {
  if (rules == kHttpUser) {
    return "UnrewindableBodyError('Unable to rewind request body for redirect.')";
  }
  return fmt::format(
      "UnrewoundBodyError({}, 'payload cannot be rewound and resent after a redirect')",
      repr(here.to_string()));
}

std::string failure_as_told(ClientRules rules, std::string failure, const Origin& origin,
                            SteadyDuration timeout) {
  if (rules != kHttpUser) return failure;
  if (failure == failure_closed()) {
    return "RemoteDisconnected('Remote end closed connection without response')";
  }
  if (failure == failure_truncated(false) || failure == failure_truncated(true)) {
    return "ChunkedEncodingError(ProtocolError('Response ended prematurely'))";
  }
  // Compared by its ends: the URL is between them.
  const std::string timed_out = failure_timed_out({});
  const std::string_view start = std::string_view(timed_out).substr(0, timed_out.find('('));
  const std::string_view end = std::string_view(timed_out).substr(timed_out.find(", 0,"));
  if (!failure.starts_with(start) || !failure.ends_with(end)) return failure;
  const std::string told =
      fmt::format("{}ConnectionPool(host={}, port={}): Read timed out. (read timeout={})",
                  origin.scheme == "https" ? "HTTPS" : "HTTP", repr(origin.host), origin.port,
                  seconds_text(timeout));
  return fmt::format("ReadTimeout(ReadTimeoutError({}))", repr(told));
}

}  // namespace locust::http
