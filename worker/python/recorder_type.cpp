// _native.Recorder: the statistics of one environment. What is recorded on the Python thread is
// taken by it, in local runs, or by the control thread of a WorkerLink.
#include <cmath>
#include <memory>
#include <new>
#include <optional>

#include "python/objects.h"
#include "python/report_dict.h"
#include "python/types.h"

namespace locust::python {

PyTypeObject* recorder_type = nullptr;

namespace {

WallTime wall_now() { return std::chrono::system_clock::now(); }

// ---- reports ----

// Collects the items of a dict; the first failure ends it.
class Dict {
 public:
  Dict() : dict_(PyDict_New()) {}

  Dict& set(const char* key, PyObject* owned) { return set(Ref(PyUnicode_FromString(key)), owned); }
  Dict& set(Ref key, PyObject* owned) {
    const Ref value(owned);
    if (!dict_ || !key || !value || PyDict_SetItem(dict_.get(), key.get(), value.get()) != 0) {
      dict_ = Ref();
    }
    return *this;
  }
  PyObject* release() { return dict_.release(); }

 private:
  Ref dict_;
};

PyObject* none() { return Ref::borrow(Py_None).release(); }

PyObject* to_python(const std::map<std::int64_t, std::uint64_t>& counts) {
  Dict dict;
  for (const auto& [key, count] : counts) {
    dict.set(Ref(PyLong_FromLongLong(key)), PyLong_FromUnsignedLongLong(count));
  }
  return dict.release();
}

PyObject* to_python(const std::optional<double>& value) {
  return value ? PyFloat_FromDouble(*value) : none();
}

PyObject* to_python(std::uint64_t value) { return PyLong_FromUnsignedLongLong(value); }

PyObject* to_python(const stats::EntryReport& entry) {
  return Dict()
      .set("name", to_str(entry.name))
      .set("method", to_str(entry.method))
      .set("last_request_timestamp", to_python(entry.last_request_timestamp))
      .set("start_time", PyFloat_FromDouble(entry.start_time))
      .set("num_requests", to_python(entry.num_requests))
      .set("num_none_requests", to_python(entry.num_none_requests))
      .set("num_failures", to_python(entry.num_failures))
      .set("total_response_time", PyFloat_FromDouble(entry.total_response_time))
      .set("max_response_time", PyFloat_FromDouble(entry.max_response_time))
      .set("min_response_time", to_python(entry.min_response_time))
      .set("total_content_length", to_python(entry.total_content_length))
      .set("response_times", to_python(entry.response_times))
      .set("num_reqs_per_sec", to_python(entry.num_reqs_per_sec))
      .set("num_fail_per_sec", to_python(entry.num_fail_per_sec))
      .release();
}

PyObject* to_python(const stats::ErrorReport& error) {
  return Dict()
      .set("name", to_str(error.name))
      .set("method", to_str(error.method))
      .set("error", to_str(error.error))
      .set("occurrences", to_python(error.occurrences))
      .set("first_seen", PyFloat_FromDouble(error.first_seen))
      .set("last_seen", PyFloat_FromDouble(error.last_seen))
      .release();
}

PyObject* to_python(const std::vector<stats::EntryReport>& rows) {
  Ref list(PyList_New(0));
  for (const stats::EntryReport& row : rows) {
    const Ref one(list ? to_python(row) : nullptr);
    if (!one || PyList_Append(list.get(), one.get()) != 0) return nullptr;
  }
  return list.release();
}

PyObject* errors_of(const stats::Report& report) {
  Dict dict;
  for (const auto* keyed : report.errors_as_first_seen()) {
    dict.set(Ref(to_str(keyed->first)), to_python(keyed->second));
  }
  return dict.release();
}

// ---- arguments ----

// The text of whatever a locustfile gives as a name: what is no str is shown as str() does, and
// what is no Unicode loses the bad parts.
class Text {
 public:
  explicit Text(PyObject* object) {
    if (!PyUnicode_Check(object)) {
      owned_ = Ref(PyObject_Str(object));
      if (!owned_) return;
      object = owned_.get();
    }
    text_ = text_of(object);
    if (text_.data() != nullptr) return;
    PyErr_Clear();
    owned_ = Ref(PyUnicode_AsEncodedString(object, "utf-8", "replace"));
    if (owned_) text_ = PyBytes_AS_STRING(owned_.get());
  }
  explicit operator bool() const { return text_.data() != nullptr; }
  std::string_view view() const { return text_; }

