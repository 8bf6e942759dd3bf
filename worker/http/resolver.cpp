#include "http/resolver.h"

#include <ares.h>
#include <arpa/inet.h>
#include <netdb.h>

#include <algorithm>
#include <array>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <limits>
#include <random>
#include <utility>

#include "http/failure.h"

namespace locust::http {

namespace asio = boost::asio;

namespace {

// /etc/hosts tells no TTL; a thousand users that connect at once shall not read it each.
constexpr SteadyDuration kFileServes = seconds(1);
// How old c-ares's copy of /etc/resolv.conf may get. It can only be replaced between lookups.
constexpr SteadyDuration kConfigurationServes = seconds(5);

// What getaddrinfo says where c-ares says this (glibc's resolv/res_query.c, nss_dns/dns-host.c).
std::string failure_of(int status, int error_number) {
  switch (status) {
    case ARES_ENODATA:
      return failure_of_getaddrinfo(EAI_NODATA);
    case ARES_ENOTFOUND:
    case ARES_ENONAME:
    case ARES_EBADNAME:
      return failure_of_getaddrinfo(EAI_NONAME);
    case ARES_EFORMERR:
    case ARES_EBADRESP:
      return failure_of_getaddrinfo(EAI_FAIL);
    case ARES_ENOMEM:
      return failure_of_getaddrinfo(EAI_MEMORY);
    default:
      // "No server could be contacted", also where there was no descriptor for a socket.
      if (error_number == EMFILE || error_number == ENFILE) return failure_of_errno(error_number);
      return failure_of_getaddrinfo(EAI_AGAIN);
  }
}

std::optional<asio::ip::address> address_of(const sockaddr& address) {
  if (address.sa_family == AF_INET) {
    sockaddr_in v4{};
    std::memcpy(&v4, &address, sizeof(v4));
    return asio::ip::address_v4(ntohl(v4.sin_addr.s_addr));
  }
  if (address.sa_family == AF_INET6) {
    sockaddr_in6 v6{};
    std::memcpy(&v6, &address, sizeof(v6));
    asio::ip::address_v6::bytes_type bytes;
    std::memcpy(bytes.data(), &v6.sin6_addr, bytes.size());
    return asio::ip::address_v6(bytes, v6.sin6_scope_id);
  }
  return std::nullopt;
}

}  // namespace

// c-ares with its sockets watched and its time-outs kept by the loop.
class Resolver::Channel final : private Timer {
 public:
  Channel(Resolver& resolver, DnsSettings settings)
      : resolver_(resolver), settings_(std::move(settings)) {}
  ~Channel() override { close(); }

  void look_up(const std::string& name);

 private:
  struct Query {
    Channel& channel;
    std::string name;
  };
  // A socket of c-ares's. Index 0: to read, 1: to write.
  struct Watch {
    asio::posix::stream_descriptor descriptor;
    std::array<bool, 2> wanted{};
    std::array<bool, 2> waits{};
  };

  static void on_socket(void* self, ares_socket_t socket, int readable, int writable);
  static void on_answer(void* query, int status, int timeouts, ares_addrinfo* result);
  bool open();
  void close();
  void wait(ares_socket_t socket, const std::shared_ptr<Watch>& watch, std::size_t kind);
  void process(ares_socket_t readable, ares_socket_t writable);
  void rearm();
  void fire() override { process(ARES_SOCKET_BAD, ARES_SOCKET_BAD); }

