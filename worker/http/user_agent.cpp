#include "http/user_agent.h"

#include <fmt/core.h>

#include <algorithm>
#include <initializer_list>
#include <string_view>
#include <utility>

#include "base/utf8.h"
#include "base/value.h"
#include "http/header_value.h"

namespace locust::http {

namespace {

bool is_redirect(int status) {
  return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

// geventhttpclient's exception (whose own repr breaks), with the URL that was asked for first.
std::string failure_of_redirects(const std::string& url, unsigned limit) {
  return fmt::format("RetriesExceeded({}, {})", repr(url),
                     repr(fmt::format("Redirection limit reached ({})", limit)));
}

// A Location that leads nowhere, in the words of requests.
std::string failure_of_location(std::string_view location) {
  const std::string_view scheme = scheme_of(location);
  const std::string shown = sanitize_utf8(location.substr(0, 200));
  if (scheme.empty() || equals_ignoring_case(scheme, "http") ||
      equals_ignoring_case(scheme, "https")) {
    return fmt::format("InvalidURL({})", repr("Failed to parse: " + shown));
  }
  return fmt::format("InvalidSchema({})",
                     repr("No connection adapters were found for " + repr(shown)));
}

bool has(const Headers& headers, std::string_view name) {
  return std::any_of(headers.begin(), headers.end(), [&](const Header& header) {
    return equals_ignoring_case(header.first, name);
  });
}

void drop(Headers& headers, std::initializer_list<std::string_view> names) {
  std::erase_if(headers, [&](const Header& header) {
    return std::any_of(names.begin(), names.end(), [&](std::string_view name) {
      return equals_ignoring_case(header.first, name);
    });
  });
}

// The request that a redirect makes of another one: 301, 302 and 303 ask with GET and without the
// body, as geventhttpclient and browsers do; credentials and the caller's own Host do not go to
// another host (RFC 9110, 15.4).
RequestParts redirected(const RequestParts& from, int status, Url to) {
  RequestParts parts = from;
  if (status <= 303 && parts.method != "HEAD") {
    parts.method = "GET";
    parts.body.clear();
    parts.has_body = false;
    drop(parts.headers,
         {"Content-Type", "Content-Length", "Content-Encoding", "Transfer-Encoding"});
  }
  drop(parts.headers, {"Cookie"});
  if (!(to.origin == parts.url.origin)) drop(parts.headers, {"Authorization", "Host"});
  parts.url = std::move(to);
  return parts;
}

}  // namespace

void Fetch::begin(UserAgent& agent, const Request& request) {
  agent_ = &agent;
  send(request);
}

void Fetch::send(const Request& request) {
  current_ = &request;
  if (!agent_->cookies_.empty() && !has(request.parts().headers, "Cookie")) {
    const SteadyTime now = agent_->context_.loop().now();
    std::string cookies =
        agent_->cookies_.header_for(request.parts().url, agent_->context_.loop().wall(now));
    if (!cookies.empty()) {
      RequestParts parts = request.parts();
      parts.headers.emplace_back("Cookie", std::move(cookies));
      Request with_cookies(std::move(parts));
      made_ = std::move(with_cookies);
      current_ = &*made_;
    }
  }
  agent_->client_.start(*current_, *this);
}

void Fetch::on_done() {
  if (response.ok() && (response.sets_cookies || response.has_location)) {
    if (response.sets_cookies && agent_->settings_.cookies) store_cookies();
    const bool redirect = response.has_location && is_redirect(response.status);
    if (redirect && current_->parts().follow_redirects && follow()) return;
  }
  on_fetched();
}

void Fetch::store_cookies() {
  const WallTime now = agent_->context_.loop().wall(response.ended);
  response.for_each_header("Set-Cookie", [&](std::string_view value) {
    agent_->cookies_.store(current_->parts().url, value, now);
  });
}

bool Fetch::fail(std::string error) {
  response.error = std::move(error);
  response.status = 0;
  response.body_size = 0;
  response.body.clear();
  return false;
}

// False where this is the end of the chain.
bool Fetch::follow() {
  const Url& here = current_->parts().url;
  const std::string_view location = response.header("Location").value_or("");
  if (location.empty()) return false;
  auto to = resolve_reference(here, location);
  if (!to) return fail(failure_of_location(location));
  if (response.history.size() >= agent_->settings_.max_redirects) {
    const std::string first =
        response.history.empty() ? here.to_string() : response.history.front().url;
    return fail(failure_of_redirects(first, agent_->settings_.max_redirects));
  }
  Response next;
  next.history = std::move(response.history);
  next.history.push_back({response.status, here.to_string()});
  next.final_url = to->to_string();
  const SteadyTime started = response.started;
  Request request(redirected(current_->parts(), response.status, std::move(*to)));
  response = std::move(next);
  made_ = std::move(request);
  send(*made_);
  response.started = started;
  return true;
}

}  // namespace locust::http
