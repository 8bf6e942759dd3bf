#include "http/proxy_environment.h"

#include <algorithm>
#include <cctype>
#include <stdexcept>
#include <string>
#include <string_view>

#include "http/url.h"

namespace locust::http {

namespace {

std::string in_upper_case(std::string_view name) {
  std::string result(name);
  std::transform(result.begin(), result.end(), result.begin(),
                 [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return result;
}

// urllib.request.getproxies_environment: an empty one in lower case hides the other.
std::string proxy_variable(const GetVariable& get, const std::string& name) {
  const char* value = get(name.c_str());
  if (value == nullptr) value = get(in_upper_case(name).c_str());
  return value == nullptr ? "" : value;
}

ProxySettings parse_proxy(const std::string& name, const std::string& text) {
  if (text.empty()) return {};
  const std::string url_text = text.find("://") == std::string::npos ? "http://" + text : text;
  const auto url = parse_url(url_text);
  if (!url || url->origin.scheme != "http") {
    // Without the text itself, which may have a password in it.
    throw std::invalid_argument("the variable " + name +
                                " is not the URL of an HTTP proxy (http://host:port)");
  }
  ProxySettings proxy{.host = url->origin.host, .port = url->origin.port};
  if (const auto credentials = credentials_in(url_text)) {
    proxy.user = credentials->user;
    proxy.password = credentials->password;
  }
  return proxy;
}

}  // namespace

EnvironmentProxies proxies_of_environment(const GetVariable& get) {
  const char* no_proxy = get("no_proxy");
  if (no_proxy == nullptr || *no_proxy == '\0') no_proxy = get("NO_PROXY");
  const std::string all = proxy_variable(get, "all_proxy");
  const auto proxy = [&](const std::string& name) {
    const std::string own = proxy_variable(get, name);
    ProxySettings settings = own.empty() ? parse_proxy("all_proxy", all) : parse_proxy(name, own);
    if (no_proxy != nullptr) settings.no_proxy = no_proxy;
    return settings;
  };
  return {proxy("http_proxy"), proxy("https_proxy")};
}

}  // namespace locust::http