 private:
  Ref owned_;
  std::string_view text_;
};

// False with a Python error set.
bool to_response_time(PyObject* object, std::optional<double>& response_time) {
  if (object == Py_None) return true;
  const double value = PyFloat_AsDouble(object);
  if (value == -1.0 && PyErr_Occurred()) return false;
  response_time = value;
  return true;
}

// Bytes; 0 with a Python error set where it is no number.
std::uint64_t to_length(PyObject* object) {
  const double value = PyFloat_AsDouble(object);
  return std::isfinite(value) && value > 0 ? static_cast<std::uint64_t>(value) : 0;
}

// ---- methods ----

ProcessRecorder& recorder_of(PyObject* self) {
  return *reinterpret_cast<RecorderObject*>(self)->recorder;
}

PyObject* record(PyObject* self, PyObject* const* arguments, Py_ssize_t count) {
  if (count != 4 && count != 5) {
    PyErr_SetString(PyExc_TypeError, "record(method, name, response_time, length, error=None)");
    return nullptr;
  }
  return guarded([&]() -> PyObject* {
    const Text method(arguments[0]);
    const Text name(arguments[1]);
    std::optional<double> response_time;
    if (!method || !name || !to_response_time(arguments[2], response_time)) return nullptr;
    // As in Locust, a length that is none does not keep the request from being counted.
    const std::uint64_t length = to_length(arguments[3]);
    const bool failed = PyErr_Occurred() != nullptr;
    std::string_view error;
    std::optional<Text> text;
    if (count == 5 && arguments[4] != Py_None && !failed) {
      text.emplace(arguments[4]);
      if (!*text) return nullptr;
      error = text->view();
    }
    recorder_of(self).record(method.view(), name.view(), wall_now(), response_time, length,
                             text ? &error : nullptr);
    return failed ? nullptr : none();
  });
}

PyObject* record_error(PyObject* self, PyObject* const* arguments, Py_ssize_t count) {
  if (count != 3) {
    PyErr_SetString(PyExc_TypeError, "record_error(method, name, error)");
    return nullptr;
  }
  return guarded([&]() -> PyObject* {
    const Text method(arguments[0]);
    const Text name(arguments[1]);
    const Text error(arguments[2]);
    if (!method || !name || !error) return nullptr;
    recorder_of(self).record_error(method.view(), name.view(), wall_now(), error.view());
    return none();
  });
}

PyObject* take(PyObject* self, PyObject*) {
  return guarded([&] { return to_dict(recorder_of(self).take(wall_now())); });
}

PyObject* peek(PyObject* self, PyObject*) {
  return guarded([&] { return to_dict(recorder_of(self).peek(wall_now())); });
}

PyObject* dirty(PyObject* self, PyObject*) { return PyBool_FromLong(recorder_of(self).dirty()); }

PyObject* clear(PyObject* self, PyObject*) {
  return guarded([&] {
    recorder_of(self).clear(wall_now());
    return none();
  });
}

// Another thread of the parent may hold the lock of the old one, for ever.
PyObject* after_fork(PyObject* self, PyObject*) {
  return guarded([&] {
    auto& recorder = reinterpret_cast<RecorderObject*>(self)->recorder;
    (void)new std::shared_ptr<ProcessRecorder>(recorder);
    recorder = std::make_shared<ProcessRecorder>(wall_now());
    return none();
  });
}

PyObject* make(PyTypeObject* type, PyObject*, PyObject*) {
  PyObject* const self = type->tp_alloc(type, 0);
  if (self == nullptr) return nullptr;
  auto* const object = reinterpret_cast<RecorderObject*>(self);
  new (&object->recorder) std::shared_ptr<ProcessRecorder>();
  return guarded([&] {
    object->recorder = std::make_shared<ProcessRecorder>(wall_now());
    return self;
  });
}

void destroy(PyObject* self) {
  PyTypeObject* const type = Py_TYPE(self);
  std::destroy_at(&reinterpret_cast<RecorderObject*>(self)->recorder);
  type->tp_free(self);
  Py_DECREF(type);
}

PyMethodDef methods[] = {
    {"record", reinterpret_cast<PyCFunction>(reinterpret_cast<void*>(record)), METH_FASTCALL,
     "record(method, name, response_time, length, error=None): one request, ended now."},
    {"record_error", reinterpret_cast<PyCFunction>(reinterpret_cast<void*>(record_error)),
     METH_FASTCALL, "record_error(method, name, error): a failure without its request."},
    {"take", take, METH_NOARGS, "What was recorded since the last time, and starts anew."},
    {"peek", peek, METH_NOARGS, "What take() would give, which it still will."},
    {"dirty", dirty, METH_NOARGS, "Whether anything was recorded since it was last asked for."},
    {"clear", clear, METH_NOARGS, "Forgets what was recorded."},
    {"after_fork", after_fork, METH_NOARGS, "In a forked child: starts anew."},
    {nullptr, nullptr, 0, nullptr},
};

PyType_Slot slots[] = {
    {Py_tp_doc, const_cast<char*>("The statistics of one environment.")},
    {Py_tp_new, reinterpret_cast<void*>(make)},
    {Py_tp_dealloc, reinterpret_cast<void*>(destroy)},
    {Py_tp_methods, methods},
    {0, nullptr},
};

PyType_Spec spec = {"locustpp._native.Recorder", sizeof(RecorderObject), 0, Py_TPFLAGS_DEFAULT,
                    slots};

}  // namespace

PyObject* to_dict(const stats::Report& report) {
  return Dict()
      .set("stats", to_python(report.stats))
      .set("stats_total", to_python(report.total))
      .set("errors", errors_of(report))
      .release();
}

int add_recorder_type(PyObject* module) {
  recorder_type = reinterpret_cast<PyTypeObject*>(PyType_FromSpec(&spec));
  if (recorder_type == nullptr) return -1;
  return PyModule_AddType(module, recorder_type);
}

}  // namespace locust::python
