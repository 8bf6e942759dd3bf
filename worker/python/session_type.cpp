// _native.Session: the base of both session classes. A request without special wishes whose answer
// is a plain success never leaves this file; everything else is asked of the Python class:
//
//   _prepare(method, url)            → a Request, or None: _request() shall see to it
//   _settle(native, method, url, name[, caught]) → what the caller gets: redirects, cookies,
//   failures, and
//                                        successes that others want to hear of
//   _interrupted(error, seconds, method, url, name[, caught]) → what the caller gets where `error`
//   (a timeout of
//                                        gevent's …) was thrown into the wait; not for GreenletExit
//   _request(method, url, *args, **kwargs) → everything with arguments that are not known here
#include <array>
#include <chrono>
#include <cmath>
#include <limits>
#include <string_view>
#include <tuple>
#include <vector>

#include "python/objects.h"
#include "python/types.h"
// after Python.h
#include <structmember.h>

namespace locust::python {

namespace {

struct SessionObject {
  PyObject_HEAD std::shared_ptr<Channel> channel;
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

SessionObject* self_of(PyObject* object) { return reinterpret_cast<SessionObject*>(object); }

// The verbs, in the order of the methods below.
enum Verb : std::size_t { kGet, kHead, kOptions, kDelete, kPost, kPut, kPatch, kVerbs };
constexpr std::array<const char*, kVerbs> kVerbNames = {"GET",  "HEAD", "OPTIONS", "DELETE",
                                                        "POST", "PUT",  "PATCH"};
std::array<PyObject*, kVerbs> verb_names{};

struct Names {
  PyObject *request, *prepare, *settle, *slow, *name, *handlers, *native, *interrupted,
      *request_name, *session, *row, *call, *catch_response;
} names{};
PyObject* greenlet_exit = nullptr;  // greenlet.GreenletExit
PyObject* own_request = nullptr;    // Session.request itself
PyObject* own_listeners = nullptr;  // set of the code objects of Locust's own listeners

// Who listens to a request.
enum class Audience { nobody, own, others, error };

Audience listeners_of(PyObject* hook) {
  const Ref handlers(PyObject_GetAttr(hook, names.handlers));
  if (!handlers) return Audience::error;
  if (!PyList_Check(handlers.get())) return Audience::others;
  const Py_ssize_t count = PyList_GET_SIZE(handlers.get());
  for (Py_ssize_t i = 0; i < count; ++i) {
    PyObject* handler = PyList_GET_ITEM(handlers.get(), i);
    if (!PyFunction_Check(handler)) return Audience::others;
    const int own = PySet_Contains(own_listeners, PyFunction_GET_CODE(handler));
    if (own < 0) return Audience::error;
    if (own == 0) return Audience::others;
  }
  return count == 0 ? Audience::nobody : Audience::own;
}

// The first hook is events.request; the others only matter where somebody listens there.
Audience audience_of(const SessionObject& self) {
  if (self.events == nullptr || own_listeners == nullptr) return Audience::others;
  Audience audience = Audience::nobody;
  for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(self.events); ++i) {
    const Audience one = listeners_of(PyTuple_GET_ITEM(self.events, i));
    if (one == Audience::error || one == Audience::others) return one;
    if (i == 0) audience = one;
  }
  const bool records = audience != Audience::own || self.recorder != Py_None;
  return records ? audience : Audience::others;
}

constexpr double kForever = std::numeric_limits<double>::infinity();

// A borrowed Request from the cache; null where there is none, with or without an error.
PyObject* cached(const SessionObject& self, PyObject* method, PyObject* url) {
  if (self.cache == nullptr) return nullptr;
  if (self.cache_until != kForever &&
      self.cache_until <= epoch_seconds(std::chrono::system_clock::now())) {
    return nullptr;
  }
  PyObject* of_method = PyDict_GetItemWithError(self.cache, method);
  return of_method == nullptr ? nullptr : PyDict_GetItemWithError(of_method, url);
}

Ref prepared(PyObject* object, PyObject* method, PyObject* url) {
  PyObject* found = cached(*self_of(object), method, url);
  if (found != nullptr) return Ref::borrow(found);
  if (PyErr_Occurred() != nullptr) return {};
  return Ref(PyObject_CallMethodObjArgs(object, names.prepare, method, url, nullptr));
}

PyObject* send(SessionObject& self, PyObject* request) {
  Call* const call = perform(self.channel, *reinterpret_cast<RequestObject*>(request));
  return call == nullptr ? nullptr : make_response(call, request);
}

// What the caller gets, without calling its __init__.
PyObject* wrap(SessionObject& self, PyObject* native, PyObject* name) {
  static PyObject* const no_arguments = PyTuple_New(0);
  auto* type = reinterpret_cast<PyTypeObject*>(self.response_class);
  Ref response(PyBaseObject_Type.tp_new(type, no_arguments, nullptr));
  if (!response || PyObject_SetAttr(response.get(), names.native, native) != 0) return nullptr;
  if (self.links_responses != 0 &&
      (PyObject_SetAttr(response.get(), names.session, reinterpret_cast<PyObject*>(&self)) != 0 ||
       PyObject_SetAttr(response.get(), names.row, name) != 0)) {
    return nullptr;
  }
  return response.release();
}

// After a send that has ended in a Python error: what the caller gets all the same.
PyObject* interrupted(PyObject* object, SteadyTime began, PyObject* method, PyObject* url,
                      PyObject* name, bool caught) {
  if (greenlet_exit == nullptr) {
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    const Ref module(PyImport_ImportModule("greenlet"));
    if (module) greenlet_exit = PyObject_GetAttrString(module.get(), "GreenletExit");
    PyErr_Restore(type, value, traceback);
    if (greenlet_exit == nullptr) return nullptr;
  }
  if (PyErr_ExceptionMatches(greenlet_exit) != 0) return nullptr;
  PyObject *type, *value, *traceback;
  PyErr_Fetch(&type, &value, &traceback);
  PyErr_NormalizeException(&type, &value, &traceback);
  if (traceback != nullptr) PyException_SetTraceback(value, traceback);
  const Ref owned[] = {Ref(type), Ref(value), Ref(traceback)};
  const Ref seconds(
      PyFloat_FromDouble(to_milliseconds(std::chrono::steady_clock::now() - began) / 1000));
  if (!seconds) return nullptr;
  return PyObject_CallMethodObjArgs(object, names.interrupted, value, seconds.get(), method, url,
                                    name, caught ? Py_True : nullptr, nullptr);
}

bool record(SessionObject& self, PyObject* method, PyObject* name, const Call& call) {
  double response_time = to_milliseconds(call.elapsed());
  if (self.whole_milliseconds != 0) response_time = std::trunc(response_time);
  const std::string_view method_text = text_of(method);
  const std::string_view name_text = text_of(name);
  if (PyErr_Occurred() != nullptr) return false;
  reinterpret_cast<RecorderObject*>(self.recorder)
      ->recorder->record(method_text, name_text, call.ended(), response_time, call.body_size());
  return true;
}

// What a `with` block gets: its attribute _call is what its verdict will be recorded with.
PyObject* wrap_for_verdict(PyObject* object, PyObject* native, PyObject* method, PyObject* url,
                           PyObject* name, PyObject* context) {
  static PyObject* const no_arguments = PyTuple_New(0);
  auto* type = reinterpret_cast<PyTypeObject*>(self_of(object)->verdict_class);
  Ref response(PyBaseObject_Type.tp_new(type, no_arguments, nullptr));
  const Ref call(PyTuple_Pack(5, object, method, url, name, context));
  if (!response || !call) return nullptr;
  if (PyObject_SetAttr(response.get(), names.native, native) != 0 ||
      PyObject_SetAttr(response.get(), names.call, call.get()) != 0) {
    return nullptr;
  }
  return response.release();
}

// What the caller gets for a plain success of which nobody but Locust's recorder wants to hear, or
// whose verdict is still to come; `native` itself for anything else.
PyObject* conclude(PyObject* object, PyObject* native, PyObject* method, PyObject* url,
                   PyObject* name, bool caught, PyObject* context) {
  SessionObject& self = *self_of(object);
  const Call& call = *reinterpret_cast<ResponseObject*>(native)->call;
  if (is_plain_success(call) && PyUnicode_Check(name)) {
    if (caught) return wrap_for_verdict(object, native, method, url, name, context);
    const Audience audience = audience_of(self);
    if (audience == Audience::error) return nullptr;
    if (audience == Audience::own && !record(self, method, name, call)) return nullptr;
    if (audience != Audience::others) return wrap(self, native, name);
  }
  Py_INCREF(native);
  return native;
}

// A request without special wishes but for these. `name` is None where the caller gives none.
PyObject* plain_request(PyObject* object, PyObject* method, PyObject* url, PyObject* name,
                        bool caught) {
  static PyObject* const no_context = PyDict_New();
  SessionObject& self = *self_of(object);
  const auto slow = [&] {
    if (!caught) return PyObject_CallMethodObjArgs(object, names.slow, method, url, name, nullptr);
    static PyObject* const keyword = Py_BuildValue("(s)", "catch_response");
    PyObject* const args[] = {object, method, url, name, Py_True};
    return PyObject_VectorcallMethod(names.slow, args, 4, keyword);
  };
  if (!in_engine_thread()) return slow();
  const Ref request = prepared(object, method, url);
  if (!request) return nullptr;
  if (Py_TYPE(request.get()) != request_type) return slow();
  // As it is when the request is sent: it may be changed meanwhile.
  Ref renamed;
  if (PyObject_IsTrue(name) == 0 && self.request_name != nullptr) {
    renamed = Ref::borrow(self.request_name);
    name = renamed.get();
  }
  if (PyObject_IsTrue(name) == 0) name = reinterpret_cast<RequestObject*>(request.get())->name;
  const SteadyTime began = std::chrono::steady_clock::now();
  const Ref native(send(self, request.get()));
  if (!native) return interrupted(object, began, method, url, name, caught);
  Ref result(conclude(object, native.get(), method, url, name, caught, no_context));
  if (result.get() != native.get()) return result.release();
  return PyObject_CallMethodObjArgs(object, names.settle, native.get(), method, url, name,
                                    caught ? Py_True : nullptr, nullptr);
}

// _exchange(request, method, url, name, caught, context)
PyObject* exchange(PyObject* object, PyObject* const* args, Py_ssize_t count) {
  if (count != 6 || Py_TYPE(args[0]) != request_type) {
    PyErr_SetString(PyExc_TypeError, "_exchange(request, method, url, name, caught, context)");
    return nullptr;
  }
  const int caught = PyObject_IsTrue(args[4]);
  if (caught < 0) return nullptr;
  const Ref native(send(*self_of(object), args[0]));
  if (!native) return nullptr;
  return conclude(object, native.get(), args[1], args[2], args[3], caught != 0, args[5]);
}

// _finish(native, method, name) -> bool
PyObject* finish(PyObject* object, PyObject* const* args, Py_ssize_t count) {
  if (count != 3 || Py_TYPE(args[0]) != response_type || !PyUnicode_Check(args[2])) {
    Py_RETURN_FALSE;
  }
  SessionObject& self = *self_of(object);
  const Audience audience = audience_of(self);
  if (audience == Audience::error) return nullptr;
  if (audience == Audience::others) Py_RETURN_FALSE;
  const Call& call = *reinterpret_cast<ResponseObject*>(args[0])->call;
  if (audience == Audience::own && !record(self, args[1], args[2], call)) return nullptr;
  Py_RETURN_TRUE;
}

// self.METHOD(first, second…) with the method put before the arguments.
PyObject* forward(PyObject* object, PyObject* function, PyObject* method, PyObject* const* args,
                  Py_ssize_t count, PyObject* keywords) {
  const Ref callee(PyObject_GetAttr(object, function));
  if (!callee) return nullptr;
  const Py_ssize_t total = count + (keywords == nullptr ? 0 : PyTuple_GET_SIZE(keywords));
  std::vector<PyObject*> all(static_cast<std::size_t>(total) + 1);
  all[0] = method;
  for (Py_ssize_t i = 0; i < total; ++i) all[static_cast<std::size_t>(i) + 1] = args[i];
  return PyObject_Vectorcall(callee.get(), all.data(), static_cast<std::size_t>(count) + 1,
                             keywords);
}

// Keyword arguments as far as plain_request() knows them.
struct Wishes {
  PyObject* name = Py_None;
  bool caught = false;
};

bool is_keyword(PyObject* keyword, PyObject* interned) {
  return keyword == interned || PyUnicode_Compare(keyword, interned) == 0;
}

// False where there is one that is not known, or not with this value.
bool read_wishes(const SessionObject& self, PyObject* keywords, PyObject* const* values,
                 Wishes& wishes) {
  const Py_ssize_t count = keywords == nullptr ? 0 : PyTuple_GET_SIZE(keywords);
  for (Py_ssize_t i = 0; i < count; ++i) {
    PyObject* keyword = PyTuple_GET_ITEM(keywords, i);
    if (is_keyword(keyword, names.name)) {
      wishes.name = values[i];
    } else if (is_keyword(keyword, names.catch_response) && self.verdict_class != nullptr &&
               (values[i] == Py_True || values[i] == Py_False)) {
      wishes.caught = values[i] == Py_True;
    } else {
      return false;
    }
  }
  return true;
}

template <Verb verb>
PyObject* call_verb(PyObject* object, PyObject* const* args, Py_ssize_t count, PyObject* keywords) {
  PyObject* const method = verb_names[verb];
  if (self_of(object)->request_overridden) {
    return forward(object, names.request, method, args, count, keywords);
  }
  Wishes wishes;
  if (count == 1 && PyUnicode_Check(args[0]) &&
      read_wishes(*self_of(object), keywords, args + count, wishes)) {
    return plain_request(object, method, args[0], wishes.name, wishes.caught);
  }
  constexpr std::array<const char*, kVerbs> kSlow = {"_get",  "_head", "_options", "_delete",
                                                     "_post", "_put",  "_patch"};
  static PyObject* const slow = PyUnicode_InternFromString(kSlow[verb]);
  const Ref callee(PyObject_GetAttr(object, slow));
  if (!callee) return nullptr;
  return PyObject_Vectorcall(callee.get(), args, static_cast<std::size_t>(count), keywords);
}

// request(method, url, name=None, …)
PyObject* call_request(PyObject* object, PyObject* const* args, Py_ssize_t count,
                       PyObject* keywords) {
  Wishes wishes;
  if (count >= 2 && count <= 3 && PyUnicode_Check(args[0]) && PyUnicode_Check(args[1]) &&
      (count == 2 || keywords == nullptr)) {
    if (count == 3) wishes.name = args[2];
    if (read_wishes(*self_of(object), keywords, args + count, wishes)) {
      return plain_request(object, args[0], args[1], wishes.name, wishes.caught);
    }
  }
  const Ref callee(PyObject_GetAttr(object, names.slow));
  if (!callee) return nullptr;
  return PyObject_Vectorcall(callee.get(), args, static_cast<std::size_t>(count), keywords);
}

PyObject* send_prepared(PyObject* object, PyObject* request) {
  if (Py_TYPE(request) != request_type) {
    PyErr_SetString(PyExc_TypeError, "a _native.Request is needed");
    return nullptr;
  }
  return send(*self_of(object), request);
}

PyObject* audience(PyObject* object, PyObject*) {
  switch (audience_of(*self_of(object))) {
    case Audience::nobody:
      return PyLong_FromLong(0);
    case Audience::own:
      return PyLong_FromLong(1);
    case Audience::others:
      return PyLong_FromLong(2);
    case Audience::error:
      break;
  }
  return nullptr;
}

// Seconds from a keyword argument into a duration; None leaves it as it is.
bool read_seconds(PyObject* value, SteadyDuration& out) {
  if (value == Py_None) return true;
  const double given = PyFloat_AsDouble(value);
  if (given == -1 && PyErr_Occurred() != nullptr) return false;
  out = std::chrono::duration_cast<SteadyDuration>(std::chrono::duration<double>(given));
  return true;
}

// The same object for what was asked for last, as most sessions of a process ask for the same.
std::shared_ptr<const http::ClientSettings> shared_settings(http::ClientSettings settings) {
  static std::shared_ptr<const http::ClientSettings> last;
  const auto asked = [](const http::ClientSettings& one) {
    return std::tie(one.connection_timeout, one.network_timeout, one.concurrency, one.tls.verify,
                    one.tls.ca_file, one.tls.cert_file, one.tls.key_file);
  };
  if (last == nullptr || asked(*last) != asked(settings)) {
    last = std::make_shared<const http::ClientSettings>(std::move(settings));
  }
  return last;
}

PyObject* open_channel(PyObject* object, PyObject* args, PyObject* kwargs) {
  static const char* known[] = {
      "connection_timeout", "network_timeout", "concurrency", "verify", "ca_file",
      "cert_file",          "key_file",        nullptr};
  PyObject* connection_timeout = Py_None;
  PyObject* network_timeout = Py_None;
  Py_ssize_t concurrency = 10;
  int verify = 0;
  const char* ca_file = "";
  const char* cert_file = "";
  const char* key_file = "";
  if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|$OOnpsss", const_cast<char**>(known),
                                   &connection_timeout, &network_timeout, &concurrency, &verify,
                                   &ca_file, &cert_file, &key_file)) {
    return nullptr;
  }
  http::ClientSettings settings;
  if (!read_seconds(connection_timeout, settings.connection_timeout) ||
      !read_seconds(network_timeout, settings.network_timeout)) {
    return nullptr;
  }
  settings.concurrency = concurrency < 1 ? 1 : static_cast<std::size_t>(concurrency);
  settings.tls.verify = verify != 0;
  settings.tls.ca_file = ca_file;
  settings.tls.cert_file = cert_file;
  settings.tls.key_file = key_file;
  SessionObject* self = self_of(object);
  if (self->channel && running_engine() != nullptr) running_engine()->close(self->channel);
  self->channel = std::make_shared<Channel>(shared_settings(std::move(settings)));
  Py_RETURN_NONE;
}

