// _native.Session as its files see it. A request takes one of three ways:
//
//   1. the short way in C (session_short.cpp): no special arguments, and the answer is a plain
//      success. Nothing of Python's is called but what switches greenlets.
//   2. the short way in Python: the class's _request() sends by _exchange(), or _settle() goes on
//      with an answer of which something is left to be done.
//   3. the long way: Locust's own code around native exchanges (_send()), or its own client.
//
// What C asks of the Python class, each time that it leaves the first way:
//
//   _prepare(method, url)            → a Request, or None: _request() shall see to it
//   _settle(native, method, url, name[, caught]) → what the caller gets: redirects, cookies,
//       failures, and successes that others want to hear of
//   _interrupted(error, seconds, method, url, name[, caught]) → what the caller gets where `error`
//       (a timeout of gevent's …) was thrown into the wait; not for GreenletExit
//   _request(method, url, *args, **kwargs) → everything with arguments that are not known here
#pragma once

#include <limits>
#include <memory>

#include "python/objects.h"

namespace locust::python {

struct SessionObject {
  PyObject_HEAD std::shared_ptr<const http::ClientSettings> settings;
  std::shared_ptr<Channel> channel;  // from the first request on
  PyObject* cache;           // {method: {url: Request}}, the Python class's to fill and to exchange
  PyObject* events;          // tuple of the EventHooks of a request
  PyObject* recorder;        // RecorderObject or None
  PyObject* response_class;  // of what callers get; has an attribute _native
  PyObject* verdict_class;   // of what a `with` block gets for catch_response=True; null: unknown
  PyObject* request_name;    // Locust's
  double cache_until;        // seconds since the epoch: then the cache holds no more
  char cache_shared;         // with other sessions
  char whole_milliseconds;   // response times are recorded without their fractions
  char links_responses;      // a response knows its session, and its name in the statistics
  bool request_overridden;   // by a subclass or on the object: all verbs go through it
};

inline SessionObject* session_of(PyObject* object) {
  return reinterpret_cast<SessionObject*>(object);
}

// `cache_until` of a cache that holds as long as nothing is changed.
constexpr double kForever = std::numeric_limits<double>::infinity();

// Interned, by intern_session_names().
struct SessionNames {
  PyObject *request, *prepare, *settle, *slow, *name, *handlers, *native, *interrupted,
      *request_name, *session, *row, *call, *catch_response;
};
extern SessionNames session_names;

// ---- who listens to a request (session_audience.cpp) ----

// The last: a Python error is set.
enum class Audience { nobody, own, others, error };
Audience audience_of(const SessionObject& self);
// Of an iterable: the code objects of the listeners that only record statistics.
PyObject* set_own_listeners(PyObject* module, PyObject* codes);

// ---- the short way (session_short.cpp) ----

// A request without special wishes but for these. `name` is None where the caller gives none.
PyObject* plain_request(PyObject* object, PyObject* method, PyObject* url, PyObject* name,
                        bool caught);
// _send(request), _exchange(request, method, url, name, caught, context) and
// _finish(native, method, name) -> bool: parts of it, for the Python class.
PyObject* session_send(PyObject* object, PyObject* request);
PyObject* session_exchange(PyObject* object, PyObject* const* args, Py_ssize_t count);
PyObject* session_finish(PyObject* object, PyObject* const* args, Py_ssize_t count);

// ---- connections (session_channel.cpp) ----

// Of a session that has not said how it wants them.
const std::shared_ptr<const http::ClientSettings>& default_settings();
PyObject* session_open(PyObject* object, PyObject* args, PyObject* kwargs);
PyObject* session_close(PyObject* object, PyObject*);

// ---- request(), get(), post() … (session_verbs.cpp) ----

extern PyMethodDef session_verbs[];  // ends with an empty one
bool intern_verbs();

}  // namespace locust::python
