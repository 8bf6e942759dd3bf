// Expected: what requests 2.34.2 with trust_env, over Python's urllib.request.getproxies(), makes
// of the same variables.
#include "http/proxy_environment.h"

#include <gtest/gtest.h>

#include <map>
#include <stdexcept>
#include <string>

namespace locust::http {
namespace {

EnvironmentProxies proxies(const std::map<std::string, std::string>& variables) {
  return proxies_of_environment([&](const char* name) -> const char* {
    const auto found = variables.find(name);
    return found == variables.end() ? nullptr : found->second.c_str();
  });
}

TEST(ProxyEnvironment, NothingNamesNone) {
  EXPECT_EQ(proxies({}).http, ProxySettings{});
  EXPECT_EQ(proxies({}).https, ProxySettings{});
}

TEST(ProxyEnvironment, EachSchemeHasItsOwn) {
  const auto found = proxies({{"HTTP_PROXY", "http://a:3128"}, {"HTTPS_PROXY", "http://b:8080/"}});
  EXPECT_EQ(found.http, (ProxySettings{.host = "a", .port = 3128}));
  EXPECT_EQ(found.https, (ProxySettings{.host = "b", .port = 8080}));
  EXPECT_EQ(proxies({{"http_proxy", "http://a"}}).https.host, "");
  EXPECT_EQ(proxies({{"http_proxy", "http://a"}}).http.port, 80);
}

TEST(ProxyEnvironment, AllIsForThoseWithoutTheirOwn) {
  const auto found = proxies({{"ALL_PROXY", "http://all:1"}, {"https_proxy", "http://own:2"}});
  EXPECT_EQ(found.http.host, "all");
  EXPECT_EQ(found.https.host, "own");
}

TEST(ProxyEnvironment, LowerCaseComesFirst) {
  EXPECT_EQ(proxies({{"HTTP_PROXY", "http://up"}, {"http_proxy", "http://low"}}).http.host, "low");
  EXPECT_EQ(proxies({{"HTTP_PROXY", "http://up"}, {"http_proxy", ""}}).http.host, "");
  EXPECT_EQ(proxies({{"HTTP_PROXY", ""}}).http.host, "");
}

TEST(ProxyEnvironment, NoProxyIsForBoth) {
  const auto found =
      proxies({{"ALL_PROXY", "http://p"}, {"no_proxy", ""}, {"NO_PROXY", "localhost,.local"}});
  EXPECT_EQ(found.http.no_proxy, "localhost,.local");
  EXPECT_EQ(found.https.no_proxy, "localhost,.local");
  EXPECT_EQ(proxies({{"no_proxy", "low"}, {"NO_PROXY", "up"}}).http.no_proxy, "low");
}

TEST(ProxyEnvironment, CredentialsAndMissingSchemes) {
  EXPECT_EQ(proxies({{"http_proxy", "http://ana:s%40e@h:3128"}}).http,
            (ProxySettings{.host = "h", .port = 3128, .user = "ana", .password = "s@e"}));
  EXPECT_EQ(proxies({{"http_proxy", "h:3128"}}).http, (ProxySettings{.host = "h", .port = 3128}));
}

TEST(ProxyEnvironment, OtherProxiesAreRefusedWithoutTheirPasswords) {
  for (const std::string text : {"socks5://u:secret@h:1", "https://h", "http://", "http://h:x"}) {
    try {
      proxies({{"ALL_PROXY", text}});
      ADD_FAILURE() << text;
    } catch (const std::invalid_argument& error) {
      EXPECT_STREQ(error.what(),
                   "the variable all_proxy is not the URL of an HTTP proxy (http://host:port)");
    }
  }
  EXPECT_NO_THROW(proxies(
      {{"all_proxy", "socks5://h"}, {"http_proxy", "http://h"}, {"https_proxy", "http://h"}}));
}

}  // namespace
}  // namespace locust::http
