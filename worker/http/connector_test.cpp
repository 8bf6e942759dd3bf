// The ways to a connected socket: several addresses, source addresses and Unix sockets, each with
// servers on this machine.
#include "http/connector.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>

#include <cstdlib>
#include <cstring>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "http/failure.h"
#include "http/test_connector.h"
#include "http/test_dns.h"
#include "http/test_server.h"

namespace {

int connect_error = 0;  // what connect() fails with in this program; 0: it does what it should

}  // namespace

extern "C" int connect(int socket, const sockaddr* address, socklen_t size) {
  if (connect_error != 0) {
    errno = connect_error;
    return -1;
  }
  return static_cast<int>(::syscall(SYS_connect, socket, address, size));
}

namespace locust::http {
namespace {

std::string at_port(const TestServer& server) {
  return "127.0.0.1:" + std::to_string(server.port());
}

std::string client_address(const Peer& peer) {
  sockaddr_in address{};
  socklen_t size = sizeof(address);
  ::getpeername(peer.socket(), reinterpret_cast<sockaddr*>(&address), &size);
  char text[INET_ADDRSTRLEN] = {};
  ::inet_ntop(AF_INET, &address.sin_addr, text, sizeof(text));
  return text;
}

// ---- Several addresses ----

// A listener whose queue is full does not answer to new connections.
class BlackHole {
 public:
  explicit BlackHole(TestServer& server) {
    for (Peer& one : fill_) {
      one = Peer(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
      sockaddr_in address{};
      address.sin_family = AF_INET;
      address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
      address.sin_port = htons(silent_.port());
      ::connect(one.socket(), reinterpret_cast<sockaddr*>(&address), sizeof(address));
    }
    server.run_for(milliseconds(20));
  }
  std::string address() const { return at_port(silent_); }

 private:
  TestServer silent_{0};
  Peer fill_[8];
};

TEST_F(ConnectorTest, AfterAHeadStartTheNextAddressIsTriedToo) {
  const BlackHole hole(server_);
  TestExchange exchange;
  make_client({.target_addresses = {hole.address(), at_port(server_)}}).start(get_, exchange);
  Peer peer = server_.accept_request();
  EXPECT_GE(server_.loop.now() - exchange.response.started, Connector::kHeadStart);
  answer(peer, exchange);
}

TEST_F(ConnectorTest, TheHeadStartEndsWithARefusal) {
  TestServer closed;
  closed.stop_listening();
  const BlackHole hole(server_);
  TestExchange exchange;
  make_client({.connection_timeout = milliseconds(200),
               .target_addresses = {at_port(closed), at_port(server_), hole.address()}})
      .start(get_, exchange);
  answer(server_.accept_request(), exchange);
}

TEST_F(ConnectorTest, ARefusalIsNotTheEndWhileAnotherAddressMayAnswer) {
  const BlackHole hole(server_);
  TestServer closed;
  closed.stop_listening();
  EXPECT_TRUE(failure({.connection_timeout = milliseconds(300),
                       .target_addresses = {hole.address(), at_port(closed)}})
                  .starts_with("RetriesExceeded("));
}

TEST_F(ConnectorTest, AllThatIsUnderwayMayBeDestroyed) {
  const BlackHole hole(server_);
  auto exchange = std::make_unique<TestExchange>();
  Client& client = make_client({.target_addresses = {hole.address(), hole.address()}});
  client.start(get_, *exchange);
  server_.run_for(milliseconds(260));  // two tries are
  exchange.reset();
  clients_.clear();
  server_.run_for(milliseconds(2));
}

TEST_F(ConnectorTest, TargetAddressesAreUsedInTurnByAllClients) {
  TestServer other;
  const ClientSettings settings{.target_addresses = {at_port(server_), at_port(other)}};
  std::vector<TestExchange> exchanges(4);
  std::vector<Peer> peers;
  for (std::size_t i = 0; i < exchanges.size(); ++i) {
    make_client(settings).start(get_, exchanges[i]);
    if (i % 2 == 0) {
      peers.push_back(server_.accept_request());
    } else {
      ASSERT_TRUE(server_.run_until([&] { return other.connection_waits(); }));
    }
  }
  EXPECT_EQ(server_.accepted, 2);
  EXPECT_EQ(other.accepted, 2);
}

TEST_F(ConnectorTest, TheAddressesOfOneNameShareTheConnections) {
  TestDns dns(server_.loop);
  dns.answer = [](auto&) { return DnsRecords{.addresses = {"127.0.0.1", "127.0.0.2"}}; };
  ClientContext context(server_.loop, nullptr, DnsSettings{.servers = dns.address()});
  TestServer any(128, INADDR_ANY);
  const Request get(any.parts("GET", "a.test"));
  std::multiset<std::string> reached;
  for (int i = 0; i < 6; ++i) {
    Client client(context, {});
    TestExchange exchange;
    client.start(get, exchange);
    Peer peer;
    ASSERT_TRUE(server_.run_until([&] {
      peer = any.accept_if_any();
      return static_cast<bool>(peer);
    }));
    sockaddr_in address{};
    socklen_t size = sizeof(address);
    ::getsockname(peer.socket(), reinterpret_cast<sockaddr*>(&address), &size);
    reached.insert(::inet_ntoa(address.sin_addr));
  }
  EXPECT_EQ(reached.count("127.0.0.1"), 3U);
  EXPECT_EQ(reached.count("127.0.0.2"), 3U);
}

// ---- Source addresses ----

TEST_F(ConnectorTest, ConnectionsComeFromEachSourceAddressToEachTarget) {
  TestServer other;
  const ClientSettings settings{.source_addresses = {"127.0.0.2", "127.0.0.3"},
                                .target_addresses = {at_port(server_), at_port(other)}};
  std::set<std::pair<std::string, bool>> pairs;
  for (int i = 0; i < 4; ++i) {
    TestExchange exchange;
    make_client(settings).start(get_, exchange);
    Peer peer;
    bool at_other = false;
    ASSERT_TRUE(server_.run_until([&] {
      peer = server_.accept_if_any();
      if (!peer) at_other = static_cast<bool>(peer = other.accept_if_any());
      return static_cast<bool>(peer);
    }));
    server_.request(peer);
    pairs.insert({client_address(peer), at_other});
    answer(peer, exchange);
  }
  EXPECT_EQ(pairs.size(), 4U);
  for (const auto& pair : pairs)
    EXPECT_TRUE(pair.first == "127.0.0.2" || pair.first == "127.0.0.3");
}

TEST_F(ConnectorTest, SettingsThatAreNoAddressesAreToldInASentence) {
  EXPECT_EQ(failure({.source_addresses = {"eth0"}}),
            "ValueError(\"source address 'eth0' is no IP address\")");
  for (const std::string text : {"a.test", "127.0.0.1:x", "127.0.0.1:80/", "[::1", ""}) {
    EXPECT_EQ(failure({.target_addresses = {text}}).find("ValueError("), 0U) << text;
  }
}

TEST_F(ConnectorTest, ASourceAddressOfAnotherMachineIsToldAsThat) {
  EXPECT_EQ(
      failure({.source_addresses = {"192.0.2.1"}}),
      "OSError(99, 'Cannot assign requested address: a source address is not of this machine')");
  EXPECT_EQ(failure({.source_addresses = {"::1"}}),
            "OSError(97, 'Address family not supported by protocol')");
}

TEST_F(ConnectorTest, WhereNoPortIsLeftTheSettingThatHelpsIsNamed) {
  connect_error = EADDRNOTAVAIL;
  const std::string text = failure({});
  connect_error = 0;
  EXPECT_TRUE(text.starts_with("OSError(99, 'Cannot assign requested address")) << text;
  EXPECT_NE(text.find("net.ipv4.ip_local_port_range"), std::string::npos) << text;
}

// ---- Unix sockets ----

class UnixSocket : public ConnectorTest {
 protected:
  UnixSocket() {
    char folder[] = "/tmp/locustpp-XXXXXX";
    folder_ = ::mkdtemp(folder);
    path_ = folder_ + "/a b.sock";
    listener_ = Peer(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path_.c_str(), path_.size());
    EXPECT_EQ(::bind(listener_.socket(), reinterpret_cast<sockaddr*>(&address), sizeof(address)),
              0);
    EXPECT_EQ(::listen(listener_.socket(), 8), 0);
  }
  ~UnixSocket() override {
    ::unlink(path_.c_str());
    ::rmdir(folder_.c_str());
  }
  Peer accept() {
    Peer peer;
    EXPECT_TRUE(server_.run_until([&] {
      peer = Peer(::accept(listener_.socket(), nullptr, nullptr));
      return static_cast<bool>(peer);
    }));
    return peer;
  }
  Request request(const std::string& path) const {
    RequestParts parts;
    parts.url = *parse_url("http+unix://%2F" + path.substr(1) + "/x");
    return Request(std::move(parts));
  }
  std::string encoded() const {
    return folder_.substr(0, 4) + "%2f" + folder_.substr(5) + "%2Fa%20b.sock";
  }

