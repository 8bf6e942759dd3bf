// What a user class says about its users' clients reaches the network: rules, defaults, addresses,
// proxies and name servers.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <string>
#include <vector>

#include "http/test_dns.h"
#include "user/test_one_task.h"

namespace locust {
namespace {

using test::ScriptedUser;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

class ClientSettingsTest : public test::OneTask {
 protected:
  // What a GET of this URL brings: its body, or its error.
  std::string get(const std::string& url) {
    std::string got;
    run([&](ScriptedUser& self) -> Task<> {
      const Request request = self.get(url).keep_body();
      const Response response = co_await self.client.send(request);
      got = response.ok() ? response.body : response.error;
    });
    return got;
  }
  // The only row's method, name and error.
  std::vector<std::string> row() const {
    std::vector<std::string> all;
    for (const auto& one : report.stats) all.push_back(one.method + " " + one.name);
    for (const auto& [key, error] : report.errors) all.push_back(error.error);
    return all;
  }
};

// ---- Rules: what Locust 2.47.0 records for each of its clients ----

TEST_F(ClientSettingsTest, FastHttpUsersRules) {
  EXPECT_EQ(get("/status/404?a=b#c"), "LocustBadStatusCode(code=404)");
  EXPECT_THAT(row(), ElementsAre("GET /status/404?a=b#c", "LocustBadStatusCode(code=404)"));
}

TEST_F(ClientSettingsTest, HttpUsersRules) {
  scripted.client(http::like_http_user());
  const std::string error = "HTTPError('404 Client Error: As Asked for url: /status/404?a=b%20d')";
  EXPECT_EQ(get(server.url() + "/status/404?a=b d#c"), error);
  EXPECT_THAT(row(), ElementsAre("GET /status/404?a=b%20d", error));
}

TEST_F(ClientSettingsTest, HttpUsersNameIsInTheFailure) {
  scripted.client(http::like_http_user());
  run([](ScriptedUser& self) -> Task<> {
    const Request request = self.get("/status/503").named("group");
    co_await self.client.send(request);
  });
  EXPECT_THAT(row(),
              ElementsAre("GET group", "HTTPError('503 Server Error: As Asked for url: group')"));
}

TEST_F(ClientSettingsTest, HttpUserTakesEveryStatusBelow400ForASuccess) {
  scripted.client(http::like_http_user());
  run([](ScriptedUser& self) -> Task<> {
    const Request request = self.get("/status/300").named("one");
    co_await self.client.send(request);
    const Request redirect = self.get("/to/status/404").named("one").no_redirects();
    co_await self.client.send(redirect);
  });
  EXPECT_THAT(row(), ElementsAre("GET one"));
}

TEST_F(ClientSettingsTest, HttpUsersParametersArePartOfTheName) {
  scripted.client(http::like_http_user());
  run([](ScriptedUser& self) -> Task<> {
    const Request request = self.get("/echo").query({{"q", "1 2"}});
    co_await self.client.send(request);
  });
  EXPECT_THAT(row(), ElementsAre("GET /echo?q=1+2"));
}

TEST_F(ClientSettingsTest, HttpUsersHeadDoesNotFollowRedirects) {
  scripted.client(http::like_http_user());
  run([](ScriptedUser& self) -> Task<> {
    const Request head = self.head("/to/status/204");
    EXPECT_EQ((co_await self.client.send(head)).status, 302);
    const Request asked = self.head("/to/status/204").follow_redirects();
    EXPECT_EQ((co_await self.client.send(asked)).status, 204);
  });
}

TEST_F(ClientSettingsTest, FastHttpUsersHeadFollowsRedirects) {
  run([](ScriptedUser& self) -> Task<> {
    const Request head = self.head("/to/status/204");
    EXPECT_EQ((co_await self.client.send(head)).status, 204);
  });
}

TEST_F(ClientSettingsTest, HttpUsersWordsForAClosedConnection) {
  scripted.client(http::like_http_user());
  EXPECT_EQ(get("/close"), "RemoteDisconnected('Remote end closed connection without response')");
}

// ---- Defaults ----

TEST_F(ClientSettingsTest, DefaultHeadersAndCredentialsGoWithEveryRequest) {
  http::UserAgentSettings settings;
  settings.default_headers = {{"X-Token", "t"}, {"User-Agent", "own/1"}};
  settings.basic_auth = http::Credentials{"ana", "s:e"};
  scripted.client(settings);
  EXPECT_THAT(
      get("/head"),
      AllOf(HasSubstr("\r\nX-Token: t\r\n"), HasSubstr("\r\nUser-Agent: own/1\r\n"),
            Not(HasSubstr("locustpp")), HasSubstr("\r\nAuthorization: Basic YW5hOnM6ZQ==\r\n")));
}

TEST_F(ClientSettingsTest, ARequestsOwnComeFirst) {
  http::UserAgentSettings settings;
  settings.default_headers = {{"X-Token", "t"}};
  settings.basic_auth = http::Credentials{"ana", "s:e"};
  scripted.client(settings);
  std::string head;
  run([&](ScriptedUser& self) -> Task<> {
    const Request request = self.get("/head").header("x-token", "mine").bearer("b").keep_body();
    head = (co_await self.client.send(request)).body;
  });
  EXPECT_THAT(head, AllOf(HasSubstr("x-token: mine\r\n"), Not(HasSubstr("X-Token")),
                          HasSubstr("Authorization: Bearer b\r\n"), Not(HasSubstr("Basic"))));
}

// FastHttpSession.request sets its own Content-Type for json alone, before default_headers.
TEST_F(ClientSettingsTest, ADefaultContentTypeIsForBodiesThatDoNotKnowTheirs) {
  http::UserAgentSettings settings;
  settings.default_headers = {{"Content-Type", "text/xml"}};
  scripted.client(settings);
  run([](ScriptedUser& self) -> Task<> {
    const Request xml = self.post("/").body("<a/>");
    EXPECT_THAT(std::string(xml.data().wire.bytes()), HasSubstr("Content-Type: text/xml\r\n"));
    const Request json = self.post("/").json("{}");
    EXPECT_THAT(std::string(json.data().wire.bytes()),
                AllOf(HasSubstr("Content-Type: application/json\r\n"), Not(HasSubstr("xml"))));
    co_return;
  });
}

// ---- Digest ----

TEST_F(ClientSettingsTest, AnAnsweredChallengeIsOneSample) {
  run([](ScriptedUser& self) -> Task<> {
    const Request request = self.get("/digest").digest_auth("ana", "secret");
    for (int i = 0; i < 3; ++i) co_await self.client.send(request);
    co_await self.client.batch(2, request);
  });
  EXPECT_THAT(row(), ElementsAre("GET /digest"));
  EXPECT_EQ(report.total.num_requests, 5U);
  EXPECT_EQ(server.seen().size(), 6U) << "the challenge came once";
}

TEST_F(ClientSettingsTest, WithoutCredentialsAChallengeIsAFailure) {
  EXPECT_EQ(get("/digest"), "LocustBadStatusCode(code=401)");
}

TEST_F(ClientSettingsTest, DigestCredentialsOfTheClass) {
  http::UserAgentSettings settings;
  settings.digest_auth = http::Credentials{"ana", "secret"};
  scripted.client(settings);
  run([](ScriptedUser& self) -> Task<> {
    const Request request = self.get("/digest");
    EXPECT_EQ((co_await self.client.send(request)).status, 200);
    const Request other = self.get("/digest").basic_auth("bea", "x");
    EXPECT_EQ((co_await self.client.send(other)).status, 401);
  });
}

// ---- Texts ----

TEST_F(ClientSettingsTest, TextIsReadByItsCharset) {
  run([](ScriptedUser& self) -> Task<> {
    const Request request = self.get("/latin").keep_body();
    const Response response = co_await self.client.send(request);
    EXPECT_EQ(response.body, "caf\xe9");
    EXPECT_EQ(text(response), "caf\u00e9");  // requests: ISO-8859-1 for text/* without a charset
    const Request refused = self.get("/close").keep_body();
    EXPECT_EQ(text(co_await self.client.send(refused)), "");
  });
}

// ---- Where connections go ----

TEST_F(ClientSettingsTest, SourceAddresses) {
  http::UserAgentSettings settings;
  settings.client.source_addresses = {"127.0.0.9"};
  scripted.client(settings);
  EXPECT_EQ(get("/peer"), "127.0.0.9");
}

TEST_F(ClientSettingsTest, TargetAddresses) {
  http::UserAgentSettings settings;
  settings.client.target_addresses = {"127.0.0.1:" + std::to_string(server.port())};
  scripted.client(settings);
  EXPECT_THAT(get("http://shop.test/head"), HasSubstr("\r\nHost: shop.test\r\n"));
}

TEST_F(ClientSettingsTest, UnixSocket) {
  const std::string path = testing::TempDir() + "locustpp-" + std::to_string(getpid()) + ".sock";
  ::unlink(path.c_str());
  {
    test::HttpServer local(path);
    http::UserAgentSettings settings;
    settings.client.unix_socket = path;
    scripted.client(settings);
    EXPECT_THAT(get("http://shop.test/head"), HasSubstr("\r\nHost: shop.test\r\n"));
  }
  ::unlink(path.c_str());
}

TEST_F(ClientSettingsTest, Proxy) {
  http::UserAgentSettings settings;
  settings.client.proxy.host = "127.0.0.1";
  settings.client.proxy.port = static_cast<std::uint16_t>(server.port());
  scripted.client(settings);
  EXPECT_EQ(get("http://shop.test/a"), "http://shop.test/a") << "what the proxy was asked for";
}

TEST_F(ClientSettingsTest, ProxyOfTheEnvironment) {
  http::UserAgentSettings settings;
  settings.trust_env = true;
  ASSERT_EQ(setenv("http_proxy", server.url().c_str(), 1), 0);
  scripted.client(settings);
  unsetenv("http_proxy");
  EXPECT_EQ(get("http://shop.test/a"), "http://shop.test/a");
}

TEST_F(ClientSettingsTest, AnUnusableProxyOfTheEnvironmentIsSaidAtOnce) {
  http::UserAgentSettings settings;
  settings.trust_env = true;
  ASSERT_EQ(setenv("https_proxy", "socks5://h:1", 1), 0);
  EXPECT_THROW(scripted.client(settings), std::invalid_argument);
  unsetenv("https_proxy");
}

// ---- Name servers ----

TEST_F(ClientSettingsTest, NameServers) {
  http::TestDns dns(shard.loop);
  dns.answer = [](const std::string&) { return http::DnsRecords{.addresses = {"127.0.0.1"}}; };
  http::UserAgentSettings settings;
  settings.dns.servers = dns.address();
  scripted.client(settings);
  const std::string url = "http://shop.test:" + std::to_string(server.port());
  EXPECT_THAT(get(url + "/head"), StartsWith("GET /head HTTP/1.1\r\n"));
  EXPECT_EQ(dns.lookups, 1);
}

TEST_F(ClientSettingsTest, ATimeLimitForNameServers) {
  http::TestDns dns(shard.loop);
  dns.answer = [](const std::string&) { return http::DnsRecords{.silent = true}; };
  http::UserAgentSettings settings;
  settings.dns = {.servers = dns.address(), .timeout = milliseconds(20), .tries = 1};
  scripted.client(settings);
  // socket.gaierror of EAI_AGAIN
  EXPECT_EQ(get("http://shop.test/"), "gaierror(-3, 'Temporary failure in name resolution')");
}

TEST_F(ClientSettingsTest, ThoseOfOneShardWithTheSameNameServersShareTheirAnswers) {
  http::DnsSettings dns{.servers = "127.0.0.1:53"};
  http::ClientContext& context = shard.context.http_for(dns);
  EXPECT_NE(&context, &shard.http);
  EXPECT_EQ(&shard.context.http_for(dns), &context);
  EXPECT_EQ(&context.tls(), &shard.http.tls());
  dns.tries = 3;
  EXPECT_NE(&shard.context.http_for(dns), &context);
  EXPECT_EQ(&shard.context.http_for({}), &shard.http);
}

}  // namespace
}  // namespace locust
