// _native.WorkerLink: a Python worker's link to its master (worker_link.h). Messages cross as
// msgpack bytes, which Python reads and writes with the library that Locust itself uses.
#include <memory>
#include <new>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "protocol/codec.h"
#include "python/objects.h"
#include "python/report_dict.h"
#include "python/types.h"
#include "python/worker_link.h"

namespace locust::python {

namespace {

struct LinkObject {
  PyObject_HEAD WorkerLink* link;  // owned; null in a forked child
};

constexpr const char* kLevels[] = {"DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"};

// ---- from Python; false with a Python error set ----

bool to_strings(PyObject* object, std::vector<std::string>& strings) {
  const Ref items(PySequence_Fast(object, "a list of str"));
  if (!items) return false;
  for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE(items.get()); ++i) {
    const Ref bytes(
        PyUnicode_AsEncodedString(PySequence_Fast_GET_ITEM(items.get(), i), "utf-8", "replace"));
    if (!bytes) return false;
    strings.emplace_back(PyBytes_AS_STRING(bytes.get()),
                         static_cast<std::size_t>(PyBytes_GET_SIZE(bytes.get())));
  }
  return true;
}

bool to_counts(PyObject* object, protocol::UserCounts& counts) {
  PyObject* key = nullptr;
  PyObject* value = nullptr;
  Py_ssize_t position = 0;
  if (!PyDict_Check(object)) {
    PyErr_SetString(PyExc_TypeError, "user counts are a dict");
    return false;
  }
  while (PyDict_Next(object, &position, &key, &value)) {
    const std::string_view name = text_of(key);
    const long long count = PyLong_AsLongLong(value);
    if (name.data() == nullptr || (count == -1 && PyErr_Occurred())) return false;
    counts[std::string(name)] = count;
  }
  return true;
}

// What Python's msgpack has made of `(value,)`.
bool to_value(std::string_view packed, Value& value) {
  auto read = protocol::unpack(packed);
  auto* const array = std::get_if<Array>(&read);
  if (array == nullptr || array->size() != 1) {
    PyErr_Format(
        PyExc_ValueError, "cannot be sent to a Locust master: %s",
        array != nullptr ? "not one value" : std::get<protocol::DecodeError>(read).reason.c_str());
    return false;
  }
  value = std::move(array->front());
  return true;
}

bool to_map(std::string_view packed, Map& map) {
  Value value;
  if (!to_value(packed, value)) return false;
  if (value.as_map() == nullptr) {
    PyErr_SetString(PyExc_TypeError, "a dict");
    return false;
  }
  map = *value.as_map();
  return true;
}

// ---- to Python ----

PyObject* to_bytes(const std::string& bytes) {
  return PyBytes_FromStringAndSize(bytes.data(), static_cast<Py_ssize_t>(bytes.size()));
}

PyObject* to_python(const PythonMessage& message) {
  return Py_BuildValue("sNNK", "message", to_str(message.type),
                       to_bytes(protocol::pack(message.data)),
                       static_cast<unsigned long long>(message.job));
}
PyObject* to_python(const PythonLog& line) {
  return Py_BuildValue("ssNN", "log", kLevels[static_cast<int>(line.level)], to_str(line.logger),
                       to_str(line.text));
}
PyObject* to_python(const PythonReport& report) {
  return Py_BuildValue("sKN", "report", static_cast<unsigned long long>(report.ticket),
                       to_dict(report.report));
}

// ---- methods ----

// The link; null with a Python error set in a process that has none.
WorkerLink* link_of(PyObject* self) {
  WorkerLink* const link = reinterpret_cast<LinkObject*>(self)->link;
  if (link == nullptr) PyErr_SetString(PyExc_OSError, "the link belongs to the parent process");
  return link;
}

PyObject* done() { return Ref::borrow(Py_None).release(); }

// Without the Python lock.
template <class Body>
auto unlocked(Body body) {
  PyThreadState* const state = PyEval_SaveThread();
  const auto result = body();
  PyEval_RestoreThread(state);
  return result;
}

PyObject* fileno(PyObject* self, PyObject*) {
  WorkerLink* const link = link_of(self);
  return link == nullptr ? nullptr : PyLong_FromLong(link->fd());
}

PyObject* take(PyObject* self, PyObject*) {
  return guarded([&]() -> PyObject* {
    WorkerLink* const link = link_of(self);
    Ref list(link == nullptr ? nullptr : PyList_New(0));
    if (!list) return nullptr;
    for (const PythonItem& item : link->take()) {
      const Ref one(std::visit([](const auto& held) { return to_python(held); }, item));
      if (!one || PyList_Append(list.get(), one.get()) != 0) return nullptr;
    }
    return list.release();
  });
}

PyObject* users_spawned(PyObject* self, PyObject* arguments) {
  return guarded([&]() -> PyObject* {
    unsigned long long job = 0;
    PyObject* dict = nullptr;
    protocol::UserCounts counts;
    WorkerLink* const link = link_of(self);
    if (link == nullptr || !PyArg_ParseTuple(arguments, "KO", &job, &dict)) return nullptr;
    if (!to_counts(dict, counts)) return nullptr;
    link->users_spawned(job, std::move(counts));
    return done();
  });
}

PyObject* users_stopped(PyObject* self, PyObject* arguments) {
  return guarded([&]() -> PyObject* {
    PyObject* dict = nullptr;
    const char* packed = nullptr;
    Py_ssize_t size = 0;
    protocol::UserCounts counts;
    Map extra;
    WorkerLink* const link = link_of(self);
    if (link == nullptr || !PyArg_ParseTuple(arguments, "O|y#", &dict, &packed, &size)) {
      return nullptr;
    }
    if (!to_counts(dict, counts)) return nullptr;
    if (packed != nullptr && !to_map({packed, static_cast<std::size_t>(size)}, extra)) {
      return nullptr;
    }
    link->users_stopped(std::move(counts), std::move(extra));
    return done();
  });
}

PyObject* set_user_counts(PyObject* self, PyObject* dict) {
  return guarded([&]() -> PyObject* {
    protocol::UserCounts counts;
    WorkerLink* const link = link_of(self);
    if (link == nullptr || !to_counts(dict, counts)) return nullptr;
    link->set_user_counts(std::move(counts));
    return done();
  });
}

PyObject* user_error(PyObject* self, PyObject* arguments) {
  return guarded([&]() -> PyObject* {
    std::vector<std::string> texts;
    WorkerLink* const link = link_of(self);
    if (link == nullptr || !to_strings(arguments, texts)) return nullptr;
    if (texts.size() != 2) {
      PyErr_SetString(PyExc_TypeError, "user_error(msg, traceback)");
      return nullptr;
    }
    link->user_error({std::move(texts[0]), std::move(texts[1])});
    return done();
  });
}

PyObject* send(PyObject* self, PyObject* arguments) {
  return guarded([&]() -> PyObject* {
    const char* type = nullptr;
    const char* packed = nullptr;
    Py_ssize_t size = 0;
    Value data;
    WorkerLink* const link = link_of(self);
    if (link == nullptr || !PyArg_ParseTuple(arguments, "sy#", &type, &packed, &size)) {
      return nullptr;
    }
    if (!to_value({packed, static_cast<std::size_t>(size)}, data)) return nullptr;
    link->send({type, std::move(data)});
    return done();
  });
}

PyObject* send_logs(PyObject* self, PyObject* list) {
  return guarded([&]() -> PyObject* {
    std::vector<std::string> lines;
    WorkerLink* const link = link_of(self);
    if (link == nullptr || !to_strings(list, lines)) return nullptr;
    link->send_logs(std::move(lines));
    return done();
  });
}

PyObject* answer_report(PyObject* self, PyObject* arguments) {
  return guarded([&]() -> PyObject* {
    unsigned long long ticket = 0;
    const char* packed = nullptr;
    Py_ssize_t size = 0;
    Map extra;
    WorkerLink* const link = link_of(self);
    if (link == nullptr || !PyArg_ParseTuple(arguments, "Ky#", &ticket, &packed, &size)) {
      return nullptr;
    }
    if (!to_map({packed, static_cast<std::size_t>(size)}, extra)) return nullptr;
    link->answer_report(ticket, std::move(extra));
    return done();
  });
}

PyObject* tune(PyObject* self, PyObject* arguments) {
  return guarded([&]() -> PyObject* {
    double heartbeat = 0;
    double report = 0;
    double master_timeout = 0;
    double connect_timeout = 0;
    PyObject* classes = nullptr;
    int visits = 0;
    WorkerLink::Tuning tuning;
    WorkerLink* const link = link_of(self);
    if (link == nullptr ||
        !PyArg_ParseTuple(arguments, "ddddOp", &heartbeat, &report, &master_timeout,
                          &connect_timeout, &classes, &visits)) {
      return nullptr;
    }
    if (!to_strings(classes, tuning.user_classes)) return nullptr;
    tuning.intervals = {duration_of(heartbeat), duration_of(report), duration_of(master_timeout),
                        duration_of(connect_timeout)};
    tuning.visits = visits != 0;
    link->tune(std::move(tuning));
    guard_signals();
    return done();
  });
}

PyObject* leave(PyObject* self, PyObject*) {
  return guarded([&]() -> PyObject* {
    WorkerLink* const link = link_of(self);
    if (link == nullptr) return nullptr;
    link->leave();
    return done();
  });
}

PyObject* close(PyObject* self, PyObject* arguments) {
  return guarded([&]() -> PyObject* {
    double patience = 3;
    if (!PyArg_ParseTuple(arguments, "|d", &patience)) return nullptr;
    WorkerLink* const link = reinterpret_cast<LinkObject*>(self)->link;
    if (link == nullptr) return done();
    return PyBool_FromLong(unlocked([&] { return link->close(duration_of(patience)); }));
  });
}

// Not guarded(): at its own end Python ends a thread that comes back, by unwinding its stack, which
// cannot get through what is noexcept.
PyObject* wait_for_question(PyObject* self, PyObject*) {
  WorkerLink* const link = link_of(self);
  if (link == nullptr) return nullptr;
  return PyBool_FromLong(unlocked([&] { return link->wait_for_question(); }));
}

PyObject* set_blocker(PyObject* self, PyObject* text) {
  return guarded([&]() -> PyObject* {
    WorkerLink* const link = link_of(self);
    const std::string_view blocker = text_of(text);
    if (link == nullptr || blocker.data() == nullptr) return nullptr;
    link->set_blocker(std::string(blocker));
    return done();
  });
}

PyObject* cpu_percent(PyObject* self, PyObject*) {
  WorkerLink* const link = link_of(self);
  return link == nullptr ? nullptr : PyFloat_FromDouble(link->cpu_percent());
}

// The parent's threads, descriptors and locks are left as they are.
PyObject* after_fork(PyObject* self, PyObject*) {
  reinterpret_cast<LinkObject*>(self)->link = nullptr;
  return done();
}

PyObject* make(PyTypeObject* type, PyObject* arguments, PyObject* keywords) {
  static const char* const names[] = {"identity",        "master_host",         "master_port",
                                      "recorder",        "user_classes",        "version",
                                      "additional_wait", "exit_on_master_loss", "log_level",
                                      "logfile",         "status_line",         nullptr};
  LinkSettings settings;
  const char* id = nullptr;
  const char* host = nullptr;
  PyObject* recorder = nullptr;
  PyObject* classes = nullptr;
  const char* version = nullptr;
  double wait = 0;
  int exits = 0;
  const char* level = "INFO";
  const char* logfile = nullptr;
  int status_line = 0;
  if (!PyArg_ParseTupleAndKeywords(arguments, keywords, "ssiO!Os|$dpszp", const_cast<char**>(names),
                                   &id, &host, &settings.master_port, recorder_type, &recorder,
                                   &classes, &version, &wait, &exits, &level, &logfile,
                                   &status_line)) {
    return nullptr;
  }
  return guarded([&]() -> PyObject* {
    settings.id = id;
    settings.master_host = host;
    settings.log_level = log::level_from(level).value_or(log::Level::info);
    if (logfile != nullptr) settings.logfile = logfile;
    settings.status_line = status_line != 0;
    if (!to_strings(classes, settings.session.user_classes)) return nullptr;
    settings.session.version = version;
    settings.session.additional_wait = duration_of(wait);
    settings.session.exit_on_master_loss = exits != 0;
    auto link = std::make_unique<WorkerLink>(std::move(settings),
                                             reinterpret_cast<RecorderObject*>(recorder)->recorder);
    PyObject* const self = type->tp_alloc(type, 0);
    if (self != nullptr) reinterpret_cast<LinkObject*>(self)->link = link.release();
    return self;
  });
}

void destroy(PyObject* self) {
  PyTypeObject* const type = Py_TYPE(self);
  WorkerLink* const link = reinterpret_cast<LinkObject*>(self)->link;
  if (link != nullptr) {
    unlocked([&] {
      delete link;
      return 0;
    });
  }
  type->tp_free(self);
  Py_DECREF(type);
}

PyMethodDef methods[] = {
    {"fileno", fileno, METH_NOARGS, "Readable while there is something to take()."},
    {"take", take, METH_NOARGS,
     "What Python is told, in order: ('message', type, packed data, job), ('log', level, logger, "
     "text), ('report', ticket, report)."},
    {"users_spawned", users_spawned, METH_VARARGS, "users_spawned(job, counts)"},
    {"users_stopped", users_stopped, METH_VARARGS, "users_stopped(counts, packed extra=None)"},
    {"set_user_counts", set_user_counts, METH_O, "How many users run, by class."},
    {"user_error", user_error, METH_VARARGS, "user_error(msg, traceback)"},
    {"send", send, METH_VARARGS, "send(type, packed data): a custom message."},
    {"send_logs", send_logs, METH_O, "Log lines for the master's logs tab."},
    {"answer_report", answer_report, METH_VARARGS, "answer_report(ticket, packed extra)"},
    {"tune", tune, METH_VARARGS,
     "tune(heartbeat_interval, report_interval, master_timeout, connect_timeout, user_classes, "
     "visits): once a second."},
    {"leave", leave, METH_NOARGS, "Python ends; users_stopped() follows."},
    {"close", close, METH_VARARGS,
     "close(patience=3.0): whether all has left and the thread ended."},
    {"wait_for_question", wait_for_question, METH_NOARGS,
     "For a thread of its own: True when somebody wants to know what keeps Python busy."},
    {"set_blocker", set_blocker, METH_O, "The answer."},
    {"cpu_percent", cpu_percent, METH_NOARGS, "CPU time of the busiest thread."},
    {"after_fork", after_fork, METH_NOARGS, "In a forked child."},
    {nullptr, nullptr, 0, nullptr},
};

PyType_Slot slots[] = {
    {Py_tp_doc, const_cast<char*>("A worker's link to its master, on a thread of its own.")},
    {Py_tp_new, reinterpret_cast<void*>(make)},
    {Py_tp_dealloc, reinterpret_cast<void*>(destroy)},
    {Py_tp_methods, methods},
    {0, nullptr},
};

PyType_Spec spec = {"locustpp._native.WorkerLink", sizeof(LinkObject), 0, Py_TPFLAGS_DEFAULT,
                    slots};

}  // namespace

int add_link_type(PyObject* module) {
  const Ref type(PyType_FromSpec(&spec));
  if (!type) return -1;
  return PyModule_AddType(module, reinterpret_cast<PyTypeObject*>(type.get()));
}

}  // namespace locust::python
