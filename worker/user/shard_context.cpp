#include "user/shard_context.h"

namespace locust {

http::ClientContext& ShardContext::http_for(const http::DnsSettings& dns) {
  if (dns == http::DnsSettings{}) return http;
  for (const auto& [known, context] : with_own_dns) {
    if (known == dns) return *context;
  }
  // Not owned: `http` outlives this.
  const std::shared_ptr<http::TlsContexts> tls(std::shared_ptr<void>(), &http.tls());
  with_own_dns.emplace_back(dns, std::make_unique<http::ClientContext>(loop, tls, dns));
  return *with_own_dns.back().second;
}

}  // namespace locust
