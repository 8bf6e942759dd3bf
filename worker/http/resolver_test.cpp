// Name resolution, against a name server of the test's own and with a socket() that can fail.
// Expected texts: what Python raises for the same answers.
#include "http/resolver.h"

#include <gtest/gtest.h>
#include <sys/syscall.h>

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "http/test_dns.h"
#include "http/test_server.h"

extern "C" int socket(int family, int type, int protocol) noexcept {
  int error = locust::http::socket_error;
  if (error == 0 && family == AF_INET6) error = locust::http::socket_error_ipv6;
  if (error != 0) {
    errno = error;
    return -1;
  }
  return static_cast<int>(::syscall(SYS_socket, family, type, protocol));
}

namespace locust::http {
namespace {

class ResolverTest : public testing::Test {
 protected:
  ResolverTest() {
    dns_.answer = [this](const std::string&) { return records_; };
  }
  ~ResolverTest() override { socket_error_ipv6 = 0; }
  // Sends a GET to this name and answers it.
  void expect_served(std::string_view name) {
    const Request request(server_.parts("GET", name));
    TestExchange exchange;
    client_->start(request, exchange);
    Peer peer = server_.accept();
    EXPECT_NE(server_.request(peer).find("\r\nHost: " + std::string(name) + ":"),
              std::string::npos);
    server_.send(peer, kOk);
    ASSERT_TRUE(server_.run_until_done(exchange));
    EXPECT_EQ(exchange.response.status, 200) << exchange.response.error;
  }
  std::string failure_for(std::string_view name) {
    const Request request(server_.parts("GET", name));
    TestExchange exchange;
    client_->start(request, exchange);
    EXPECT_FALSE(exchange.done());
    EXPECT_TRUE(server_.run_until_done(exchange));
    return exchange.response.error;
  }
  // The addresses of a name, in the order for the next connection, or a failure.
  std::vector<std::string> resolve(const std::string& name) {
    std::vector<std::string> result;
    bool told = false;
    context_->resolver().resolve({"http", name, 81},
                                 [&](const Endpoints& endpoints, const std::string& failure) {
                                   told = true;
                                   if (!failure.empty()) result = {failure};
                                   for (const auto& endpoint : endpoints) {
                                     EXPECT_EQ(endpoint.port(), 81);
                                     result.push_back(endpoint.address().to_string());
                                   }
                                 });
    EXPECT_FALSE(told);
    EXPECT_TRUE(server_.run_until([&] { return told; }));
    return result;
  }
  void make_context(SteadyDuration timeout) {
    client_.reset();
    context_ = std::make_unique<ClientContext>(
        server_.loop, nullptr,
        DnsSettings{.servers = dns_.address(), .timeout = timeout, .tries = 1});
  }

