#include "http/connector.h"

#include <fmt/core.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/write.hpp>
#include <cerrno>
#include <string_view>
#include <utility>

#include "http/failure.h"
#include "http/proxy.h"

namespace locust::http {

namespace asio = boost::asio;

namespace {

constexpr std::size_t kLongestTunnelAnswer = 16 * 1024;
// In place of an errno: a source address that is not this machine's.
constexpr int kNotLocal = -1;

// "ADDRESS", "ADDRESS:PORT", "[IPV6]:PORT"; without a port, that of the URL.
std::optional<asio::ip::tcp::endpoint> parse_target(std::string_view text, std::uint16_t port) {
  const bool has_port = text.starts_with('[') || std::count(text.begin(), text.end(), ':') == 1;
  if (!has_port) return Resolver::literal({"http", std::string(text), port});
  if (text.find_first_of("/?#@") != std::string_view::npos) return std::nullopt;
  const auto url = parse_url("http://" + std::string(text));
  if (!url) return std::nullopt;
  const bool named = text.back() != ']';
  return Resolver::literal({"http", url->origin.host, named ? url->origin.port : port});
}

int family_of(const asio::ip::address& address) { return address.is_v6() ? AF_INET6 : AF_INET; }

}  // namespace

void Connector::start(Done done) {
  const boost::intrusive_ptr<Connector> self(this);
  done_ = std::move(done);
  if (!settings_.source_addresses.empty() || !settings_.target_addresses.empty()) {
    turn_ = context_.next_turn(origin_);
  }
  if (read_settings()) find_endpoints();
}

bool Connector::read_settings() {
  for (const std::string& text : settings_.source_addresses) {
    boost::system::error_code error;
    sources_.push_back(asio::ip::make_address(text, error));
    if (!error) continue;
    fail(failure_of_settings(fmt::format("source address '{}' is no IP address", text)));
    return false;
  }
  for (const std::string& text : settings_.target_addresses) {
    if (const auto target = parse_target(text, origin_.port)) {
      targets_.emplace_back(*target);
      continue;
    }
    fail(failure_of_settings(fmt::format("target address '{}' is no IP address", text)));
    return false;
  }
  return true;
}

void Connector::find_endpoints() {
  const std::string& path = origin_.is_unix() ? origin_.host : settings_.unix_socket;
  if (!path.empty()) {
    if (path.size() >= sizeof(sockaddr_un::sun_path)) return fail(failure_of_errno(ENAMETOOLONG));
    return race({Endpoint(asio::local::stream_protocol::endpoint(path))});
  }
  proxy_ = proxy_for(origin_, settings_.proxy);
  if (!proxy_ && !targets_.empty()) {
    const auto first = static_cast<std::ptrdiff_t>(turn_ % targets_.size());
    std::rotate(targets_.begin(), targets_.begin() + first, targets_.end());
    return race(std::move(targets_));
  }
  const Origin& host = proxy_ ? *proxy_ : origin_;
  if (const auto endpoint = Resolver::literal(host)) return race({Endpoint(*endpoint)});
  context_.resolver().resolve(host, [self = boost::intrusive_ptr(this)](
                                        const Endpoints& endpoints, const std::string& failure) {
    if (!self->done_) return;
    if (!failure.empty()) return self->fail(failure);
    self->race(std::vector<Endpoint>(endpoints.begin(), endpoints.end()));
  });
}

void Connector::race(std::vector<Endpoint> endpoints) {
  endpoints_ = std::move(endpoints);
  sockets_.reserve(endpoints_.size());
  try_next();
}

// Starts with the next address that a socket can be had for.
void Connector::try_next() {
  const boost::intrusive_ptr<Connector> self(this);
  while (sockets_.size() < endpoints_.size()) {
    const std::size_t index = sockets_.size();
    Socket& socket = sockets_.emplace_back(context_.loop().io().get_executor());
    errors_.push_back(open(socket, endpoints_[index]));
    if (errors_[index] != 0) continue;
    ++running_;
    socket.async_connect(endpoints_[index], [self, index](const boost::system::error_code& error) {
      // None is left once another one has won.
      if (self->sockets_.empty()) return;
      self->tried(index, error.value());
    });
    if (sockets_.size() < endpoints_.size()) {
      context_.loop().arm(*this, context_.loop().now() + kHeadStart);
    }
    return;
  }
  if (running_ == 0) fail(failure_to_connect());
}

void Connector::tried(std::size_t index, int error) {
  context_.loop().begin_turn();
  --running_;
  if (error != 0) {
    errors_[index] = error;
    boost::system::error_code ignored;
    sockets_[index].close(ignored);
    return try_next();
  }
  disarm();
  connected_ = std::move(sockets_[index]);
  sockets_.clear();
  if (proxy_ && origin_.scheme == "https") {
    open_tunnel();
  } else {
    succeed();
  }
}

int Connector::open(Socket& socket, const Endpoint& endpoint) {
  boost::system::error_code error;
  socket.open(endpoint.protocol(), error);
  if (error) return error.value();  // no descriptor, or a family that this machine does not speak
  boost::system::error_code ignored;
  socket.non_blocking(true, ignored);
  const int family = endpoint.protocol().family();
  if (family == AF_UNIX) return 0;
  socket.set_option(asio::ip::tcp::no_delay(true), ignored);
  const int failed = sources_.empty() ? 0 : bind(socket, family);
  if (failed != 0) socket.close(ignored);
  return failed;
}

// To the next source address. One turn of the sources for each turn of the targets, so that all
// pairs of them get used.
int Connector::bind(Socket& socket, int family) {
  const auto usable = [family](const auto& source) { return family_of(source) == family; };
  const auto count = std::count_if(sources_.begin(), sources_.end(), usable);
  if (count == 0) return EAFNOSUPPORT;
  auto skip = turn_ / endpoints_.size() % static_cast<std::size_t>(count);
  for (const auto& source : sources_) {
    if (!usable(source) || skip-- != 0) continue;
    // The port is chosen when the target is known: then it need be free only towards that one.
    const int on = 1;
    ::setsockopt(socket.native_handle(), IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on));
    boost::system::error_code error;
    socket.bind(Endpoint(asio::ip::tcp::endpoint(source, 0)), error);
    // connect() says EADDRNOTAVAIL for another reason: no port is left.
    return error.value() == EADDRNOTAVAIL ? kNotLocal : error.value();
  }
  return EAFNOSUPPORT;
}

