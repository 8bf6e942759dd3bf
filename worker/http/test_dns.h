// A name server for tests, on the client's own loop: it answers queries for addresses as the test
// says, over UDP and, where it has truncated an answer, over TCP. No name of the system is used.
#pragma once

#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/udp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/event_loop.h"

namespace locust::http {

// What a name has. The codes are RFC 1035's: 2 SERVFAIL, 3 NXDOMAIN, 5 REFUSED.
struct DnsRecords {
  std::vector<std::string> addresses = {};  // of both families
  std::uint32_t ttl = 60;
  int code = 0;
  std::string alias = {};       // the name is one (CNAME) of this name, which has the addresses
  std::uint32_t alias_ttl = 0;  // of that
  bool silent = false;          // no answer at all
  bool silent_ipv6 = false;     // none to queries for AAAA
  bool truncated = false;       // over UDP
};

class TestDns {
 public:
  std::function<DnsRecords(const std::string& name)> answer;
  int lookups = 0;      // queries for A; each comes with one for AAAA
  int tcp_queries = 0;  // of both kinds

  explicit TestDns(EventLoop& loop)
      : udp_(loop.io()), acceptor_(loop.io(), {boost::asio::ip::address_v4::loopback(), 0}) {
    udp_.open(boost::asio::ip::udp::v4());
    udp_.bind({boost::asio::ip::address_v4::loopback(), acceptor_.local_endpoint().port()});
    receive();
    accept();
  }
  TestDns(const TestDns&) = delete;
  TestDns& operator=(const TestDns&) = delete;
  ~TestDns() { *alive_ = false; }

  std::string address() const {
    return "127.0.0.1:" + std::to_string(acceptor_.local_endpoint().port());
  }
  // Nobody gets an answer while it is held.
  void hold(bool held) {
    held_ = held;
    if (held) return;
    for (const auto& [query, from] : std::exchange(waiting_, {})) reply_to(query, from);
  }

 private:
  using Udp = boost::asio::ip::udp;
  using Tcp = boost::asio::ip::tcp;
  static constexpr std::size_t kHead = 12;

  static std::string big_endian(std::uint32_t number, int bytes) {
    std::string text;
    for (int i = bytes - 1; i >= 0; --i) {
      text += static_cast<char>(static_cast<unsigned char>(number >> (8 * i)));
    }
    return text;
  }
  static std::string encoded(std::string_view name) {
    std::string text;
    while (!name.empty()) {
      const auto end = std::min(name.find('.'), name.size());
      text += static_cast<char>(end);
      text += name.substr(0, end);
      name.remove_prefix(std::min(end + 1, name.size()));
    }
    return text + '\0';
  }
  static std::string record(const std::string& name, int type, std::uint32_t ttl,
                            const std::string& data) {
    return name + big_endian(static_cast<std::uint32_t>(type), 2) + big_endian(1, 2) +
           big_endian(ttl, 4) + big_endian(static_cast<std::uint32_t>(data.size()), 2) + data;
  }

  // Empty: no answer.
  std::string reply(std::string_view query, bool tcp) {
    std::string name;
    std::size_t at = kHead;
    while (query[at] != 0) {
      const auto size = static_cast<std::size_t>(static_cast<unsigned char>(query[at]));
      if (!name.empty()) name += '.';
      name += query.substr(at + 1, size);
      at += 1 + size;
    }
    const bool v6 = query[at + 2] == 28;
    if (!v6) ++lookups;
    if (tcp) ++tcp_queries;
    const DnsRecords records = answer(name);
    if (records.silent || (records.silent_ipv6 && v6)) return {};
    const bool truncated = records.truncated && !tcp;
    std::string data;
    std::uint32_t count = 0;
    std::string owner = encoded(name);
    if (!records.alias.empty()) {
      data += record(owner, 5, records.alias_ttl, encoded(records.alias));
      owner = encoded(records.alias);
      ++count;
    }
    for (const std::string& text : records.addresses) {
      const auto address = boost::asio::ip::make_address(text);
      if (truncated || address.is_v6() != v6) continue;
      std::string bytes;
      if (v6) {
        for (const auto byte : address.to_v6().to_bytes()) bytes += static_cast<char>(byte);
      } else {
        bytes = big_endian(address.to_v4().to_uint(), 4);
      }
      data += record(owner, v6 ? 28 : 1, records.ttl, bytes);
      ++count;
    }
    const auto flags = 0x8180U | (truncated ? 0x200U : 0U) | static_cast<unsigned>(records.code);
    return std::string(query.substr(0, 2)) + big_endian(flags, 2) + big_endian(1, 2) +
           big_endian(count, 2) + big_endian(0, 4) +
           std::string(query.substr(kHead, at + 5 - kHead)) + data;
  }

  void receive() {
    udp_.async_receive_from(
        boost::asio::buffer(packet_), from_,
        [this, alive = alive_](boost::system::error_code error, std::size_t size) {
          if (!*alive || error == boost::asio::error::operation_aborted) return;
          if (!error) take({packet_.data(), size});
          receive();
        });
  }
  void take(std::string query) {
    if (held_) {
      waiting_.emplace_back(std::move(query), from_);
    } else {
      reply_to(query, from_);
    }
  }
  void reply_to(const std::string& query, const Udp::endpoint& to) {
    const std::string bytes = reply(query, false);
    boost::system::error_code ignored;
    if (!bytes.empty()) udp_.send_to(boost::asio::buffer(bytes), to, 0, ignored);
  }

  void accept() {
    acceptor_.async_accept(
        [this, alive = alive_](boost::system::error_code error, Tcp::socket peer) {
          if (!*alive || error) return;
          serve(std::make_shared<Tcp::socket>(std::move(peer)));
          accept();
        });
  }
  // Both queries of a lookup may come over one connection.
  void serve(const std::shared_ptr<Tcp::socket>& peer) {
    auto bytes = std::make_shared<std::string>(2, '\0');
    boost::asio::async_read(
        *peer, boost::asio::buffer(*bytes),
        [this, peer, bytes, alive = alive_](boost::system::error_code error, std::size_t) {
          if (!*alive || error) return;
          const auto size = static_cast<unsigned char>((*bytes)[0]) * 256U +
                            static_cast<unsigned char>((*bytes)[1]);
          bytes->resize(size);
          boost::system::error_code ignored;
          boost::asio::read(*peer, boost::asio::buffer(*bytes), ignored);
          const std::string answer_bytes = reply(*bytes, true);
          const std::string framed =
              big_endian(static_cast<std::uint32_t>(answer_bytes.size()), 2) + answer_bytes;
          boost::asio::write(*peer, boost::asio::buffer(framed), ignored);
          serve(peer);
        });
  }

  Udp::socket udp_;
  Tcp::acceptor acceptor_;
  Udp::endpoint from_;
  std::array<char, 4096> packet_{};
  bool held_ = false;
  std::vector<std::pair<std::string, Udp::endpoint>> waiting_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace locust::http
