// Who listens to a request: only Locust's own recorder, as a rule, and then its sample goes
// straight to the native one.
#include "python/session.h"

namespace locust::python {

namespace {

PyObject* own_listeners = nullptr;  // tuple of the code objects of Locust's own listeners

// They are constants of Locust's: no two are equal and not the same.
bool is_own(PyObject* code) {
  for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(own_listeners); ++i) {
    if (PyTuple_GET_ITEM(own_listeners, i) == code) return true;
  }
  return false;
}

Audience listeners_of(PyObject* hook) {
  const Ref handlers(PyObject_GetAttr(hook, session_names.handlers));
  if (!handlers) return Audience::error;
  if (!PyList_Check(handlers.get())) return Audience::others;
  const Py_ssize_t count = PyList_GET_SIZE(handlers.get());
  for (Py_ssize_t i = 0; i < count; ++i) {
    PyObject* handler = PyList_GET_ITEM(handlers.get(), i);
    if (!PyFunction_Check(handler)) return Audience::others;
    if (!is_own(PyFunction_GET_CODE(handler))) return Audience::others;
  }
  return count == 0 ? Audience::nobody : Audience::own;
}

}  // namespace

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

PyObject* set_own_listeners(PyObject*, PyObject* codes) {
  PyObject* tuple = PySequence_Tuple(codes);
  if (tuple == nullptr) return nullptr;
  Py_XSETREF(own_listeners, tuple);
  Py_RETURN_NONE;
}

}  // namespace locust::python