PyObject* close_channel(PyObject* object, PyObject*) {
  SessionObject* self = self_of(object);
  if (self->channel && running_engine() != nullptr) running_engine()->close(self->channel);
  Py_RETURN_NONE;
}

PyObject* set_own_listeners(PyObject*, PyObject* codes) {
  PyObject* set = PyFrozenSet_New(codes);
  if (set == nullptr) return nullptr;
  Py_XSETREF(own_listeners, set);
  Py_RETURN_NONE;
}

PyObject* make(PyTypeObject* type, PyObject*, PyObject*) {
  PyObject* object = type->tp_alloc(type, 0);
  if (object == nullptr) return nullptr;
  SessionObject* self = self_of(object);
  static const auto defaults = std::make_shared<const http::ClientSettings>();
  new (&self->channel) std::shared_ptr<Channel>(std::make_shared<Channel>(defaults));
  const Ref request(PyObject_GetAttr(reinterpret_cast<PyObject*>(type), names.request));
  if (!request) {
    Py_DECREF(object);
    return nullptr;
  }
  self->request_overridden = request.get() != own_request;
  self->cache_until = kForever;
  for (PyObject** member : {&self->recorder, &self->request_name}) {
    Py_INCREF(Py_None);
    *member = Py_None;
  }
  Py_INCREF(response_type);
  self->response_class = reinterpret_cast<PyObject*>(response_type);
  return object;
}

