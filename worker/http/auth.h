// Values of the Authorization header: Basic (RFC 7617), Bearer (RFC 6750) and Digest (RFC 7616 and
// 2617, as requests' HTTPDigestAuth does it).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace locust::http {

std::string base64(std::string_view bytes);

// The bytes as they are: UTF-8 from C++. Locust's clients in Python send text as Latin-1 instead.
std::string basic_authorization(std::string_view user, std::string_view password);
std::string bearer_authorization(std::string_view token);

// The digest credentials of one user, and what a server has asked for last.
class DigestAuth {
 public:
  DigestAuth(std::string user, std::string password);

  // Takes the WWW-Authenticate (or Proxy-Authenticate) of a response. False where it asks for
  // nothing that this class can give: MD5, SHA, SHA-256, SHA-512, SHA-512-256, each also as
  // "-sess", with qop "auth" or none.
  bool challenge(std::string_view www_authenticate);
  // Whether there was a challenge: then further requests can carry the header at once.
  bool ready() const { return !nonce_.empty(); }

  // For a request with this method and target (path and query). Counts the uses of the nonce.
  // `client_nonce` is a random one where none is given. Not before ready().
  std::string authorization(std::string_view method, std::string_view target,
                            std::string client_nonce = {});

 private:
  std::string hash(std::string_view text) const;

  std::string user_;
  std::string password_;
  std::string realm_;
  std::string nonce_;
  std::string opaque_;
  std::string algorithm_;  // as the server wrote it; empty: it named none, which means MD5
  bool qop_ = false;
  std::uint32_t uses_ = 0;  // of nonce_
};

}  // namespace locust::http
