// The short way of a request: prepared before, sent, and a plain success of which nobody but
// Locust's recorder wants to hear. Whatever is otherwise goes to the Python class (session.h).
#include <chrono>
#include <cmath>
#include <string_view>

#include "python/session.h"
#include "python/types.h"

namespace locust::python {

namespace {

PyObject* greenlet_exit = nullptr;  // greenlet.GreenletExit

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
  PyObject* found = cached(*session_of(object), method, url);
  if (found != nullptr) return Ref::borrow(found);
  if (PyErr_Occurred() != nullptr) return {};
  return Ref(PyObject_CallMethodObjArgs(object, session_names.prepare, method, url, nullptr));
}

PyObject* send(SessionObject& self, PyObject* request) {
  if (self.channel == nullptr) self.channel = std::make_shared<Channel>(self.settings);
  Call* const call = perform(self.channel, *reinterpret_cast<RequestObject*>(request));
  return call == nullptr ? nullptr : make_response(call, request);
}

// What the caller gets, without calling its __init__.
PyObject* wrap(SessionObject& self, PyObject* native, PyObject* name) {
  static PyObject* const no_arguments = PyTuple_New(0);
  auto* type = reinterpret_cast<PyTypeObject*>(self.response_class);
  Ref response(PyBaseObject_Type.tp_new(type, no_arguments, nullptr));
  if (!response || PyObject_SetAttr(response.get(), session_names.native, native) != 0)
    return nullptr;
  if (self.links_responses != 0 &&
      (PyObject_SetAttr(response.get(), session_names.session,
                        reinterpret_cast<PyObject*>(&self)) != 0 ||
       PyObject_SetAttr(response.get(), session_names.row, name) != 0)) {
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
  return PyObject_CallMethodObjArgs(object, session_names.interrupted, value, seconds.get(), method,
                                    url, name, caught ? Py_True : nullptr, nullptr);
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
  auto* type = reinterpret_cast<PyTypeObject*>(session_of(object)->verdict_class);
  Ref response(PyBaseObject_Type.tp_new(type, no_arguments, nullptr));
  const Ref call(PyTuple_Pack(5, object, method, url, name, context));
  if (!response || !call) return nullptr;
  if (PyObject_SetAttr(response.get(), session_names.native, native) != 0 ||
      PyObject_SetAttr(response.get(), session_names.call, call.get()) != 0) {
    return nullptr;
  }
  return response.release();
}

// What the caller gets for a plain success of which nobody but Locust's recorder wants to hear, or
// whose verdict is still to come; `native` itself for anything else.
PyObject* conclude(PyObject* object, PyObject* native, PyObject* method, PyObject* url,
                   PyObject* name, bool caught, PyObject* context) {
  SessionObject& self = *session_of(object);
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

}  // namespace

PyObject* plain_request(PyObject* object, PyObject* method, PyObject* url, PyObject* name,
                        bool caught) {
  static PyObject* const no_context = PyDict_New();
  SessionObject& self = *session_of(object);
  const auto slow = [&] {
    if (!caught)
      return PyObject_CallMethodObjArgs(object, session_names.slow, method, url, name, nullptr);
    static PyObject* const keyword = Py_BuildValue("(s)", "catch_response");
    PyObject* const args[] = {object, method, url, name, Py_True};
    return PyObject_VectorcallMethod(session_names.slow, args, 4, keyword);
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
  return PyObject_CallMethodObjArgs(object, session_names.settle, native.get(), method, url, name,
                                    caught ? Py_True : nullptr, nullptr);
}

// _exchange(request, method, url, name, caught, context)
PyObject* session_exchange(PyObject* object, PyObject* const* args, Py_ssize_t count) {
  if (count != 6 || Py_TYPE(args[0]) != request_type) {
    PyErr_SetString(PyExc_TypeError, "_exchange(request, method, url, name, caught, context)");
    return nullptr;
  }
  const int caught = PyObject_IsTrue(args[4]);
  if (caught < 0) return nullptr;
  const Ref native(send(*session_of(object), args[0]));
  if (!native) return nullptr;
  return conclude(object, native.get(), args[1], args[2], args[3], caught != 0, args[5]);
}

// _finish(native, method, name) -> bool
PyObject* session_finish(PyObject* object, PyObject* const* args, Py_ssize_t count) {
  if (count != 3 || Py_TYPE(args[0]) != response_type || !PyUnicode_Check(args[2])) {
    Py_RETURN_FALSE;
  }
  SessionObject& self = *session_of(object);
  const Audience audience = audience_of(self);
  if (audience == Audience::error) return nullptr;
  if (audience == Audience::others) Py_RETURN_FALSE;
  const Call& call = *reinterpret_cast<ResponseObject*>(args[0])->call;
  if (audience == Audience::own && !record(self, args[1], args[2], call)) return nullptr;
  Py_RETURN_TRUE;
}

PyObject* session_send(PyObject* object, PyObject* request) {
  if (Py_TYPE(request) != request_type) {
    PyErr_SetString(PyExc_TypeError, "a _native.Request is needed");
    return nullptr;
  }
  return send(*session_of(object), request);
}

}  // namespace locust::python