// Prepared requests hold no more. The dict stays the one that it is: others may hold it, to empty
// it; but one that is shared with other sessions is left to them.
int forget(PyObject* object) {
  PyObject*& cache = self_of(object)->cache;
  if (self_of(object)->cache_shared != 0) Py_CLEAR(cache);
  self_of(object)->cache_shared = 0;
  if (cache == nullptr && (cache = PyDict_New()) == nullptr) return -1;
  PyDict_Clear(cache);
  self_of(object)->cache_until = kForever;
  return 0;
}

PyObject* forget_method(PyObject* object, PyObject*) {
  if (forget(object) != 0) return nullptr;
  Py_RETURN_NONE;
}

int set_attribute(PyObject* object, PyObject* name, PyObject* value) {
  SessionObject* self = self_of(object);
  if (PyUnicode_Compare(name, names.request) == 0) self->request_overridden = true;
  if (PyObject_GenericSetAttr(object, name, value) != 0) return -1;
  // What else is set may be something that prepared requests were made with.
  if (PyUnicode_READ_CHAR(name, 0) == '_' || PyUnicode_Compare(name, names.request_name) == 0) {
    return 0;
  }
  return forget(object);
}

int traverse(PyObject* object, visitproc visit, void* arg) {
  Py_VISIT(Py_TYPE(object));
  SessionObject* self = self_of(object);
  Py_VISIT(self->cache);
  Py_VISIT(self->events);
  Py_VISIT(self->recorder);
  Py_VISIT(self->response_class);
  Py_VISIT(self->verdict_class);
  Py_VISIT(self->request_name);
  return 0;
}

