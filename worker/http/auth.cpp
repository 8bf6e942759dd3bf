#include "http/auth.h"

#include <fmt/core.h>
#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <stdexcept>
#include <utility>

#include "http/header_value.h"
#include "http/random_hex.h"

namespace locust::http {

namespace {

constexpr std::string_view kSession = "-sess";

// nullptr for an algorithm that is not known.
const EVP_MD* digest_of(std::string_view algorithm) {
  std::string name = to_lower_ascii(algorithm);
  if (name.ends_with(kSession)) name.resize(name.size() - kSession.size());
  if (name.empty() || name == "md5") return EVP_md5();
  if (name == "sha") return EVP_sha1();
  if (name == "sha-256") return EVP_sha256();
  if (name == "sha-512") return EVP_sha512();
  if (name == "sha-512-256") return EVP_sha512_256();
  return nullptr;
}

// Whether OpenSSL does it here: in FIPS mode there is no MD5.
bool is_allowed(const EVP_MD* digest) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> ignored{};
  return digest != nullptr && EVP_Digest("", 0, ignored.data(), nullptr, digest, nullptr) == 1;
}

std::string parameter_of(const Challenge& challenge, std::string_view name) {
  const std::string* value = find_parameter(challenge.parameters, name);
  return value == nullptr ? std::string() : *value;
}

bool offers_auth(std::string_view qop) {
  while (true) {
    const auto comma = std::min(qop.find(','), qop.size());
    if (equals_ignoring_case(trim_blanks(qop.substr(0, comma)), "auth")) return true;
    if (comma == qop.size()) return false;
    qop.remove_prefix(comma + 1);
  }
}

}  // namespace

std::string base64(std::string_view bytes) {
  std::string result((bytes.size() + 2) / 3 * 4 + 1, '\0');  // one for the NUL that it writes
  EVP_EncodeBlock(reinterpret_cast<unsigned char*>(result.data()),
                  reinterpret_cast<const unsigned char*>(bytes.data()),
                  static_cast<int>(bytes.size()));
  result.pop_back();
  return result;
}

std::string basic_authorization(std::string_view user, std::string_view password) {
  return "Basic " + base64(std::string(user).append(":").append(password));
}

std::string bearer_authorization(std::string_view token) {
  return std::string("Bearer ").append(token);
}

DigestAuth::DigestAuth(std::string user, std::string password)
    : user_(std::move(user)), password_(std::move(password)) {}

bool DigestAuth::challenge(std::string_view www_authenticate) {
  for (const Challenge& each : parse_challenges(www_authenticate)) {
    if (each.scheme != "digest" || find_parameter(each.parameters, "realm") == nullptr) continue;
    const std::string algorithm = parameter_of(each, "algorithm");
    const std::string nonce = parameter_of(each, "nonce");
    const std::string qop = parameter_of(each, "qop");
    if (nonce.empty() || !is_allowed(digest_of(algorithm))) continue;
    if (!qop.empty() && !offers_auth(qop)) continue;
    if (nonce != nonce_) uses_ = 0;
    realm_ = parameter_of(each, "realm");
    nonce_ = nonce;
    opaque_ = parameter_of(each, "opaque");
    algorithm_ = algorithm;
    qop_ = !qop.empty();
    return true;
  }
  return false;
}

std::string DigestAuth::hash(std::string_view text) const {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  if (EVP_Digest(text.data(), text.size(), digest.data(), &size, digest_of(algorithm_), nullptr) !=
      1) {
    throw std::runtime_error("this system's OpenSSL does not allow the digest " +
                             (algorithm_.empty() ? "MD5" : algorithm_));
  }
  std::string result;
  for (unsigned i = 0; i < size; ++i) result += fmt::format("{:02x}", digest[i]);
  return result;
}

std::string DigestAuth::authorization(std::string_view method, std::string_view target,
                                      std::string client_nonce) {
  if (client_nonce.empty()) client_nonce = random_hex(8);
  const std::string count = fmt::format("{:08x}", ++uses_);
  std::string secret = hash(fmt::format("{}:{}:{}", user_, realm_, password_));
  if (to_lower_ascii(algorithm_).ends_with(kSession)) {
    secret = hash(fmt::format("{}:{}:{}", secret, nonce_, client_nonce));
  }
  const std::string request = hash(fmt::format("{}:{}", method, target));
  const std::string response =
      qop_ ? hash(fmt::format("{}:{}:{}:{}:auth:{}", secret, nonce_, count, client_nonce, request))
           : hash(fmt::format("{}:{}:{}", secret, nonce_, request));
  // The parameters and the quotes around them are those of requests.
  std::string result = fmt::format(
      R"(Digest username={}, realm={}, nonce={}, uri="{}", response="{}")", quoted_string(user_),
      quoted_string(realm_), quoted_string(nonce_), target, response);
  if (!opaque_.empty()) result += ", opaque=" + quoted_string(opaque_);
  if (!algorithm_.empty()) result += ", algorithm=" + quoted_string(algorithm_);
  if (qop_) result += fmt::format(R"(, qop="auth", nc={}, cnonce="{}")", count, client_nonce);
  return result;
}

}  // namespace locust::http
