// Absolute URLs, as far as a client needs them (RFC 3986): where to connect and what to ask for.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace locust::http {

// Scheme, host and port: what a connection can be reused for.
struct Origin {
  std::string scheme;  // "http", "https" or "http+unix"
  std::string host;    // a name or an address; IPv6 without its brackets; or a socket's path
  std::uint16_t port = 80;

  // The Host header (RFC 9112, 3.2): the port only where it is not the scheme's own.
  std::string host_header() const;
  // A Unix socket, "http+unix://%2Frun%2Fapp.sock/path" as requests-unixsocket writes it.
  bool is_unix() const { return scheme == "http+unix"; }
  // As a URL begins with it.
  std::string to_string() const;
  bool operator==(const Origin&) const = default;
};

struct Url {
  Origin origin;
  std::string target;  // path and query, never empty; without the fragment

  std::string to_string() const;
};

// Nothing where the text is no absolute http(s) or http+unix URL. Bytes that a URL cannot hold
// (spaces, control characters, non-ASCII, quotes, braces …) are percent-encoded; nothing else of it
// is changed.
std::optional<Url> parse_url(std::string_view text);

// The same with a base, as Locust builds URLs: an absolute one is kept, anything else is appended
// to the base as it is (clients.py, _build_url).
std::optional<Url> parse_url(std::string_view text, std::string_view base);

// Whether a host is an address and no name: IPv4 in four numbers, or IPv6, also with a zone
// ("fe80::1%eth0").
bool is_address(std::string_view host);
// The address without its zone, which means something on this machine only.
std::string_view without_zone(std::string_view host);

// Appends the byte as "%XX".
void append_percent(char byte, std::string& out);

// The scheme that an absolute URL of any kind begins with ("mailto"); empty where there is none.
std::string_view scheme_of(std::string_view text);

// Name and password in an absolute URL ("http://ana:secret@host/"), decoded; nothing where one of
// them is missing.
struct Credentials {
  std::string user;
  std::string password;
  bool operator==(const Credentials&) const = default;
};
std::optional<Credentials> credentials_in(std::string_view url);

// What a reference in a response (Location) means, seen from the URL it was the answer to (RFC
// 3986, 5.2). Nothing where that is no http(s) URL.
std::optional<Url> resolve_reference(const Url& base, std::string_view reference);

}  // namespace locust::http