int clear(PyObject* object) {
  SessionObject* self = self_of(object);
  Py_CLEAR(self->cache);
  Py_CLEAR(self->events);
  Py_CLEAR(self->recorder);
  Py_CLEAR(self->response_class);
  Py_CLEAR(self->verdict_class);
  Py_CLEAR(self->request_name);
  return 0;
}

void dealloc(PyObject* object) {
  PyObject_GC_UnTrack(object);
  SessionObject* self = self_of(object);
  PyTypeObject* type = Py_TYPE(object);
  clear(object);
  // Its connections are the I/O thread's to close.
  if (self->channel && running_engine() != nullptr) {
    running_engine()->close(std::move(self->channel));
  }
  self->channel.~shared_ptr();
  type->tp_free(object);
  Py_DECREF(type);
}

PyMethodDef methods[] = {
    {"request", reinterpret_cast<PyCFunction>(reinterpret_cast<void*>(call_request)),
     METH_FASTCALL | METH_KEYWORDS, nullptr},
    {"get", reinterpret_cast<PyCFunction>(reinterpret_cast<void*>(call_verb<kGet>)),
     METH_FASTCALL | METH_KEYWORDS, nullptr},
    {"head", reinterpret_cast<PyCFunction>(reinterpret_cast<void*>(call_verb<kHead>)),
     METH_FASTCALL | METH_KEYWORDS, nullptr},
    {"options", reinterpret_cast<PyCFunction>(reinterpret_cast<void*>(call_verb<kOptions>)),
     METH_FASTCALL | METH_KEYWORDS, nullptr},
    {"delete", reinterpret_cast<PyCFunction>(reinterpret_cast<void*>(call_verb<kDelete>)),
     METH_FASTCALL | METH_KEYWORDS, nullptr},
    {"post", reinterpret_cast<PyCFunction>(reinterpret_cast<void*>(call_verb<kPost>)),
     METH_FASTCALL | METH_KEYWORDS, nullptr},
    {"put", reinterpret_cast<PyCFunction>(reinterpret_cast<void*>(call_verb<kPut>)),
     METH_FASTCALL | METH_KEYWORDS, nullptr},
    {"patch", reinterpret_cast<PyCFunction>(reinterpret_cast<void*>(call_verb<kPatch>)),
     METH_FASTCALL | METH_KEYWORDS, nullptr},
    {"_send", send_prepared, METH_O,
     "_send(request) -> _native.Response: one exchange, whatever comes of it."},
    {"_exchange", reinterpret_cast<PyCFunction>(reinterpret_cast<void*>(exchange)), METH_FASTCALL,
     "_exchange(request, method, url, name, caught, context): sends; what the caller gets where it "
     "is a plain success and nothing is left to do, else the _native.Response."},
    {"_finish", reinterpret_cast<PyCFunction>(reinterpret_cast<void*>(finish)), METH_FASTCALL,
     "_finish(native, method, name) -> bool: records a success; False where others listen."},
    {"_forget", forget_method, METH_NOARGS, "Empties the cache of prepared requests."},
    {"_audience", audience, METH_NOARGS,
     "Who listens to events.request: 0 nobody, 1 only Locust's own recorder, 2 others too."},
    {"_open", reinterpret_cast<PyCFunction>(reinterpret_cast<void*>(open_channel)),
     METH_VARARGS | METH_KEYWORDS, "How connections are made from now on."},
    {"_close", close_channel, METH_NOARGS, "Closes the connections."},
    {nullptr, nullptr, 0, nullptr},
};