  Resolver& resolver_;
  const DnsSettings settings_;
  ares_channel ares_ = nullptr;
  SteadyTime opened_{};
  int running_ = 0;
  bool starting_ = false;
  std::map<ares_socket_t, std::shared_ptr<Watch>> watches_;
};

bool Resolver::Channel::open() {
  static const int library = ares_library_init(ARES_LIB_INIT_ALL);
  if (library != ARES_SUCCESS) return false;
  ares_options options{};
  options.sock_state_cb = on_socket;
  options.sock_state_cb_data = this;
  options.timeout = static_cast<int>(
      std::chrono::duration_cast<std::chrono::milliseconds>(settings_.timeout).count());
  options.tries = settings_.tries;
  if (ares_init_options(&ares_, &options,
                        ARES_OPT_SOCK_STATE_CB | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES) !=
      ARES_SUCCESS) {
    ares_ = nullptr;
    return false;
  }
  opened_ = resolver_.loop_.now();
  return settings_.servers.empty() ||
         ares_set_servers_ports_csv(ares_, settings_.servers.c_str()) == ARES_SUCCESS;
}

// Queries that run end with ARES_EDESTRUCTION.
void Resolver::Channel::close() {
  disarm();
  if (ares_ != nullptr) ares_destroy(ares_);
  ares_ = nullptr;
}

void Resolver::Channel::look_up(const std::string& name) {
  if (running_ == 0 && resolver_.loop_.now() - opened_ > kConfigurationServes) close();
  if (ares_ == nullptr && !open()) {
    const int error = errno;
    close();
    resolver_.finished(name, {{}, {}, failure_of(ARES_ECONNREFUSED, error)});
    return;
  }
  ares_addrinfo_hints hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  ++running_;
  starting_ = true;
  errno = 0;
  ares_getaddrinfo(ares_, name.c_str(), nullptr, &hints, on_answer, new Query{*this, name});
  starting_ = false;
  rearm();
}

void Resolver::Channel::on_answer(void* argument, int status, int, ares_addrinfo* result) {
  const int error = errno;
  const std::unique_ptr<Query> query(static_cast<Query*>(argument));
  const std::unique_ptr<ares_addrinfo, void (*)(ares_addrinfo*)> freed(result,
                                                                       [](ares_addrinfo* info) {
                                                                         if (info != nullptr)
                                                                           ares_freeaddrinfo(info);
                                                                       });
  Channel& self = query->channel;
  --self.running_;
  if (status == ARES_EDESTRUCTION) return;
  Found found;
  int ttl = std::numeric_limits<int>::max();  // the book knows the longest
  if (status == ARES_SUCCESS && result != nullptr) {
    for (const ares_addrinfo_node* node = result->nodes; node != nullptr; node = node->ai_next) {
      if (auto address = address_of(*node->ai_addr)) found.addresses.push_back(*address);
      ttl = std::min(ttl, node->ai_ttl);
    }
    // The name may lead to another one sooner than that one changes its address.
    for (const ares_addrinfo_cname* name = result->cnames; name != nullptr; name = name->next) {
      ttl = std::min(ttl, name->ttl);
    }
  }
  if (status == ARES_SUCCESS && found.addresses.empty()) status = ARES_ENODATA;
  if (status != ARES_SUCCESS) found.failure = failure_of(status, error);
  // An answer at once has come from a file.
  found.ttl = self.starting_ ? kFileServes : SteadyDuration(std::chrono::seconds(ttl));
  self.resolver_.finished(query->name, std::move(found));
}

void Resolver::Channel::on_socket(void* argument, ares_socket_t socket, int readable,
                                  int writable) {
  Channel& self = *static_cast<Channel*>(argument);
  if (readable == 0 && writable == 0) {
    if (const auto found = self.watches_.find(socket); found != self.watches_.end()) {
      found->second->descriptor.release();  // c-ares closes it
      self.watches_.erase(found);
    }
    return;
  }
  std::shared_ptr<Watch>& watch = self.watches_[socket];
  if (!watch) {
    watch = std::make_shared<Watch>(
        Watch{asio::posix::stream_descriptor(self.resolver_.loop_.io()), {}, {}});
    boost::system::error_code ignored;  // then the query times out
    watch->descriptor.assign(socket, ignored);
  }
  watch->wanted = {readable != 0, writable != 0};
  for (const std::size_t kind : {0U, 1U}) self.wait(socket, watch, kind);
}

void Resolver::Channel::wait(ares_socket_t socket, const std::shared_ptr<Watch>& watch,
                             std::size_t kind) {
  if (!watch->wanted[kind] || watch->waits[kind]) return;
  watch->waits[kind] = true;
  watch->descriptor.async_wait(
      kind == 0 ? asio::posix::stream_descriptor::wait_read
                : asio::posix::stream_descriptor::wait_write,
      [this, socket, kind, weak = std::weak_ptr(watch)](const boost::system::error_code& error) {
        const auto held = weak.lock();
        if (!held) return;  // not watched any more; the channel may have gone, too
        held->waits[kind] = false;
        if (error) return;
        process(kind == 0 ? socket : ARES_SOCKET_BAD, kind == 1 ? socket : ARES_SOCKET_BAD);
        const auto found = watches_.find(socket);
        if (found != watches_.end() && found->second == held) wait(socket, held, kind);
      });
}

void Resolver::Channel::process(ares_socket_t readable, ares_socket_t writable) {
  resolver_.loop_.begin_turn();
  errno = 0;
  ares_process_fd(ares_, readable, writable);
  rearm();
}

void Resolver::Channel::rearm() {
  timeval buffer{};
  const timeval* time = ares_timeout(ares_, nullptr, &buffer);
  if (time == nullptr) return disarm();
  const SteadyDuration left =
      std::chrono::seconds(time->tv_sec) + std::chrono::microseconds(time->tv_usec);
  resolver_.loop_.arm(*this, resolver_.loop_.now() + left + milliseconds(1));
}

Resolver::Resolver(EventLoop& loop, DnsSettings settings)
    : loop_(loop),
      book_(std::random_device()()),
      channel_(std::make_unique<Channel>(*this, std::move(settings))) {}

Resolver::~Resolver() = default;

std::optional<asio::ip::tcp::endpoint> Resolver::literal(const Origin& origin) {
  boost::system::error_code error;
  const auto address = asio::ip::make_address(origin.host, error);
  if (!error) return asio::ip::tcp::endpoint(address, origin.port);
  in_addr number{};
  if (::inet_aton(origin.host.c_str(), &number) == 0) return std::nullopt;
  return asio::ip::tcp::endpoint(asio::ip::address_v4(ntohl(number.s_addr)), origin.port);
}

void Resolver::resolve(const Origin& origin, Answer answer) {
  if (book_.knows(origin.host, loop_.now())) {
    loop_.post([endpoints = next_endpoints(origin.host, origin.port), answer = std::move(answer),
                alive = std::weak_ptr(alive_)] {
      if (!alive.expired()) answer(endpoints, "");
    });
    return;
  }
  const auto [lookup, is_new] = lookups_.try_emplace(origin.host);
  lookup->second.push_back({origin.port, std::move(answer)});
  if (is_new) channel_->look_up(origin.host);
}

// From within c-ares, which those that wait shall not enter again.
void Resolver::finished(const std::string& name, Found found) {
  loop_.post([this, name, found = std::move(found), alive = std::weak_ptr(alive_)] {
    if (!alive.expired()) tell(name, found);
  });
}

void Resolver::tell(const std::string& name, const Found& found) {
  std::vector<Waiting> waiting;
  if (const auto lookup = lookups_.find(name); lookup != lookups_.end()) {
    waiting = std::move(lookup->second);
    lookups_.erase(lookup);
  }
  if (!found.failure.empty()) {
    // It is not kept: the next connection asks again, as Python does.
    for (const Waiting& one : waiting) one.answer({}, found.failure);
    return;
  }
  book_.store(name, found.addresses, found.ttl, loop_.now());
  for (const Waiting& one : waiting) one.answer(next_endpoints(name, one.port), "");
}

Endpoints Resolver::next_endpoints(const std::string& name, std::uint16_t port) {
  Endpoints endpoints;
  for (const auto& address : book_.next(name)) endpoints.emplace_back(address, port);
  return endpoints;
}

}  // namespace locust::http
