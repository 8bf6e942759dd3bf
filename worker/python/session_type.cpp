// The type _native.Session: its attributes, its life, and its tables of methods. What these do is
// in the other files of session.h.
#include <iterator>
#include <utility>
#include <vector>

#include "python/session.h"
#include "python/types.h"
// after Python.h
#include <structmember.h>

namespace locust::python {

SessionNames session_names{};

namespace {

PyObject* own_request = nullptr;  // Session.request itself

PyObject* audience(PyObject* object, PyObject*) {
  switch (audience_of(*session_of(object))) {
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

PyObject* make(PyTypeObject* type, PyObject*, PyObject*) {
  static PyObject* const no_arguments = PyTuple_New(0);
  // Not by tp_alloc: before 3.12 its attributes would be in a dict of its own from the beginning.
  PyObject* object = PyBaseObject_Type.tp_new(type, no_arguments, nullptr);
  if (object == nullptr) return nullptr;
  SessionObject* self = session_of(object);
  new (&self->settings) std::shared_ptr<const http::ClientSettings>(default_settings());
  new (&self->channel) std::shared_ptr<Channel>();
  const Ref request(PyObject_GetAttr(reinterpret_cast<PyObject*>(type), session_names.request));
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
void forget(PyObject* object) {
  PyObject*& cache = session_of(object)->cache;
  if (session_of(object)->cache_shared != 0) Py_CLEAR(cache);
  session_of(object)->cache_shared = 0;
  if (cache != nullptr) PyDict_Clear(cache);
  session_of(object)->cache_until = kForever;
}

PyObject* forget_method(PyObject* object, PyObject*) {
  forget(object);
  Py_RETURN_NONE;
}

int set_attribute(PyObject* object, PyObject* name, PyObject* value) {
  SessionObject* self = session_of(object);
  if (PyUnicode_Compare(name, session_names.request) == 0) self->request_overridden = true;
  if (PyObject_GenericSetAttr(object, name, value) != 0) return -1;
  // What else is set may be something that prepared requests were made with.
  if (PyUnicode_READ_CHAR(name, 0) == '_' ||
      PyUnicode_Compare(name, session_names.request_name) == 0) {
    return 0;
  }
  forget(object);
  return 0;
}

int traverse(PyObject* object, visitproc visit, void* arg) {
  Py_VISIT(Py_TYPE(object));
  SessionObject* self = session_of(object);
  Py_VISIT(self->cache);
  Py_VISIT(self->events);
  Py_VISIT(self->recorder);
  Py_VISIT(self->response_class);
  Py_VISIT(self->verdict_class);
  Py_VISIT(self->request_name);
  return 0;
}

int clear(PyObject* object) {
  SessionObject* self = session_of(object);
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
  SessionObject* self = session_of(object);
  PyTypeObject* type = Py_TYPE(object);
  clear(object);
  // Its connections are the I/O thread's to close.
  if (self->channel && running_engine() != nullptr) {
    running_engine()->close(std::move(self->channel));
  }
  self->channel.~shared_ptr();
  self->settings.~shared_ptr();
  type->tp_free(object);
  Py_DECREF(type);
}

PyMethodDef own_methods[] = {
    {"_send", session_send, METH_O,
     "_send(request) -> _native.Response: one exchange, whatever comes of it."},
    {"_exchange", reinterpret_cast<PyCFunction>(reinterpret_cast<void*>(session_exchange)),
     METH_FASTCALL,
     "_exchange(request, method, url, name, caught, context): sends; what the caller gets where it "
     "is a plain success and nothing is left to do, else the _native.Response."},
    {"_finish", reinterpret_cast<PyCFunction>(reinterpret_cast<void*>(session_finish)),
     METH_FASTCALL,
     "_finish(native, method, name) -> bool: records a success; False where others listen."},
    {"_forget", forget_method, METH_NOARGS, "Empties the cache of prepared requests."},
    {"_audience", audience, METH_NOARGS,
     "Who listens to events.request: 0 nobody, 1 only Locust's own recorder, 2 others too."},
    {"_open", reinterpret_cast<PyCFunction>(reinterpret_cast<void*>(session_open)),
     METH_VARARGS | METH_KEYWORDS, "How connections are made from now on."},
    {"_close", session_close, METH_NOARGS, "Closes the connections."},
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

// The verbs, and these.
PyMethodDef* all_methods() {
  static std::vector<PyMethodDef> all;
  for (const PyMethodDef* one = session_verbs; one->ml_name != nullptr; ++one) all.push_back(*one);
  all.insert(all.end(), std::begin(own_methods), std::end(own_methods));
  return all.data();
}

PyType_Slot slots[] = {
    {Py_tp_doc, const_cast<char*>("The native client beneath FastHttpSession and HttpSession.")},
    {Py_tp_new, reinterpret_cast<void*>(make)},
    {Py_tp_dealloc, reinterpret_cast<void*>(dealloc)},
    {Py_tp_traverse, reinterpret_cast<void*>(traverse)},
    {Py_tp_clear, reinterpret_cast<void*>(clear)},
    {Py_tp_setattro, reinterpret_cast<void*>(set_attribute)},
    {Py_tp_methods, all_methods()},
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
  const std::pair<PyObject**, const char*> all[] = {
      {&session_names.request, "request"},
      {&session_names.prepare, "_prepare"},
      {&session_names.settle, "_settle"},
      {&session_names.slow, "_request"},
      {&session_names.name, "name"},
      {&session_names.handlers, "_handlers"},
      {&session_names.native, "_native"},
      {&session_names.interrupted, "_interrupted"},
      {&session_names.request_name, "request_name"},
      {&session_names.session, "_session"},
      {&session_names.row, "_name"},
      {&session_names.call, "_call"},
      {&session_names.catch_response, "catch_response"},
  };
  for (const auto& [slot, text] : all) {
    *slot = PyUnicode_InternFromString(text);
    if (*slot == nullptr) return false;
  }
  return true;
}

}  // namespace

int add_session_type(PyObject* module) {
  if (!intern_verbs() || !intern_names()) return -1;
  auto* type = reinterpret_cast<PyTypeObject*>(PyType_FromSpec(&spec));
  if (type == nullptr) return -1;
  own_request = PyObject_GetAttr(reinterpret_cast<PyObject*>(type), session_names.request);
  if (own_request == nullptr || PyModule_AddFunctions(module, functions) != 0) return -1;
  return PyModule_AddType(module, type);
}

}  // namespace locust::python
