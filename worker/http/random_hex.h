// Random text for boundaries and nonces: what nobody can guess, so that nobody can forge it.
#pragma once

#include <cstddef>
#include <string>

namespace locust::http {

// Two hexadecimal digits for each byte. Throws std::runtime_error where the system has no
// randomness to give.
std::string random_hex(std::size_t bytes);

}  // namespace locust::http