  TestServer server_;
  TestDns dns_{server_.loop};
  DnsRecords records_{.addresses = {"127.0.0.1"}};
  std::unique_ptr<ClientContext> context_ = std::make_unique<ClientContext>(
      server_.loop, nullptr, DnsSettings{.servers = dns_.address()});
  std::unique_ptr<Client> client_ =
      std::make_unique<Client>(*context_, ClientSettings{.network_timeout = seconds(9)});
};

using Strings = std::vector<std::string>;

TEST_F(ResolverTest, Localhost) {
  expect_served("localhost");
  EXPECT_EQ(dns_.lookups, 0);
}

TEST_F(ResolverTest, AName) {
  expect_served("a.test");
  EXPECT_EQ(dns_.lookups, 1);
}

TEST_F(ResolverTest, AnAddressNeedsNoLookup) {
  EXPECT_EQ(Resolver::literal({"http", "127.0.0.1", 81})->port(), 81);
  EXPECT_EQ(Resolver::literal({"http", "127.1", 81})->address().to_string(), "127.0.0.1");
  EXPECT_TRUE(Resolver::literal({"http", "::1", 80})->address().is_v6());
  EXPECT_FALSE(Resolver::literal({"http", "localhost", 80}));
  EXPECT_FALSE(Resolver::literal({"http", "127.0.0.1.test", 80}));
}

// ---- Failures ----

TEST_F(ResolverTest, FailuresAreToldAsPythonDoes) {
  constexpr const char* kAgain = "gaierror(-3, 'Temporary failure in name resolution')";
  for (const auto& [code, text] :
       {std::pair{3, "gaierror(-2, 'Name or service not known')"}, std::pair{2, kAgain},
        std::pair{5, kAgain}, std::pair{0, "gaierror(-5, 'No address associated with hostname')"},
        std::pair{1, "gaierror(-4, 'Non-recoverable failure in name resolution')"}}) {
    records_ = {.code = code};
    EXPECT_EQ(failure_for("nosuch.test"), text) << code;
  }
}

TEST_F(ResolverTest, WithoutDescriptorsThatIsTold) {
  const NoDescriptors none;
  EXPECT_EQ(failure_for("a.test"), "OSError(24, 'Too many open files')");
}

TEST_F(ResolverTest, AServerThatDoesNotAnswerIsATemporaryFailure) {
  make_context(milliseconds(20));
  records_ = {.silent = true};
  EXPECT_EQ(resolve("a.test"), Strings{"gaierror(-3, 'Temporary failure in name resolution')"});
}

TEST_F(ResolverTest, AServerThatIsSilentAboutIpv6StillHasTheOtherAddress) {
  make_context(milliseconds(20));
  records_.silent_ipv6 = true;
  EXPECT_EQ(resolve("a.test"), Strings{"127.0.0.1"});
}

TEST_F(ResolverTest, AServerThatIsNotThereIsATemporaryFailure) {
  context_ = nullptr;
  client_.reset();
  {
    const TestDns gone(server_.loop);
    context_ = std::make_unique<ClientContext>(server_.loop, nullptr,
                                               DnsSettings{.servers = gone.address()});
  }
  EXPECT_EQ(resolve("a.test"), Strings{"gaierror(-3, 'Temporary failure in name resolution')"});
}

TEST_F(ResolverTest, AFailureIsNotRemembered) {
  records_.code = 2;
  EXPECT_TRUE(failure_for("a.test").starts_with("gaierror(-3"));
  records_.code = 0;
  expect_served("a.test");
}

// ---- How long an answer serves, and to whom ----

TEST_F(ResolverTest, AnAnswerServesWhileItsTtlLasts) {
  for (int i = 0; i < 3; ++i) EXPECT_EQ(resolve("a.test"), Strings{"127.0.0.1"});
  EXPECT_EQ(dns_.lookups, 1);
}

TEST_F(ResolverTest, AnAnswerWithoutTtlServesOnlyThoseThatWait) {
  records_.ttl = 0;
  for (const std::string address : {"127.0.0.2", "127.0.0.3", "127.0.0.4"}) {
    records_.addresses = {address};
    EXPECT_EQ(resolve("a.test"), Strings{address});
  }
  EXPECT_EQ(dns_.lookups, 3);
}

// A weighted name is often an alias that changes from query to query.
TEST_F(ResolverTest, AnAliasWithoutTtlIsAskedForAgain) {
  records_.alias = "blue.test";
  EXPECT_EQ(resolve("a.test"), Strings{"127.0.0.1"});
  records_ = {.addresses = {"127.0.0.2"}, .alias = "green.test"};
  EXPECT_EQ(resolve("a.test"), Strings{"127.0.0.2"});
  records_.alias_ttl = 60;
  resolve("a.test");
  resolve("a.test");
  EXPECT_EQ(dns_.lookups, 3);
}

TEST_F(ResolverTest, AllAddressesOfAnAnswerAreUsedInTurn) {
  records_.addresses = {"127.0.0.1", "127.0.0.2", "127.0.0.3"};
  std::multiset<std::string> first;
  for (int i = 0; i < 6; ++i) {
    const Strings addresses = resolve("a.test");
    ASSERT_EQ(addresses.size(), 3U);
    first.insert(addresses.front());
  }
  for (const std::string& address : records_.addresses) EXPECT_EQ(first.count(address), 2U);
  EXPECT_EQ(dns_.lookups, 1);
}

TEST_F(ResolverTest, OneAnswerIsSharedByThoseThatWaitForIt) {
  records_ = {.addresses = {"127.0.0.1", "127.0.0.2"}, .ttl = 0};
  std::multiset<std::string> first;
  for (int i = 0; i < 10; ++i) {
    context_->resolver().resolve({"http", "a.test", 81}, [&](const Endpoints& endpoints, auto&) {
      first.insert(endpoints.at(0).address().to_string());
    });
  }
  ASSERT_TRUE(server_.run_until([&] { return first.size() == 10; }));
  EXPECT_EQ(first.count("127.0.0.1"), 5U);
  EXPECT_EQ(dns_.lookups, 1);
}

TEST_F(ResolverTest, LookupsOfSeveralNamesRunAtTheSameTime) {
  dns_.hold(true);
  int answers = 0;
  for (const std::string name : {"a.test", "b.test", "c.test"}) {
    context_->resolver().resolve({"http", name, 80}, [&](auto& endpoints, auto& failure) {
      EXPECT_EQ(endpoints.size(), 1U) << failure;
      ++answers;
    });
  }
  server_.run_for(milliseconds(2));
  EXPECT_EQ(answers, 0);
  dns_.hold(false);
  ASSERT_TRUE(server_.run_until([&] { return answers == 3; }));
  EXPECT_EQ(dns_.lookups, 3);
}

TEST_F(ResolverTest, ATruncatedAnswerIsFetchedWhole) {
  records_.truncated = true;
  records_.addresses.clear();
  for (int i = 1; i <= 100; ++i) records_.addresses.push_back("127.0.1." + std::to_string(i));
  EXPECT_EQ(resolve("a.test").size(), 100U);
  EXPECT_GT(dns_.tcp_queries, 0);
}

// ---- Through a client ----

TEST_F(ResolverTest, ManyAtOnceAreOneLookup) {
  dns_.hold(true);
  const Request request(server_.parts("GET", "many.test"));
  std::vector<std::unique_ptr<Client>> clients;
  std::vector<TestExchange> exchanges(100);
  for (TestExchange& exchange : exchanges) {
    clients.push_back(std::make_unique<Client>(*context_, ClientSettings{}));
    clients.back()->start(request, exchange);
  }
  dns_.hold(false);
  std::vector<Peer> peers;
  for (std::size_t i = 0; i < exchanges.size(); ++i) {
    peers.push_back(server_.accept_request());
    server_.send(peers.back(), kOk);
  }
  for (const TestExchange& exchange : exchanges) {
    ASSERT_TRUE(server_.run_until_done(exchange));
    EXPECT_EQ(exchange.response.status, 200) << exchange.response.error;
  }
  EXPECT_EQ(dns_.lookups, 1);
}

TEST_F(ResolverTest, ManyAtOnceFailTogether) {
  records_.code = 3;
  dns_.hold(true);
  const Request request(server_.parts("GET", "many.test"));
  std::vector<TestExchange> exchanges(100);
  for (TestExchange& exchange : exchanges) client_->start(request, exchange);
  dns_.hold(false);
  for (const TestExchange& exchange : exchanges) {
    ASSERT_TRUE(server_.run_until_done(exchange));
    EXPECT_EQ(exchange.response.error, "gaierror(-2, 'Name or service not known')");
  }
}

TEST_F(ResolverTest, TheLoopRunsOnDuringALookup) {
  dns_.hold(true);
  const Request slow(server_.parts("GET", "slow.test"));
  TestExchange waiting;
  client_->start(slow, waiting);
  expect_served("127.0.0.1");
  EXPECT_FALSE(waiting.done());
}

TEST_F(ResolverTest, ALookupCountsAgainstTheConnectTimeLimit) {
  dns_.hold(true);
  Client client(*context_, {.connection_timeout = milliseconds(20)});
  const Request slow(server_.parts("GET", "slow.test"));
  TestExchange exchange;
  client.start(slow, exchange);
  ASSERT_TRUE(server_.run_until_done(exchange));
  EXPECT_EQ(exchange.response.error,
            "RetriesExceeded('" + server_.url("slow.test") + "', 0, original=timed out)");
}

TEST_F(ResolverTest, TheSecondAddressIsTriedWhenTheFirstRefuses) {
  records_.addresses = {"127.0.0.2", "127.0.0.1"};  // nobody listens on the first
  for (int i = 0; i < 2; ++i) {                     // each of them is first once
    client_ = std::make_unique<Client>(*context_, ClientSettings{});
    expect_served("two.test");
  }
}

TEST_F(ResolverTest, TheSecondAddressIsTriedWhereIpv6Refuses) {
  records_.addresses = {"::1", "127.0.0.1"};
  expect_served("two.test");
}

TEST_F(ResolverTest, TheSecondAddressIsTriedWhereThereIsNoIpv6) {
  records_.addresses = {"::1", "127.0.0.1"};
  socket_error_ipv6 = EAFNOSUPPORT;
  expect_served("two.test");
}

// geventhttpclient raises the first error of all addresses; getaddrinfo puts those last that this
// machine cannot speak to (RFC 6724, rule 1).
TEST_F(ResolverTest, WhenAllAddressesFailTheFirstErrorIsTold) {
  server_.stop_listening();
  records_.addresses = {"::1", "127.0.0.1"};
  socket_error_ipv6 = EAFNOSUPPORT;
  EXPECT_EQ(failure_for("two.test"), "ConnectionRefusedError(111, 'Connection refused')");
  records_.addresses = {"::1"};
  EXPECT_EQ(failure_for("other.test"), "OSError(97, 'Address family not supported by protocol')");
}

// ---- Destroyed meanwhile ----

TEST_F(ResolverTest, AnExchangeDestroyedDuringItsLookupIsForgotten) {
  dns_.hold(true);
  const Request request(server_.parts("GET", "slow.test"));
  auto exchange = std::make_unique<TestExchange>();
  client_->start(request, *exchange);
  server_.run_for(milliseconds(2));
  exchange.reset();
  dns_.hold(false);
  ASSERT_TRUE(server_.run_until([&] { return dns_.lookups == 1; }));
  server_.run_for(milliseconds(2));
  EXPECT_FALSE(server_.connection_waits());
  expect_served("slow.test");
}

TEST_F(ResolverTest, AllMayBeDestroyedDuringALookup) {
  dns_.hold(true);
  const Request request(server_.parts("GET", "slow.test"));
  auto exchange = std::make_unique<TestExchange>();
  client_->start(request, *exchange);
  server_.run_for(milliseconds(2));
  exchange.reset();
  client_.reset();
  context_.reset();
  dns_.hold(false);
  server_.run_for(milliseconds(5));  // its answer comes back to nobody
  EXPECT_FALSE(server_.connection_waits());
}

TEST_F(ResolverTest, AllMayBeDestroyedWhenAnAnswerIsAboutToBeTold) {
  bool told = false;
  context_->resolver().resolve({"http", "localhost", 80}, [&](auto&, auto&) { told = true; });
  context_->resolver().resolve({"http", "localhost", 80}, [&](auto&, auto&) { told = true; });
  client_.reset();
  context_.reset();
  server_.run_for(milliseconds(2));
  EXPECT_FALSE(told);
}

}  // namespace
}  // namespace locust::http