PyMemberDef members[] = {
    {"_cache", T_OBJECT, offsetof(SessionObject, cache), 0, "{method: {url: Request}}"},
    {"_cache_until", T_DOUBLE, offsetof(SessionObject, cache_until), 0,
     "when the cache holds no more: seconds since the epoch"},
    {"_cache_shared", T_BOOL, offsetof(SessionObject, cache_shared), 0,
     "whether _cache is shared with other sessions: then it is exchanged where it would be "
     "emptied"},
    {"_whole_milliseconds", T_BOOL, offsetof(SessionObject, whole_milliseconds), 0,
     "whether response times are recorded without their fractions, as older Locusts do"},
    {"_links_responses", T_BOOL, offsetof(SessionObject, links_responses), 0,
     "whether a response's _session and _name are set, besides its _native"},
    {"_events", T_OBJECT, offsetof(SessionObject, events), 0, "tuple of EventHooks"},
    {"_recorder", T_OBJECT, offsetof(SessionObject, recorder), 0, "a Recorder, or None"},
    {"_response_class", T_OBJECT, offsetof(SessionObject, response_class), 0, nullptr},
    {"_verdict_class", T_OBJECT, offsetof(SessionObject, verdict_class), 0,
     "what catch_response=True gives for a plain success: has _native and _call (session, method, "
     "url, name, context). Without it catch_response goes to _request()."},
    {"request_name", T_OBJECT, offsetof(SessionObject, request_name), 0, nullptr},
    {nullptr, 0, 0, 0, nullptr},
};

