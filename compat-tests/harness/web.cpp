// The only place that knows cpp-httplib, which is slow to compile.
#include "harness/web.h"

#include <httplib.h>

#include <stdexcept>

namespace compat {
namespace {

httplib::Client client(int port) {
  httplib::Client result("127.0.0.1", port);
  result.set_connection_timeout(5);
  result.set_read_timeout(20);
  return result;
}

WebResponse checked(const httplib::Result& result, int port, const std::string& path) {
  if (!result) {
    throw std::runtime_error("no answer from http://127.0.0.1:" + std::to_string(port) + path +
                             ": " + httplib::to_string(result.error()));
  }
  return {result->status, result->body};
}

}  // namespace

WebResponse web_get(int port, const std::string& path) {
  return checked(client(port).Get(path), port, path);
}

WebResponse web_post(int port, const std::string& path,
                     const std::multimap<std::string, std::string>& form) {
  return checked(client(port).Post(path, form), port, path);
}

}  // namespace compat
