// A listening socket, and what is known about it.
#pragma once

#include <string>

namespace hello {

// IPv4 or IPv6, nonblocking. Throws std::system_error, "cannot listen on HOST port PORT: …", where
// the address cannot be resolved or the port is taken.
int listen_on(const std::string& host, int port);
int port_of(int socket);
// "http://127.0.0.1:8000", "http://[::1]:8000"
std::string url_of(const std::string& host, int port);

}  // namespace hello
