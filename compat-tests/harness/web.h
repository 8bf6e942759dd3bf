// One HTTP request to a process under test.
#pragma once

#include <map>
#include <string>

namespace compat {

struct WebResponse {
  int status = 0;
  std::string body;
};

// Both throw where there is no answer.
WebResponse web_get(int port, const std::string& path);
WebResponse web_post(int port, const std::string& path,
                     const std::multimap<std::string, std::string>& form = {});

}  // namespace compat