PyType_Slot slots[] = {
    {Py_tp_doc, const_cast<char*>("The native client beneath FastHttpSession and HttpSession.")},
    {Py_tp_new, reinterpret_cast<void*>(make)},
    {Py_tp_dealloc, reinterpret_cast<void*>(dealloc)},
    {Py_tp_traverse, reinterpret_cast<void*>(traverse)},
    {Py_tp_clear, reinterpret_cast<void*>(clear)},
    {Py_tp_setattro, reinterpret_cast<void*>(set_attribute)},
    {Py_tp_methods, methods},
    {Py_tp_members, members},
    {0, nullptr},
};
PyType_Spec spec = {"locustpp._native.Session", sizeof(SessionObject), 0,
                    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC, slots};

PyMethodDef functions[] = {
    {"_set_own_listeners", set_own_listeners, METH_O,
     "The code objects of the listeners that only record statistics."},
    {nullptr, nullptr, 0, nullptr},
};

bool intern_names() {
  for (std::size_t i = 0; i < kVerbs; ++i) {
    verb_names[i] = PyUnicode_InternFromString(kVerbNames[i]);
    if (verb_names[i] == nullptr) return false;
  }
  const std::pair<PyObject**, const char*> all[] = {
      {&names.request, "request"},
      {&names.prepare, "_prepare"},
      {&names.settle, "_settle"},
      {&names.slow, "_request"},
      {&names.name, "name"},
      {&names.handlers, "_handlers"},
      {&names.native, "_native"},
      {&names.interrupted, "_interrupted"},
      {&names.request_name, "request_name"},
      {&names.session, "_session"},
      {&names.row, "_name"},
      {&names.call, "_call"},
      {&names.catch_response, "catch_response"},
  };
  for (const auto& [slot, text] : all) {
    *slot = PyUnicode_InternFromString(text);
    if (*slot == nullptr) return false;
  }
  return true;
}

}  // namespace

int add_session_type(PyObject* module) {
  if (!intern_names()) return -1;
  auto* type = reinterpret_cast<PyTypeObject*>(PyType_FromSpec(&spec));
  if (type == nullptr) return -1;
  own_request = PyObject_GetAttr(reinterpret_cast<PyObject*>(type), names.request);
  if (own_request == nullptr || PyModule_AddFunctions(module, functions) != 0) return -1;
  return PyModule_AddType(module, type);
}

}  // namespace locust::python
