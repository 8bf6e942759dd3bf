#include "http/proxy.h"

#include <arpa/inet.h>
#include <fmt/core.h>

#include <algorithm>
#include <charconv>

#include "base/value.h"
#include "http/auth.h"
#include "http/header_value.h"

namespace locust::http {

namespace {

std::optional<std::uint32_t> ipv4(std::string_view text) {
  in_addr address{};
  if (::inet_pton(AF_INET, std::string(text).c_str(), &address) != 1) return std::nullopt;
  return ntohl(address.s_addr);
}

// Whether an address is in "10.0.0.0/8".
bool in_network(std::uint32_t address, std::string_view network) {
  const auto slash = network.find('/');
  if (slash == std::string_view::npos) return false;
  const auto base = ipv4(network.substr(0, slash));
  const std::string_view bits_text = network.substr(slash + 1);
  unsigned bits = 0;
  const auto [end, error] =
      std::from_chars(bits_text.data(), bits_text.data() + bits_text.size(), bits);
  if (!base || error != std::errc() || end != bits_text.data() + bits_text.size()) return false;
  if (bits < 1 || bits > 32) return false;  // as requests; "*" is the way to say all
  const std::uint32_t mask = ~std::uint32_t{0} << (32 - bits);
  return (address & mask) == (*base & mask);
}

// "example.com" and ".example.com" mean the name and all below it.
bool is_or_is_below(std::string_view name, std::string_view domain) {
  while (domain.starts_with('.')) domain.remove_prefix(1);
  if (domain.empty() || !name.ends_with(domain)) return false;
  const std::size_t rest = name.size() - domain.size();
  return rest == 0 || name[rest - 1] == '.';
}

bool has_credentials(const ProxySettings& settings) {
  return !settings.user.empty() || !settings.password.empty();
}

std::string credentials_line(const ProxySettings& settings) {
  if (!has_credentials(settings)) return {};
  return "Proxy-Authorization: " + basic_authorization(settings.user, settings.password) + "\r\n";
}

std::string runtime_error(const std::string& sentence) {
  return fmt::format("RuntimeError({})", repr(sentence));
}

// Latin-1, as Python decodes it here, to UTF-8.
std::string from_latin1(std::string_view bytes) {
  std::string text;
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x80) {
      text += c;
    } else {
      text += static_cast<char>(0xc0U | (byte >> 6U));
      text += static_cast<char>(0x80U | (byte & 0x3fU));
    }
  }
  return text;
}

}  // namespace

bool bypasses_proxy(const Origin& origin, std::string_view no_proxy) {
  if (no_proxy == "*") return true;
  const std::string host = to_lower_ascii(origin.host);
  const std::string with_port = host + ":" + std::to_string(origin.port);
  const auto address = ipv4(host);
  while (!no_proxy.empty()) {
    const std::size_t comma = std::min(no_proxy.find(','), no_proxy.size());
    const std::string entry = to_lower_ascii(trim_blanks(no_proxy.substr(0, comma)));
    no_proxy.remove_prefix(std::min(comma + 1, no_proxy.size()));
    if (is_or_is_below(host, entry) || is_or_is_below(with_port, entry)) return true;
    if (address && in_network(*address, entry)) return true;
  }
  return false;
}

std::optional<Origin> proxy_for(const Origin& origin, const ProxySettings& settings) {
  if (settings.host.empty() || origin.is_unix() || bypasses_proxy(origin, settings.no_proxy)) {
    return std::nullopt;
  }
  return Origin{"http", settings.host, settings.port};
}

std::string absolute_form(const Request& request, const ProxySettings& settings) {
  const std::string_view bytes = request.bytes();
  const std::size_t target = bytes.find(' ') + 1;
  const std::size_t headers = bytes.find("\r\n") + 2;
  const bool has_its_own = std::any_of(
      request.parts().headers.begin(), request.parts().headers.end(), [](const Header& header) {
        return equals_ignoring_case(header.first, "Proxy-Authorization");
      });
  std::string out(bytes.substr(0, target));
  out += request.origin().scheme + "://" + request.origin().host_header();
  out += bytes.substr(target, headers - target);
  if (!has_its_own) out += credentials_line(settings);
  out += bytes.substr(headers);
  return out;
}

std::string tunnel_request(const Origin& origin, const ProxySettings& settings) {
  const bool v6 = origin.host.find(':') != std::string::npos;
  const std::string authority =
      (v6 ? "[" + origin.host + "]" : origin.host) + ":" + std::to_string(origin.port);
  return "CONNECT " + authority + " HTTP/1.1\r\nHost: " + authority + "\r\n" +
         credentials_line(settings) + "\r\n";
}

std::string tunnel_failure(std::string_view head) {
  const auto end = head.find("\r\n");
  const std::string_view line = head.substr(0, std::min<std::size_t>(end, 200));
  const bool is_http = line.starts_with("HTTP/1.") && line.size() >= 12 && line[8] == ' ';
  const std::string_view code = is_http ? line.substr(9, 3) : std::string_view();
  if (code.starts_with('2') && (line.size() == 12 || line[12] == ' ')) {
    if (head.ends_with("\r\n\r\n")) return {};
    return runtime_error("Proxy CONNECT failed: the proxy sent data before the tunnel was used");
  }
  return runtime_error("Proxy CONNECT failed: " + from_latin1(line) +
                       (code == "407" ? " (proxy authentication required?)" : ""));
}

std::string tunnel_closed() {
  return runtime_error("Proxy closed the connection before answering the CONNECT request");
}

}  // namespace locust::http
