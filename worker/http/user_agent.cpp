#include "http/user_agent.h"

#include <algorithm>
#include <cstdlib>
#include <initializer_list>
#include <stdexcept>
#include <string_view>
#include <utility>

#include "http/failure.h"
#include "http/header_value.h"
#include "http/proxy_environment.h"

namespace locust::http {

namespace {

// Of one user. More than anybody has; who makes up new ones without end loses the oldest.
constexpr std::size_t kMostDigests = 64;

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

// The request that a redirect makes of another one: 301, 302 and 303 ask without the body;
// credentials and the caller's own Host do not go to another host (RFC 9110, 15.4).
RequestParts redirected(ClientRules rules, const RequestParts& from, int status, Url to) {
  RequestParts parts = from;
  if (status <= 303) {
    parts.method = method_after_redirect(rules, from.method, status);
    parts.body.clear();
    parts.source = nullptr;
    parts.has_body = false;
    drop(parts.headers,
         {"Content-Type", "Content-Length", "Content-Encoding", "Transfer-Encoding"});
  }
  drop(parts.headers, {"Cookie"});
  if (!(to.origin == parts.url.origin)) drop(parts.headers, {"Host"});
  if (!keeps_credentials(rules, parts.url.origin, to.origin)) {
    drop(parts.headers, {"Authorization", "Proxy-Authorization"});
  }
  parts.url = std::move(to);
  return parts;
}

bool can_send_again(const Request& request) {
  return request.source() == nullptr || request.source()->rewindable();
}

}  // namespace

// ---- Settings ----

UserAgentSettings like_http_user() {
  constexpr SteadyDuration kNever = std::chrono::hours(24 * 365);
  UserAgentSettings settings;
  settings.rules = ClientRules::http_user;
  settings.client.tls.verify = true;
  settings.client.connection_timeout = kNever;
  settings.client.network_timeout = kNever;
  settings.client.max_headers = 99;  // http.client's
  return settings;
}

UserAgentSettings with_environment(UserAgentSettings settings) {
  if (!settings.trust_env || !settings.client.proxy.host.empty()) return settings;
  const EnvironmentProxies proxies =
      proxies_of_environment([](const char* name) { return std::getenv(name); });
  const std::string no_proxy = settings.client.proxy.no_proxy;
  settings.client.proxy = proxies.http;
  if (!settings.https_proxy) settings.https_proxy = proxies.https;
  if (!no_proxy.empty()) {
    settings.client.proxy.no_proxy = no_proxy;
    settings.https_proxy->no_proxy = no_proxy;
  }
  return settings;
}

void add_defaults(const UserAgentSettings& settings, RequestParts& parts) {
  for (const Header& header : settings.default_headers) {
    if (!has(parts.headers, header.first)) parts.headers.push_back(header);
  }
  if (settings.basic_auth && !has(parts.headers, "Authorization")) {
    parts.headers.emplace_back("Authorization", basic_authorization(settings.basic_auth->user,
                                                                    settings.basic_auth->password));
  }
}

// ---- UserAgent ----

UserAgent::UserAgent(ClientContext& context, const UserAgentSettings& settings)
    : context_(context), settings_(settings), client_(context, settings.client) {
  if (!settings.https_proxy || *settings.https_proxy == settings.client.proxy) return;
  ClientSettings for_https = settings.client;
  for_https.proxy = *settings.https_proxy;
  https_client_.emplace(context, for_https);
}

Client& UserAgent::client_for(const Origin& origin) {
  return https_client_ && origin.scheme == "https" ? *https_client_ : client_;
}

DigestAuth* UserAgent::digest_for(const Origin& origin, const Credentials& credentials) {
  for (KnownDigest& known : digests_) {
    if (known.origin == origin && known.credentials == credentials) return &known.auth;
  }
  return nullptr;
}

DigestAuth& UserAgent::add_digest(const Origin& origin, const Credentials& credentials) {
  if (digests_.size() >= kMostDigests) digests_.erase(digests_.begin());
  digests_.push_back({origin, credentials, DigestAuth(credentials.user, credentials.password)});
  return digests_.back().auth;
}

// ---- Fetch ----

void Fetch::begin(UserAgent& agent, const Request& request, const Credentials* digest) {
  agent_ = &agent;
  first_ = &request;
  current_ = &request;
  answered_ = false;
  digest_ = digest;
  if (digest_ == nullptr && agent.settings_.digest_auth &&
      !has(request.parts().headers, "Authorization")) {
    digest_ = &*agent.settings_.digest_auth;
  }
  send();
}

void Fetch::send() {
  std::string cookies;
  if (!agent_->cookies_.empty() && !has(current_->parts().headers, "Cookie")) {
    const SteadyTime now = agent_->context_.loop().now();
    cookies = agent_->cookies_.header_for(current_->parts().url, agent_->context_.loop().wall(now));
  }
  DigestAuth* const digest =
      digest_ == nullptr ? nullptr : agent_->digest_for(current_->origin(), *digest_);
  const Request* to_send = current_;
  if (!cookies.empty() || digest != nullptr) {
    RequestParts parts = current_->parts();
    if (!cookies.empty()) parts.headers.emplace_back("Cookie", std::move(cookies));
    if (digest != nullptr) {
      drop(parts.headers, {"Authorization"});
      parts.headers.emplace_back("Authorization",
                                 digest->authorization(parts.method, parts.url.target));
    }
    Request decorated(std::move(parts));
    sent_ = std::move(decorated);
    to_send = &*sent_;
  }
  agent_->client_for(current_->origin()).start(*to_send, *this);
}

BodySink* Fetch::on_head() {
  const bool is_last = !redirects() && challenge().empty();
  return is_last ? on_final_head() : nullptr;
}

void Fetch::on_done() {
  if (response.ok()) {
    if (response.sets_cookies && agent_->settings_.cookies) store_cookies();
    try {
      if (!challenge().empty() && answer_challenge()) return;
      if (redirects() && follow()) return;
    } catch (const std::invalid_argument& error) {
      // A header that would break the message apart: credentials with a line's end in them.
      fail(failure_of_settings(error.what()));
    }
  } else {
    response.error = failure_as_told(agent_->settings_.rules, std::move(response.error),
                                     current_->origin(), limit());
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

// Of the whole chain.
SteadyDuration Fetch::limit() const {
  const SteadyDuration asked = first_->timeout();
  return asked != SteadyDuration::zero() ? asked : agent_->settings_.client.network_timeout;
}

// Sends another request in place of the one that has been answered. False where there is no time
// left for it.
bool Fetch::go_on(RequestParts parts, Response next) {
  const SteadyTime started = response.started;
  const SteadyDuration left = limit() - (response.ended - started);
  if (left <= SteadyDuration::zero()) {
    return fail(failure_as_told(agent_->settings_.rules, failure_timed_out(parts.url.to_string()),
                                parts.url.origin, limit()));
  }
  parts.timeout = left;
  Request request(std::move(parts));
  next.started = started;
  next.ended = response.ended;
  response = std::move(next);
  next_ = std::move(request);
  current_ = &*next_;
  send();
  response.started = started;
  return true;
}

// ---- Redirects ----

bool Fetch::redirects() const {
  return response.has_location && is_redirect(response.status) &&
         current_->parts().follow_redirects && !response.header("Location").value_or("").empty() &&
         (agent_->settings_.max_redirects > 0 || agent_->settings_.rules == ClientRules::http_user);
}

// False where this is the end of the chain.
bool Fetch::follow() {
  const ClientRules rules = agent_->settings_.rules;
  const Url& here = current_->parts().url;
  const std::string_view location = *response.header("Location");
  if (response.history.size() >= agent_->settings_.max_redirects) {
    return fail(failure_of_redirects(rules, first_->parts().url.to_string(),
                                     agent_->settings_.max_redirects));
  }
  auto to = resolve_reference(here, location);
  // A server may not send its clients to a socket of this machine.
  if (!to || (to->origin.is_unix() && !(to->origin == here.origin))) {
    return fail(failure_of_location(rules, here, location));
  }
  if (response.status > 303 && !can_send_again(*current_)) {
    return fail(failure_to_rewind(rules, here));
  }
  Response next;
  next.history = response.history;
  next.history.push_back({response.status, here.to_string()});
  next.final_url = to->to_string();
  if (!keeps_credentials(rules, here.origin, to->origin)) digest_ = nullptr;
  answered_ = false;
  return go_on(redirected(rules, current_->parts(), response.status, std::move(*to)),
               std::move(next));
}

// ---- Challenges ----

std::string_view Fetch::challenge() const {
  // requests looks at all of 4xx (auth.py, handle_401).
  if (digest_ == nullptr || answered_ || response.status / 100 != 4) return {};
  if (!can_send_again(*current_)) return {};
  std::string_view found;
  response.for_each_header("WWW-Authenticate", [&](std::string_view value) {
    DigestAuth trial(digest_->user, digest_->password);
    if (found.empty() && trial.challenge(value)) found = value;
  });
  return found;
}

bool Fetch::answer_challenge() {
  DigestAuth* digest = agent_->digest_for(current_->origin(), *digest_);
  if (digest == nullptr) digest = &agent_->add_digest(current_->origin(), *digest_);
  digest->challenge(challenge());
  answered_ = true;
  Response next;
  next.history = response.history;
  next.final_url = response.final_url;
  return go_on(current_->parts(), std::move(next));
}

}  // namespace locust::http
