// How names are looked up.
#pragma once

#include <string>

#include "base/clock.h"

namespace locust::http {

// glibc's defaults (resolv.conf(5)).
struct DnsSettings {
  std::string servers = {};                      // "ADDRESS[:PORT],…"; empty: the system's
  SteadyDuration timeout = milliseconds(5'000);  // of the first try; twice that of the second
  int tries = 2;
  bool operator==(const DnsSettings&) const = default;
};

}  // namespace locust::http
