// HTTP proxies: which requests go through one, and what is said to it. Plain HTTP asks the proxy
// with an absolute URL (RFC 9112, 3.2.2); HTTPS goes through a tunnel (RFC 9110, 9.3.6). Proxies
// that are spoken to in TLS or SOCKS are not supported.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "http/request.h"
#include "http/url.h"

namespace locust::http {

// FastHttpUser's proxy_host and proxy_port, and geventhttpclient's further ones. Nothing is taken
// from the environment, as in Locust's clients (trust_env is False): see http/proxy_environment.h.
struct ProxySettings {
  std::string host = {};  // empty: no proxy
  std::uint16_t port = 0;
  std::string user = {};  // neither this nor a password: no credentials are sent
  std::string password = {};
  // Who is spoken to directly, with commas between them: names, also of whole domains, with or
  // without a port; IPv4 addresses and networks (10.0.0.0/8); "*" alone: everybody. As requests
  // reads the variable no_proxy, but a port is compared even where the URL does not write it, and
  // also with an address.
  std::string no_proxy = {};
  bool operator==(const ProxySettings&) const = default;
};

bool bypasses_proxy(const Origin& origin, std::string_view no_proxy);
// Where to connect instead of the origin; nothing: to the origin.
std::optional<Origin> proxy_for(const Origin& origin, const ProxySettings& settings);

// The request as it goes to a proxy.
std::string absolute_form(const Request& request, const ProxySettings& settings);
// What asks for a tunnel …
std::string tunnel_request(const Origin& origin, const ProxySettings& settings);
// … and what is wrong with the head of the answer, as geventhttpclient says it; empty: nothing.
std::string tunnel_failure(std::string_view head);
// The proxy closed the connection instead.
std::string tunnel_closed();

}  // namespace locust::http
