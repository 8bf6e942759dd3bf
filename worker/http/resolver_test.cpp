// Name resolution, with getaddrinfo() and socket() of the test's own: names under .test have the
// addresses, the errors and the delays that a test gives them. No name server is asked.
#include "http/resolver.h"

#include <dlfcn.h>
#include <gtest/gtest.h>
#include <netdb.h>
#include <sys/syscall.h>

#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "http/test_server.h"

namespace {

// What getaddrinfo() says to names under .test. Looked up on a thread of the resolver's.
struct Names {
  std::mutex mutex;
  std::condition_variable changed;
  std::vector<std::string> addresses;
  int error = 0;
  int error_number = 0;  // errno, for EAI_SYSTEM
  bool held = false;     // nobody gets an answer now
  int lookups = 0;
  int answers = 0;
};
Names names;

using Getaddrinfo = int (*)(const char*, const char*, const addrinfo*, addrinfo**);

}  // namespace

extern "C" int getaddrinfo(const char* name, const char* service, const addrinfo* hints,
                           addrinfo** result) {
  static const auto real = reinterpret_cast<Getaddrinfo>(::dlsym(RTLD_NEXT, "getaddrinfo"));
  if (name == nullptr || !std::string_view(name).ends_with(".test")) {
    return real(name, service, hints, result);
  }
  std::unique_lock lock(names.mutex);
  ++names.lookups;
  names.changed.wait(lock, [] { return !names.held; });
  ++names.answers;
  if (names.error != 0) {
    errno = names.error_number;
    return names.error;
  }
  addrinfo** next = result;
  for (const std::string& address : names.addresses) {
    if (const int error = real(address.c_str(), service, hints, next); error != 0) return error;
    while (*next != nullptr) next = &(*next)->ai_next;
  }
  return 0;
}

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
    const std::lock_guard lock(names.mutex);
    names.addresses = {"127.0.0.1"};
    names.error = names.error_number = names.lookups = names.answers = 0;
  }
  ~ResolverTest() override {
    hold(false);
    socket_error_ipv6 = 0;
  }
  static void hold(bool held) {
    const std::lock_guard lock(names.mutex);
    names.held = held;
    names.changed.notify_all();
  }
  static int lookups() {
    const std::lock_guard lock(names.mutex);
    return names.lookups;
  }
  static int answers() {
    const std::lock_guard lock(names.mutex);
    return names.answers;
  }
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

  TestServer server_;
  std::unique_ptr<ClientContext> context_ = std::make_unique<ClientContext>(server_.loop);
  std::unique_ptr<Client> client_ =
      std::make_unique<Client>(*context_, ClientSettings{.network_timeout = seconds(9)});
};

TEST_F(ResolverTest, Localhost) { expect_served("localhost"); }

TEST_F(ResolverTest, AName) {
  expect_served("a.test");
  EXPECT_EQ(lookups(), 1);
}

TEST_F(ResolverTest, AnAddressNeedsNoLookup) {
  EXPECT_EQ(Resolver::literal({"http", "127.0.0.1", 81})->port(), 81);
  EXPECT_TRUE(Resolver::literal({"http", "::1", 80})->address().is_v6());
  EXPECT_FALSE(Resolver::literal({"http", "localhost", 80}));
  EXPECT_FALSE(Resolver::literal({"http", "127.0.0.1.test", 80}));
}

TEST_F(ResolverTest, FailuresAreToldAsPythonDoes) {
  for (const auto& [error, text] :
       {std::pair{EAI_NONAME, "gaierror(-2, 'Name or service not known')"},
        std::pair{EAI_AGAIN, "gaierror(-3, 'Temporary failure in name resolution')"},
        std::pair{EAI_FAIL, "gaierror(-4, 'Non-recoverable failure in name resolution')"}}) {
    names.error = error;
    EXPECT_EQ(failure_for("nosuch.test"), text);
  }
  names.error = EAI_SYSTEM;
  names.error_number = EMFILE;
  EXPECT_EQ(failure_for("nosuch.test"), "OSError(24, 'Too many open files')");
}

TEST_F(ResolverTest, AFailureIsNotRemembered) {
  names.error = EAI_AGAIN;
  EXPECT_TRUE(failure_for("a.test").starts_with("gaierror(-3"));
  names.error = 0;
  expect_served("a.test");
}

