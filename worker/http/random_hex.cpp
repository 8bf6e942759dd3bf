#include "http/random_hex.h"

#include <openssl/rand.h>

#include <stdexcept>
#include <vector>

namespace locust::http {

std::string random_hex(std::size_t bytes) {
  std::vector<unsigned char> random(bytes);
  if (RAND_bytes(random.data(), static_cast<int>(bytes)) != 1) {
    throw std::runtime_error("no random bytes");
  }
  std::string result;
  result.reserve(2 * bytes);
  for (const unsigned char byte : random) {
    result += "0123456789abcdef"[byte >> 4U];
    result += "0123456789abcdef"[byte & 0xfU];
  }
  return result;
}

}  // namespace locust::http
