#include "http/client.h"

#include <algorithm>
#include <utility>

#include "http/connection.h"
#include "http/failure.h"
#include "http/resolver.h"

namespace locust::http {

ClientContext::ClientContext(EventLoop& loop, std::shared_ptr<TlsContexts> tls,
                             const DnsSettings& dns)
    : loop_(loop),
      resolver_(std::make_unique<Resolver>(loop, dns)),
      tls_(tls ? std::move(tls) : std::make_shared<TlsContexts>()) {}
ClientContext::~ClientContext() = default;

namespace {

// How long an unused connection is trusted to be alive: one that goes from request to request need
// not be looked at, one that a server may have closed or answered to unasked (RFC 9112, 9.2) is.
constexpr SteadyDuration kTrusted = milliseconds(10);

}  // namespace

// ---- Exchange ----

void Exchange::cancel() {
  disarm();
  failure_.clear();
  if (client_ != nullptr) client_->abandon(*this);
}

void Exchange::resume_body() {
  if (connection_ != nullptr) connection_->resume_body();
}

void Exchange::resume_upload() {
  if (connection_ != nullptr) connection_->resume_upload();
}

void Exchange::fire() {
  if (failure_.empty()) {
    response.ended = client_->context_.loop().now();
    failure_ = failure_timed_out(request_->parts().url.to_string());
  }
  std::string failure = std::exchange(failure_, {});
  if (client_ != nullptr) client_->abandon(*this);
  complete(std::move(failure));
}

void Exchange::complete(std::string error) {
  disarm();
  client_ = nullptr;
  connection_ = nullptr;
  if (!error.empty()) {
    response.status = 0;
    response.body_size = 0;
    response.body.clear();
    response.head_size = 0;
    response.trailers.clear();
    response.error = std::move(error);
  }
  on_done();
}

// ---- Client ----

Client::Client(ClientContext& context, const ClientSettings& settings)
    : context_(context), settings_(settings) {}

Client::~Client() {
  for (const auto& host : hosts_) leave(*host);
}

void Client::leave(Host& host) {
  for (const auto& connection : host.connections) {
    connection->client_ = nullptr;
    connection->close_in_order();
  }
}

void Client::start(const Request& request, Exchange& exchange) {
  exchange.request_ = &request;
  exchange.client_ = this;
  exchange.retried_ = false;
  exchange.response.started = context_.loop().now();
  Host& host = use(request.origin());
  while (!host.idle.empty()) {
    Connection& connection = *host.idle.back();
    host.idle.pop_back();
    const bool trusted =
        request.idempotent() && exchange.response.started - connection.idle_since_ < kTrusted;
    if (trusted || connection.looks_alive()) {
      arm_deadline(exchange, true);
      connection.carry(exchange);
      return;
    }
    connection.close_in_order();
    std::erase_if(host.connections, [&](const auto& one) { return one.get() == &connection; });
  }
  arm_deadline(exchange, false);
  if (host.connections.size() < settings_.concurrency) {
    connect_for(host, exchange);
  } else {
    host.waiting.push_back(&exchange);
  }
}

Client::Host& Client::host_of(const Origin& origin) {
  for (const auto& host : hosts_) {
    if (host->origin == origin) return *host;
  }
  if (settings_.most_origins != 0 && hosts_.size() >= settings_.most_origins) give_up_oldest();
  hosts_.push_back(std::make_unique<Host>());
  hosts_.back()->origin = origin;
  return *hosts_.back();
}

// The host of a request that begins: the last in the order of use, where that counts.
Client::Host& Client::use(const Origin& origin) {
  Host& host = host_of(origin);
  if (settings_.most_origins == 0 || hosts_.back().get() == &host) return host;
  const auto at = std::find_if(hosts_.begin(), hosts_.end(),
                               [&](const auto& one) { return one.get() == &host; });
  std::rotate(at, at + 1, hosts_.end());
  return host;
}

void Client::give_up_oldest() {
  const auto unused = std::find_if(hosts_.begin(), hosts_.end(), [](const auto& host) {
    return host->waiting.empty() && !host->connecting &&
           host->idle.size() == host->connections.size();
  });
  if (unused == hosts_.end()) return;
  leave(**unused);
  hosts_.erase(unused);
}

void Client::connect_for(Host& host, Exchange& exchange) {
  host.connections.emplace_back(new Connection(*this, host.origin));
  host.connections.back()->connect(exchange);
}

void Client::arm_deadline(Exchange& exchange, bool connected) {
  const SteadyDuration asked = exchange.request_->timeout();
  const SteadyDuration whole = asked != SteadyDuration::zero() ? asked : settings_.network_timeout;
  const SteadyDuration limit = connected ? whole : std::min(whole, settings_.connection_timeout);
  context_.loop().arm(exchange, exchange.response.started + limit);
}

// An exchange that ends before its response: whatever it waits for is taken away from it.
void Client::abandon(Exchange& exchange) {
  exchange.client_ = nullptr;
  if (exchange.connection_ == nullptr) {
    for (const auto& host : hosts_) std::erase(host->waiting, &exchange);
    return;
  }
  Connection& connection = *std::exchange(exchange.connection_, nullptr);
  connection.exchange_ = nullptr;
  connection.close();
  closed(connection);
}

void Client::released(Connection& connection) {
  Host& host = host_of(connection.origin());
  if (host.waiting.empty()) {
    host.idle.push_back(&connection);
    return;
  }
  Exchange& next = *host.waiting.front();
  host.waiting.erase(host.waiting.begin());
  arm_deadline(next, true);
  connection.carry(next);
}

void Client::closed(Connection& connection) {
  Host& host = host_of(connection.origin());
  std::erase(host.idle, &connection);
  std::erase_if(host.connections, [&](const auto& one) { return one.get() == &connection; });
  connect_waiting(host);
}

// A connection that fails at once (no descriptor left) comes back here by closed(): the loop below
// goes on with the next one then, so that a long queue cannot grow the stack.
void Client::connect_waiting(Host& host) {
  if (host.connecting) return;
  host.connecting = true;
  while (!host.waiting.empty() && host.connections.size() < settings_.concurrency) {
    Exchange& next = *host.waiting.front();
    host.waiting.erase(host.waiting.begin());
    connect_for(host, next);
  }
  host.connecting = false;
}

// Told at the loop's next turn, so that start() never calls back and a loop of failures cannot
// grow the stack.
void Client::fail(Exchange& exchange, std::string error) {
  exchange.response.ended = context_.loop().now();
  exchange.failure_ = std::move(error);
  context_.loop().arm(exchange, exchange.response.ended);
}

}  // namespace locust::http