  std::string folder_;
  std::string path_;
  Peer listener_;
};

TEST_F(UnixSocket, IsNamedByTheUrl) {
  const Request request = this->request(encoded());
  for (int i = 0; i < 2; ++i) {
    TestExchange exchange;
    make_client({}).start(request, exchange);
    Peer peer = accept();
    EXPECT_EQ(server_.request(peer).find("GET /x HTTP/1.1\r\nHost: localhost\r\n"), 0U);
    answer(peer, exchange);
  }
}

TEST_F(UnixSocket, IsNamedByTheSettings) {
  TestExchange exchange;
  make_client({.unix_socket = path_}).start(get_, exchange);
  Peer peer = accept();
  EXPECT_EQ(server_.request(peer), get_.bytes());
  answer(peer, exchange);
  EXPECT_EQ(server_.accepted, 0);
}

TEST_F(UnixSocket, ThatIsNotThereFailsAsInPython) {
  EXPECT_EQ(failure({.unix_socket = folder_ + "/none"}),
            "FileNotFoundError(2, 'No such file or directory')");
  EXPECT_EQ(failure({.unix_socket = std::string(200, 'x')}), "OSError(36, 'File name too long')");
  listener_.close();
  EXPECT_EQ(failure({.unix_socket = path_}), "ConnectionRefusedError(111, 'Connection refused')");
}

}  // namespace
}  // namespace locust::http
