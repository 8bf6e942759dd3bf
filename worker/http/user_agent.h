// A user's client with a memory: cookies, credentials, and redirects that are followed. A Fetch is
// one request as its user means it: a chain of exchanges, one response at the end, one sample.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "http/auth.h"
#include "http/client.h"
#include "http/client_rules.h"
#include "http/cookie_jar.h"
#include "http/dns_settings.h"
#include "http/request.h"
#include "http/response.h"

namespace locust::http {

// FastHttpUser's defaults (contrib/fasthttp.py).
struct UserAgentSettings {
  ClientSettings client = {};
  // Redirects that are followed. 0: FastHttpUser then takes the redirect itself for the response,
  // HttpUser fails.
  unsigned max_redirects = 30;
  bool cookies = true;
  // Whose statuses, names, redirects and failure texts.
  ClientRules rules = ClientRules::fast_http_user;

  // What add_defaults() gives to a request that does not name them itself. Credentials go with a
  // request to wherever it is sent, but not from there to another host by a redirect.
  Headers default_headers = {};
  std::optional<Credentials> basic_auth = {};

  // Answers challenges (RFC 7616) to requests without an Authorization of their own.
  std::optional<Credentials> digest_auth = {};

  // For https:// URLs, where it is not client.proxy.
  std::optional<ProxySettings> https_proxy = {};
  // Proxies of the environment, where client.proxy names none: see with_environment().
  bool trust_env = false;
  // How names are looked up. A matter of the ClientContext that the agent is made with: who makes
  // both looks here (ShardContext::http_for).
  DnsSettings dns = {};
};

// HttpUser's defaults: the rules of requests, certificates that are verified (by the system's CAs
// in place of certifi's), and no limit of time.
UserAgentSettings like_http_user();

// With trust_env: the proxies that the environment names. Throws std::invalid_argument where one
// cannot be used.
UserAgentSettings with_environment(UserAgentSettings settings);

void add_defaults(const UserAgentSettings& settings, RequestParts& parts);

class UserAgent {
 public:
  UserAgent(ClientContext& context, const UserAgentSettings& settings);

  CookieJar& cookies() { return cookies_; }
  const UserAgentSettings& settings() const { return settings_; }

 private:
  friend class Fetch;
  struct KnownDigest {
    Origin origin;
    Credentials credentials;
    DigestAuth auth;
  };

  Client& client_for(const Origin& origin);
  // What such credentials have been asked for there; null: nothing so far.
  DigestAuth* digest_for(const Origin& origin, const Credentials& credentials);
  DigestAuth& add_digest(const Origin& origin, const Credentials& credentials);

  ClientContext& context_;
  const UserAgentSettings settings_;
  CookieJar cookies_;
  std::vector<KnownDigest> digests_;
  Client client_;
  std::optional<Client> https_client_;  // where it has another proxy
};

// Owned by the caller, who derives from it; destroyed in flight, it cancels. Its response has the
// times of the whole chain, the redirects in history, and the status of the last answer.
class Fetch : private Exchange {
 public:
  using Exchange::response;

 protected:
  Fetch() = default;
  // `request`, and the credentials for digest challenges to it (null: the agent's), must live until
  // the fetch is done or destroyed. The time limit is one for the whole chain.
  void begin(UserAgent& agent, const Request& request, const Credentials* digest = nullptr);
  // As Exchange::on_head(), of the response that on_fetched() will tell, not of a redirect that is
  // followed or a challenge that is answered.
  virtual BodySink* on_final_head() { return nullptr; }
  using Exchange::resume_body;
  using Exchange::resume_upload;
  // Never called from within begin(). May destroy the fetch and its user agent.
  virtual void on_fetched() = 0;

 private:
  BodySink* on_head() final;
  void on_done() final;
  bool redirects() const;
  bool follow();
  bool answer_challenge();
  // The value of a WWW-Authenticate that these credentials can answer; empty: none.
  std::string_view challenge() const;
  bool go_on(RequestParts parts, Response next);
  bool fail(std::string error);
  void store_cookies();
  void send();
  SteadyDuration limit() const;

  UserAgent* agent_ = nullptr;
  const Request* first_ = nullptr;
  const Request* current_ = nullptr;  // first_, or …
  std::optional<Request> next_;       // … what has come in its place
  std::optional<Request> sent_;       // that with cookies and credentials, where there are any
  const Credentials* digest_ = nullptr;
  bool answered_ = false;  // a challenge to current_
};

}  // namespace locust::http
