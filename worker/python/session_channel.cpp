// How a session's connections are made, and when they are closed.
#include <chrono>
#include <tuple>

#include "python/session.h"

namespace locust::python {

namespace {

// Seconds from a keyword argument into a duration; None leaves it as it is.
bool read_seconds(PyObject* value, SteadyDuration& out) {
  if (value == Py_None) return true;
  const double given = PyFloat_AsDouble(value);
  if (given == -1 && PyErr_Occurred() != nullptr) return false;
  out = duration_of(given);
  return true;
}

// The same object for what was asked for last, as most sessions of a process ask for the same.
std::shared_ptr<const http::ClientSettings> shared_settings(http::ClientSettings settings) {
  static std::shared_ptr<const http::ClientSettings> last;
  const auto asked = [](const http::ClientSettings& one) {
    return std::tie(one.connection_timeout, one.network_timeout, one.concurrency, one.most_origins,
                    one.tls, one.proxy);
  };
  if (last == nullptr || asked(*last) != asked(settings)) {
    last = std::make_shared<const http::ClientSettings>(std::move(settings));
  }
  return last;
}

}  // namespace

PyObject* session_open(PyObject* object, PyObject* args, PyObject* kwargs) {
  static const char* known[] = {
      "connection_timeout", "network_timeout", "concurrency",    "most_origins", "verify",
      "verify_flags",       "ca_file",         "cert_file",      "key_file",     "proxy_host",
      "proxy_port",         "proxy_user",      "proxy_password", nullptr};
  PyObject* connection_timeout = Py_None;
  PyObject* network_timeout = Py_None;
  Py_ssize_t concurrency = 10;
  Py_ssize_t most_origins = 0;
  int verify = 0;
  unsigned long verify_flags = 0;
  const char* ca_file = "";
  const char* cert_file = "";
  const char* key_file = "";
  const char* proxy_host = "";
  unsigned short proxy_port = 0;
  const char* proxy_user = "";
  const char* proxy_password = "";
  if (!PyArg_ParseTupleAndKeywords(
          args, kwargs, "|$OOnnpkssssHss", const_cast<char**>(known), &connection_timeout,
          &network_timeout, &concurrency, &most_origins, &verify, &verify_flags, &ca_file,
          &cert_file, &key_file, &proxy_host, &proxy_port, &proxy_user, &proxy_password)) {
    return nullptr;
  }
  http::ClientSettings settings;
  settings.proxy = {
      .host = proxy_host, .port = proxy_port, .user = proxy_user, .password = proxy_password};
  if (!read_seconds(connection_timeout, settings.connection_timeout) ||
      !read_seconds(network_timeout, settings.network_timeout)) {
    return nullptr;
  }
  settings.concurrency = concurrency < 1 ? 1 : static_cast<std::size_t>(concurrency);
  settings.most_origins = most_origins < 0 ? 0 : static_cast<std::size_t>(most_origins);
  settings.tls.verify = verify != 0;
  settings.tls.verify_flags = verify_flags;
  settings.tls.ca_file = ca_file;
  settings.tls.cert_file = cert_file;
  settings.tls.key_file = key_file;
  SessionObject* self = session_of(object);
  if (self->channel && running_engine() != nullptr) running_engine()->close(self->channel);
  self->channel.reset();
  self->settings = shared_settings(std::move(settings));
  Py_RETURN_NONE;
}

PyObject* session_close(PyObject* object, PyObject*) {
  SessionObject* self = session_of(object);
  if (self->channel && running_engine() != nullptr) running_engine()->close(self->channel);
  Py_RETURN_NONE;
}

const std::shared_ptr<const http::ClientSettings>& default_settings() {
  static const auto settings = std::make_shared<const http::ClientSettings>();
  return settings;
}

}  // namespace locust::python