TEST_F(ResolverTest, ManyAtOnceAreOneLookup) {
  hold(true);
  const Request request(server_.parts("GET", "many.test"));
  std::vector<std::unique_ptr<Client>> clients;
  std::vector<TestExchange> exchanges(100);
  for (TestExchange& exchange : exchanges) {
    clients.push_back(std::make_unique<Client>(*context_, ClientSettings{}));
    clients.back()->start(request, exchange);
  }
  hold(false);
  std::vector<Peer> peers;
  for (std::size_t i = 0; i < exchanges.size(); ++i) {
    peers.push_back(server_.accept_request());
    server_.send(peers.back(), kOk);
  }
  for (const TestExchange& exchange : exchanges) {
    ASSERT_TRUE(server_.run_until_done(exchange));
    EXPECT_EQ(exchange.response.status, 200) << exchange.response.error;
  }
  EXPECT_EQ(lookups(), 1);
  client_ = std::make_unique<Client>(*context_, ClientSettings{});
}

TEST_F(ResolverTest, ManyAtOnceFailTogether) {
  names.error = EAI_NONAME;
  hold(true);
  const Request request(server_.parts("GET", "many.test"));
  std::vector<TestExchange> exchanges(100);
  for (TestExchange& exchange : exchanges) client_->start(request, exchange);
  hold(false);
  for (const TestExchange& exchange : exchanges) {
    ASSERT_TRUE(server_.run_until_done(exchange));
    EXPECT_EQ(exchange.response.error, "gaierror(-2, 'Name or service not known')");
  }
}

TEST_F(ResolverTest, TheLoopRunsOnDuringALookup) {
  hold(true);
  const Request slow(server_.parts("GET", "slow.test"));
  TestExchange waiting;
  client_->start(slow, waiting);
  expect_served("127.0.0.1");
  EXPECT_FALSE(waiting.done());
}

TEST_F(ResolverTest, ALookupCountsAgainstTheConnectTimeLimit) {
  hold(true);
  Client client(*context_, {.connection_timeout = milliseconds(20)});
  const Request slow(server_.parts("GET", "slow.test"));
  TestExchange exchange;
  client.start(slow, exchange);
  ASSERT_TRUE(server_.run_until_done(exchange));
  EXPECT_EQ(exchange.response.error,
            "RetriesExceeded('" + server_.url("slow.test") + "', 0, original=timed out)");
}

TEST_F(ResolverTest, TheSecondAddressIsTriedWhenTheFirstRefuses) {
  names.addresses = {"127.0.0.2", "127.0.0.1"};  // nobody listens on the first
  expect_served("two.test");
}

TEST_F(ResolverTest, TheSecondAddressIsTriedWhereThereIsNoIpv6) {
  names.addresses = {"::1", "127.0.0.1"};
  socket_error_ipv6 = EAFNOSUPPORT;
  expect_served("two.test");
}

// geventhttpclient raises the first error of all addresses.
TEST_F(ResolverTest, WhenAllAddressesFailTheFirstErrorIsTold) {
  server_.stop_listening();
  names.addresses = {"::1", "127.0.0.1"};
  socket_error_ipv6 = EAFNOSUPPORT;
  EXPECT_EQ(failure_for("two.test"), "OSError(97, 'Address family not supported by protocol')");
  names.addresses = {"127.0.0.1", "::1"};
  EXPECT_EQ(failure_for("other.test"), "ConnectionRefusedError(111, 'Connection refused')");
}

TEST_F(ResolverTest, AnExchangeDestroyedDuringItsLookupIsForgotten) {
  hold(true);
  const Request request(server_.parts("GET", "slow.test"));
  auto exchange = std::make_unique<TestExchange>();
  client_->start(request, *exchange);
  ASSERT_TRUE(server_.run_until([] { return lookups() == 1; }));
  exchange.reset();
  hold(false);
  ASSERT_TRUE(server_.run_until([] { return answers() == 1; }));
  server_.run_for(milliseconds(2));
  EXPECT_FALSE(server_.connection_waits());
  expect_served("slow.test");
}

TEST_F(ResolverTest, AllMayBeDestroyedDuringALookup) {
  hold(true);
  const Request request(server_.parts("GET", "slow.test"));
  auto exchange = std::make_unique<TestExchange>();
  client_->start(request, *exchange);
  ASSERT_TRUE(server_.run_until([] { return lookups() == 1; }));
  exchange.reset();
  client_.reset();
  context_.reset();
  hold(false);
  ASSERT_TRUE(server_.run_until([] { return answers() == 1; }));
  server_.run_for(milliseconds(5));  // its answer comes back to nobody
  EXPECT_FALSE(server_.connection_waits());
}

}  // namespace
}  // namespace locust::http
