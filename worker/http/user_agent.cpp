#include "http/user_agent.h"

#include <fmt/core.h>

#include <algorithm>
#include <initializer_list>
#include <string_view>
#include <utility>

#include "base/value.h"
#include "http/header_value.h"

namespace locust::http {

namespace {

bool is_redirect(int status) {
  return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

// geventhttpclient's, which tells the URL that was asked for first.
std::string failure_of_redirects(const std::string& url, unsigned limit) {
  return fmt::format("RetriesExceeded({}, {}, original=None)", repr(url),
                     repr(fmt::format("Redirection limit reached ({})", limit)));
}

void drop(Headers& headers, std::initializer_list<std::string_view> names) {
  std::erase_if(headers, [&](const Header& header) {
    return std::any_of(names.begin(), names.end(), [&](std::string_view name) {
      return equals_ignoring_case(header.first, name);
    });
  });
}

// The request that a redirect makes of another one: 301, 302 and 303 ask with GET and without the
// body, as geventhttpclient and browsers do; credentials do not go to another host (RFC
// 9110, 15.4).
RequestParts redirected(const RequestParts& from, int status, Url to) {
  RequestParts parts = from;
  if (status <= 303 && parts.method != "HEAD") {
    parts.method = "GET";
    parts.body.clear();
    parts.has_body = false;
    drop(parts.headers, {"Content-Type", "Content-Length", "Transfer-Encoding"});
  }
  drop(parts.headers, {"Host", "Cookie"});
  if (!(to.origin == parts.url.origin)) drop(parts.headers, {"Authorization"});
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
  if (!agent_->cookies_.empty()) {
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

// False where this is the end of the chain.
bool Fetch::follow() {
  const Url& here = current_->parts().url;
  auto to = resolve_reference(here, *response.header("Location"));
  if (!to) return false;
  if (response.history.size() >= agent_->settings_.max_redirects) {
    const std::string first =
        response.history.empty() ? here.to_string() : response.history.front().url;
    response.error = failure_of_redirects(first, agent_->settings_.max_redirects);
    response.status = 0;
    return false;
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