// The first address's, as geventhttpclient tells it.
std::string Connector::failure_to_connect() const {
  const int error = errors_.empty() ? EADDRNOTAVAIL : errors_.front();
  if (error == kNotLocal) return failure_of_source_address();
  const bool v4 = !endpoints_.empty() && endpoints_.front().protocol().family() == AF_INET;
  return error == EADDRNOTAVAIL && v4 ? failure_of_ports() : failure_of_errno(error);
}

void Connector::open_tunnel() {
  tunnel_request_ = tunnel_request(origin_, settings_.proxy);
  asio::async_write(
      *connected_, asio::buffer(tunnel_request_),
      [self = boost::intrusive_ptr(this)](const boost::system::error_code& error, std::size_t) {
        if (!self->done_) return;
        if (error) return self->fail(failure_of_errno(error.value()));
        self->read_tunnel();
      });
}

void Connector::read_tunnel() {
  connected_->async_read_some(asio::buffer(tunnel_bytes_),
                              [self = boost::intrusive_ptr(this)](
                                  const boost::system::error_code& error, std::size_t size) {
                                if (!self->done_) return;
                                self->context_.loop().begin_turn();
                                if (error == asio::error::eof) return self->fail(tunnel_closed());
                                if (error) return self->fail(failure_of_errno(error.value()));
                                std::string& answer = self->tunnel_answer_;
                                answer.append(self->tunnel_bytes_.data(), size);
                                const bool whole = answer.find("\r\n\r\n") != std::string::npos;
                                if (!whole && answer.size() < kLongestTunnelAnswer)
                                  return self->read_tunnel();
                                std::string failure = tunnel_failure(answer);
                                if (failure.empty()) return self->succeed();
                                self->fail(std::move(failure));
                              });
}

void Connector::succeed() {
  Socket socket = std::move(*connected_);
  connected_.reset();
  std::exchange(done_, nullptr)(std::move(socket), {});
}

void Connector::fail(std::string failure) {
  const boost::intrusive_ptr<Connector> self(this);
  const Done done = std::exchange(done_, nullptr);
  cancel();
  done(Socket(context_.loop().io().get_executor()), std::move(failure));
}

void Connector::cancel() {
  done_ = nullptr;
  disarm();
  sockets_.clear();
  connected_.reset();
}

}  // namespace locust::http
