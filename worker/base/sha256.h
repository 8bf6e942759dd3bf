// SHA-256, in hexadecimal: how Locust keys an error (stats.py, StatsError.create_key).
#pragma once

#include <string>
#include <string_view>

namespace locust {

std::string sha256_hex(std::string_view bytes);

}  // namespace locust
