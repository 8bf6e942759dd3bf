// The proxies that environment variables name, for who asks for them, as requests reads them with
// trust_env: http_proxy, https_proxy, all_proxy and no_proxy; in lower case they come before those
// in upper case.
#pragma once

#include <functional>

#include "http/proxy.h"

namespace locust::http {

struct EnvironmentProxies {
  ProxySettings http;   // for http:// URLs
  ProxySettings https;  // for https:// URLs
};

// As std::getenv: null where there is no such variable.
using GetVariable = std::function<const char*(const char* name)>;

// Throws std::invalid_argument with one sentence for a proxy that is no HTTP proxy's URL.
EnvironmentProxies proxies_of_environment(const GetVariable& get);

}  // namespace locust::http
