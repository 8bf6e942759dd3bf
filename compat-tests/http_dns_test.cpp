// The HTTP client in this process, a real name server and nginx, all in a network namespace of the
// program's own: names are found as on any machine, by /etc/resolv.conf. Where namespaces are not
// allowed the client is told the name server's port, and the cases are the same.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <future>
#include <map>
#include <optional>
#include <string>

#include "harness/browser.h"
#include "harness/eventually.h"
#include "harness/free_port.h"
#include "harness/name_server.h"
#include "harness/nginx.h"
#include "harness/own_network.h"
#include "harness/temp_dir.h"

namespace compat {
namespace {

using locust::http::DnsSettings;
using locust::http::Response;
using testing::Each;
using testing::ElementsAre;
using testing::Pair;
using testing::SizeIs;

class DnsTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    // Of c-ares (resolv.conf(5)): whatever the machine's own search list is.
    ::setenv("LOCALDOMAIN", "locust.test", 1);
    static TempDir dir;
    has_own_network = enter_own_network(dir);
  }
  void start(const std::string& records) { name_server_.emplace(dir_, dns_port(), records); }
  DnsSettings dns() const {
    if (has_own_network) return {};
    return {.servers = "127.0.0.1:" + std::to_string(dns_port())};
  }
  // Each request for it is one connection.
  std::string one(const std::string& name) const {
    return "http://" + name + ":" + std::to_string(nginx_.plain()) + "/one";
  }
  // Where the next connection led, or why there was none.
  std::string address(Browser& browser, const std::string& name) const {
    const Response response = browser.get(one(name));
    return response.ok() ? header(response, "X-Address") : response.error;
  }

  TempDir dir_;
  Nginx nginx_{dir_, {good().cert_file, good().key_file, certificates().ca_file()}};
  std::optional<NameServer> name_server_;

 private:
  int dns_port() const { return has_own_network ? 53 : free_.number(); }
  static bool has_own_network;
  const FreePort free_;
};

bool DnsTest::has_own_network = false;

TEST_F(DnsTest, ARecordThatHasChangedIsFollowedWhenItsTtlHasRunOut) {
  start("soon 1 A 127.0.0.2\nlate 300 A 127.0.0.2\n");
  Browser browser({}, dns());
  EXPECT_EQ(address(browser, "soon.locust.test"), "127.0.0.2");
  EXPECT_EQ(address(browser, "late.locust.test"), "127.0.0.2");
  name_server_->change("soon 1 A 127.0.0.3\nlate 300 A 127.0.0.3\n");
  eventually(
      "the changed record",
      [&] {
        const std::string now = address(browser, "soon.locust.test");
        return Seen{now == "127.0.0.3", now};
      },
      10s, 20ms);
  EXPECT_EQ(address(browser, "late.locust.test"), "127.0.0.2");
  Browser other({}, dns());
  EXPECT_EQ(address(other, "late.locust.test"), "127.0.0.3");
}

TEST_F(DnsTest, AConnectionThatIsKeptIsNotMoved) {
  start("web 0 A 127.0.0.2\n");
  Browser browser({}, dns());
  const std::string url = "http://web.locust.test:" + std::to_string(nginx_.plain()) + "/";
  EXPECT_EQ(header(browser.get(url), "X-Address"), "127.0.0.2");
  name_server_->change("web 0 A 127.0.0.3\n");
  EXPECT_EQ(header(browser.get(url), "X-Address"), "127.0.0.2");
  EXPECT_EQ(address(browser, "web.locust.test"), "127.0.0.2");  // kept until this response
  EXPECT_EQ(address(browser, "web.locust.test"), "127.0.0.3");
}

// 40 of them do not fit into the 512 bytes of a plain answer over UDP: it is fetched by TCP.
TEST_F(DnsTest, AllAddressesOfAnAnswerTakeTurns) {
  std::string records;
  for (int last = 1; last <= Nginx::addresses; ++last) {
    records += "many 300 A 127.0.0." + std::to_string(last) + "\n";
  }
  start(records + "few 300 A 127.0.0.2\nfew 300 A 127.0.0.3\nfew 300 A 127.0.0.4\n");
  Browser browser({}, dns());
  EXPECT_THAT(tally(browser, one("few.locust.test"), "X-Address", 30),
              ElementsAre(Pair("127.0.0.2", 10), Pair("127.0.0.3", 10), Pair("127.0.0.4", 10)));
  const auto many = tally(browser, one("many.locust.test"), "X-Address", 2 * Nginx::addresses);
  EXPECT_THAT(many, SizeIs(Nginx::addresses));
  EXPECT_THAT(many, Each(Pair(testing::StartsWith("127.0.0."), 2)));
}

TEST_F(DnsTest, AnAddressThatIsDownCostsNoRequest) {
  start("half 300 A 127.0.0.2\nhalf 300 A 127.0.0.99\n");
  Browser browser({}, dns());
  EXPECT_THAT(tally(browser, one("half.locust.test"), "X-Address", 10),
              ElementsAre(Pair("127.0.0.2", 10)));
}

