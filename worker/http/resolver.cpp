#include "http/resolver.h"

#include <netdb.h>

#include <boost/asio/error.hpp>
#include <boost/asio/ip/address.hpp>

#include "http/failure.h"

namespace locust::http {

namespace {

constexpr SteadyDuration kAnswerServes = seconds(1);

// Asio folds getaddrinfo's results into errors of its own; back to what Python shows.
std::string failure_of(const boost::system::error_code& error) {
  if (!error) return {};
  if (error.category() == boost::asio::error::get_system_category()) {
    return failure_of_errno(error.value());  // EAI_SYSTEM, when descriptors run out for one
  }
  if (error == boost::asio::error::host_not_found_try_again) {
    return failure_of_getaddrinfo(EAI_AGAIN);
  }
  if (error == boost::asio::error::no_recovery) return failure_of_getaddrinfo(EAI_FAIL);
  if (error == boost::asio::error::service_not_found) return failure_of_getaddrinfo(EAI_SERVICE);
  return failure_of_getaddrinfo(EAI_NONAME);
}

}  // namespace

Resolver::Resolver(EventLoop& loop) : loop_(loop), resolver_(loop.io()) {}

std::optional<boost::asio::ip::tcp::endpoint> Resolver::literal(const Origin& origin) {
  boost::system::error_code error;
  const auto address = boost::asio::ip::make_address(origin.host, error);
  if (error) return std::nullopt;
  return boost::asio::ip::tcp::endpoint(address, origin.port);
}

void Resolver::resolve(const Origin& origin, Answer answer) {
  const std::string key = origin.host + ":" + std::to_string(origin.port);
  Lookup& lookup = lookups_[key];
  if (!lookup.running && loop_.now() < lookup.valid_until) {
    loop_.post(
        [answer = std::move(answer), endpoints = lookup.endpoints] { answer(endpoints, ""); });
    return;
  }
  lookup.waiting.push_back(std::move(answer));
  if (lookup.running) return;
  lookup.running = true;
  resolver_.async_resolve(origin.host, std::to_string(origin.port),
                          boost::asio::ip::resolver_base::numeric_service,
                          [this, key, alive = std::weak_ptr(alive_)](
                              const boost::system::error_code& error,
                              const boost::asio::ip::tcp::resolver::results_type& results) {
                            if (alive.expired()) return;
                            Endpoints endpoints;
                            for (const auto& result : results)
                              endpoints.push_back(result.endpoint());
                            finish(key, std::move(endpoints), failure_of(error));
                          });
}

void Resolver::finish(const std::string& key, Endpoints endpoints, const std::string& failure) {
  Lookup& lookup = lookups_[key];
  lookup.running = false;
  lookup.endpoints = std::move(endpoints);
  // A failure is not kept: the next request asks again, as Python does.
  lookup.valid_until = failure.empty() ? loop_.now() + kAnswerServes : SteadyTime();
  const std::vector<Answer> waiting = std::exchange(lookup.waiting, {});
  const Endpoints answer = lookup.endpoints;
  for (const Answer& one : waiting) one(answer, failure);
}

}  // namespace locust::http
