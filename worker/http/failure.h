// The texts of failures below HTTP, as the failures tab of a Locust user shows them: the repr of
// the exception that Python raises for the same thing.
#pragma once

#include <string>
#include <string_view>

namespace locust::http {

// errno 111 → "ConnectionRefusedError(111, 'Connection refused')"; the class names are PEP 3151's.
std::string failure_of_errno(int number);
// EADDRNOTAVAIL of connect(): there is no local port left towards this address.
std::string failure_of_ports();
// EADDRNOTAVAIL of bind(): a source address that is not this machine's.
std::string failure_of_source_address();
// EAI_NONAME → "gaierror(-2, 'Name or service not known')".
std::string failure_of_getaddrinfo(int number);
// No answer within the time limit: what FastHttpUser makes of a gevent socket's timeout.
std::string failure_timed_out(std::string_view url);
// The server closed the connection instead of answering: geventhttpclient's word for it.
std::string failure_closed();
// It closed the connection in the middle of a response, in its head or after it.
std::string failure_truncated(bool in_head);
// Bytes that are no HTTP response; `reason` says what is wrong with them.
std::string failure_parse(std::string_view reason);

// The server closed the connection in the middle of a TLS handshake.
std::string failure_tls_eof();

// Settings of the client that cannot be used, in a sentence.
std::string failure_of_settings(std::string_view sentence);

}  // namespace locust::http