TEST_F(DnsTest, AnIpv6AddressWithoutARouteCostsNoRequest) {
  start("six 300 AAAA 2001:db8::1\nsix 300 AAAA 2001:db8::2\nsix 300 A 127.0.0.2\n");
  Browser browser({}, dns());
  EXPECT_THAT(tally(browser, one("six.locust.test"), "X-Address", 10),
              ElementsAre(Pair("127.0.0.2", 10)));
}

// A listener whose queue is full does not answer to new connections, as if packets were lost.
class SilentIpv6 {
 public:
  explicit SilentIpv6(int port) {
    address_.sin6_family = AF_INET6;
    address_.sin6_addr = in6addr_loopback;
    address_.sin6_port = htons(static_cast<std::uint16_t>(port));
    const auto* address = reinterpret_cast<const sockaddr*>(&address_);
    for (int& fd : fds_) {
      fd = ::socket(AF_INET6, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
      if (&fd != fds_) {
        (void)::connect(fd, address, sizeof address_);
      } else if (::bind(fd, address, sizeof address_) == 0) {
        ::listen(fd, 0);
      }
    }
  }
  ~SilentIpv6() {
    for (const int fd : fds_) ::close(fd);
  }
  SilentIpv6(const SilentIpv6&) = delete;
  SilentIpv6& operator=(const SilentIpv6&) = delete;

 private:
  sockaddr_in6 address_{};
  int fds_[5];
};

TEST_F(DnsTest, AnIpv6AddressThatIsSilentIsOvertaken) {
  start("dual 300 AAAA ::1\ndual 300 A 127.0.0.2\n");
  const SilentIpv6 silent(nginx_.plain());
  Browser browser({}, dns());
  EXPECT_EQ(address(browser, "dual.locust.test"), "127.0.0.2");
}

// As Route 53 does, and from one client. 400 draws: 10 points are more than four standard
// deviations.
TEST_F(DnsTest, WeightedAliasesGetTheirShareOfOneClientsConnections) {
  start("near 60 A 127.0.0.2\nfar 60 A 127.0.0.3\n");
  Browser browser({}, dns());
  const auto shares = tally(browser, one("www.locust.test"), "X-Address", 400);
  EXPECT_THAT(shares,
              ElementsAre(Pair("127.0.0.2", testing::AllOf(testing::Gt(260), testing::Lt(340))),
                          Pair("127.0.0.3", testing::AllOf(testing::Gt(60), testing::Lt(140)))));
}

TEST_F(DnsTest, AShortNameIsCompletedFromTheSearchList) {
  start("web 300 A 127.0.0.4\n");
  Browser browser({}, dns());
  EXPECT_EQ(address(browser, "web"), "127.0.0.4");
}

TEST_F(DnsTest, FailuresAreToldAsPythonDoes) {
  start("text 300 TXT nothing\n");
  Browser browser({}, dns());
  EXPECT_EQ(address(browser, "none.locust.test"), "gaierror(-2, 'Name or service not known')");
  EXPECT_EQ(address(browser, "text.locust.test"),
            "gaierror(-5, 'No address associated with hostname')");
  // SERVFAIL and REFUSED.
  for (const char* name : {"web.broken.test", "web.elsewhere.test"}) {
    EXPECT_EQ(address(browser, name), "gaierror(-3, 'Temporary failure in name resolution')");
  }
}

TEST_F(DnsTest, ANameThatAppearsIsFound) {
  start("");
  Browser browser({}, dns());
  EXPECT_EQ(address(browser, "web.locust.test"), "gaierror(-2, 'Name or service not known')");
  name_server_->change("web 300 A 127.0.0.2\n");
  EXPECT_EQ(address(browser, "web.locust.test"), "127.0.0.2");
}

TEST_F(DnsTest, ASilentServerIsATemporaryFailure) {
  start("web 300 A 127.0.0.2\n");
  name_server_->silence(true);
  DnsSettings settings = dns();
  settings.timeout = 50ms;
  Browser impatient({}, settings);
  EXPECT_EQ(address(impatient, "web.locust.test"),
            "gaierror(-3, 'Temporary failure in name resolution')");
  name_server_->silence(false);
  Browser browser({}, dns());
  EXPECT_EQ(address(browser, "web.locust.test"), "127.0.0.2");
}

TEST_F(DnsTest, ALookupThatTakesLongHoldsNobodyElseUp) {
  start("web 300 A 127.0.0.2\n");
  name_server_->silence(true);
  Browser browser({}, dns());
  std::future<Response> waits = browser.start(parts_for(one("web.locust.test")));
  for (int i = 0; i < 20; ++i) EXPECT_EQ(browser.get(nginx_.plain(), "/").status, 200);
  EXPECT_EQ(waits.wait_for(0s), std::future_status::timeout);
  name_server_->silence(false);
  EXPECT_EQ(header(waits.get(), "X-Address"), "127.0.0.2");
}

}  // namespace
}  // namespace compat
