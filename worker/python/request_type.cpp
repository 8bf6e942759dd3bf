// _native.Request: a prepared request.
#include <optional>
#include <string>

#include "http/header_value.h"
#include "python/objects.h"
#include "python/types.h"

namespace locust::python {

PyTypeObject* request_type = nullptr;

namespace {

// A header's name or value: bytes as they are, str as Latin-1, as http.client sends it; what
// Latin-1 does not have as UTF-8.
bool append_text(PyObject* object, std::string& out) {
  if (PyBytes_Check(object)) {
    out.assign(PyBytes_AS_STRING(object), static_cast<std::size_t>(PyBytes_GET_SIZE(object)));
    return true;
  }
  if (!PyUnicode_Check(object)) {
    PyErr_Format(PyExc_TypeError, "a header must be str or bytes, not %.100s",
                 Py_TYPE(object)->tp_name);
    return false;
  }
  Ref encoded(PyUnicode_AsLatin1String(object));
  if (!encoded) {
    PyErr_Clear();
    encoded = Ref(PyUnicode_AsUTF8String(object));
    if (!encoded) return false;
  }
  return append_text(encoded.get(), out);
}

bool read_headers(PyObject* headers, http::Headers& out) {
  const Ref items(PySequence_Fast(headers, "headers must be a sequence of pairs"));
  if (!items) return false;
  for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE(items.get()); ++i) {
    PyObject* pair = PySequence_Fast_GET_ITEM(items.get(), i);
    if (!PyTuple_Check(pair) || PyTuple_GET_SIZE(pair) != 2) {
      PyErr_SetString(PyExc_TypeError, "a header must be a pair");
      return false;
    }
    http::Header header;
    if (!append_text(PyTuple_GET_ITEM(pair, 0), header.first) ||
        !append_text(PyTuple_GET_ITEM(pair, 1), header.second)) {
      return false;
    }
    out.push_back(std::move(header));
  }
  return true;
}

PyObject* make_object(PyTypeObject* type, http::RequestParts parts, PyObject* name,
                      PyObject* info) {
  auto built = std::make_shared<const http::Request>(std::move(parts));
  auto* self = reinterpret_cast<RequestObject*>(type->tp_alloc(type, 0));
  if (self == nullptr) return nullptr;
  new (&self->request) std::shared_ptr<const http::Request>(std::move(built));
  Py_INCREF(name);
  Py_INCREF(info);
  self->name = name;
  self->info = info;
  return reinterpret_cast<PyObject*>(self);
}

PyObject* make(PyTypeObject* type, PyObject* args, PyObject* kwargs) {
  static const char* names[] = {"method", "url",  "headers", "body", "timeout",
                                "name",   "info", "target",  nullptr};
  const char* method = nullptr;
  const char* url = nullptr;
  PyObject* headers = nullptr;
  PyObject* body = Py_None;
  PyObject* timeout = Py_None;
  PyObject* name = Py_None;
  PyObject* info = Py_None;
  const char* target = nullptr;
  if (!PyArg_ParseTupleAndKeywords(args, kwargs, "ss|OOOOOz", const_cast<char**>(names), &method,
                                   &url, &headers, &body, &timeout, &name, &info, &target)) {
    return nullptr;
  }
  http::RequestParts parts;
  parts.method = method;
  parts.keep_body = true;
  parts.stream_response = true;  // for Call::head() of a response that fails in its body
  parts.follow_redirects = false;
  parts.default_headers = false;
  if (headers != nullptr && !read_headers(headers, parts.headers)) return nullptr;
  if (body != Py_None) {
    char* bytes = nullptr;
    Py_ssize_t size = 0;
    if (PyBytes_AsStringAndSize(body, &bytes, &size) != 0) return nullptr;
    parts.body.assign(bytes, static_cast<std::size_t>(size));
    parts.has_body = true;
  }
  if (timeout != Py_None) {
    const double limit = PyFloat_AsDouble(timeout);
    if (limit == -1 && PyErr_Occurred() != nullptr) return nullptr;
    parts.timeout = duration_of(limit);
  }
  return guarded([&]() -> PyObject* {
    std::optional<http::Url> parsed = http::parse_url(url);
    if (!parsed) throw std::invalid_argument(std::string("no http(s) URL: ") + url);
    parts.url = std::move(*parsed);
    if (target != nullptr) parts.url.target = target;
    return make_object(type, std::move(parts), name, info);
  });
}

// derive(target=None, body=None, name=None, info=None)
PyObject* derive(PyObject* object, PyObject* args, PyObject* kwargs) {
  static const char* names[] = {"target", "body", "name", "info", nullptr};
  const char* target = nullptr;
  PyObject* body = Py_None;
  PyObject* name = Py_None;
  PyObject* info = Py_None;
  if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|zOOO", const_cast<char**>(names), &target, &body,
                                   &name, &info)) {
    return nullptr;
  }
  return guarded([&]() -> PyObject* {
    http::RequestParts parts = reinterpret_cast<RequestObject*>(object)->request->parts();
    if (target != nullptr) parts.url.target = target;
    if (body != Py_None) {
      char* bytes = nullptr;
      Py_ssize_t size = 0;
      if (PyBytes_AsStringAndSize(body, &bytes, &size) != 0) return nullptr;
      parts.body.assign(bytes, static_cast<std::size_t>(size));
      parts.has_body = true;
      for (auto& [key, value] : parts.headers) {
        if (http::equals_ignoring_case(key, "Content-Length")) value = std::to_string(size);
      }
    }
    return make_object(Py_TYPE(object), std::move(parts), name, info);
  });
}

int traverse(PyObject* object, visitproc visit, void* arg) {
  Py_VISIT(Py_TYPE(object));
  Py_VISIT(reinterpret_cast<RequestObject*>(object)->info);
  return 0;
}

int clear(PyObject* object) {
  Py_CLEAR(reinterpret_cast<RequestObject*>(object)->info);
  return 0;
}

void dealloc(PyObject* object) {
  PyObject_GC_UnTrack(object);
  auto* self = reinterpret_cast<RequestObject*>(object);
  PyTypeObject* type = Py_TYPE(object);
  Py_CLEAR(self->name);
  Py_CLEAR(self->info);
  self->request.~shared_ptr();
  type->tp_free(object);
  Py_DECREF(type);
}

RequestObject* self_of(PyObject* object) { return reinterpret_cast<RequestObject*>(object); }

PyObject* method_of(PyObject* object, void*) {
  return to_str(self_of(object)->request->parts().method);
}
PyObject* url_of(PyObject* object, void*) {
  return to_str(self_of(object)->request->parts().url.to_string());
}
PyObject* body_of(PyObject* object, void*) {
  const http::RequestParts& parts = self_of(object)->request->parts();
  if (!parts.has_body) Py_RETURN_NONE;
  return PyBytes_FromStringAndSize(parts.body.data(), static_cast<Py_ssize_t>(parts.body.size()));
}
PyObject* bytes_of(PyObject* object, void*) {
  const std::string_view bytes = self_of(object)->request->bytes();
  return PyBytes_FromStringAndSize(bytes.data(), static_cast<Py_ssize_t>(bytes.size()));
}
PyObject* name_of(PyObject* object, void*) { return Ref::borrow(self_of(object)->name).release(); }
PyObject* info_of(PyObject* object, void*) { return Ref::borrow(self_of(object)->info).release(); }

PyGetSetDef getters[] = {
    {"method", method_of, nullptr, nullptr, nullptr},
    {"url", url_of, nullptr, "As it goes out.", nullptr},
    {"body", body_of, nullptr, nullptr, nullptr},
    {"bytes", bytes_of, nullptr, "Everything that goes out.", nullptr},
    {"name", name_of, nullptr, nullptr, nullptr},
    {"info", info_of, nullptr, nullptr, nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr},
};

PyMethodDef methods[] = {
    {"derive", reinterpret_cast<PyCFunction>(reinterpret_cast<void*>(derive)),
     METH_VARARGS | METH_KEYWORDS,
     "derive(target=None, body=None, name=None, info=None) -> Request: the same but for these. A "
     "Content-Length among the headers follows the body."},
    {nullptr, nullptr, 0, nullptr},
};

PyType_Slot slots[] = {
    {Py_tp_doc,
     const_cast<char*>(
         "Request(method, url, headers=(), body=None, timeout=None, name=None, "
         "info=None, target=None)\n\nA prepared request: exactly these headers (and Host and "
         "Content-Length where they are missing). ValueError where that makes no "
         "message.")},
    {Py_tp_new, reinterpret_cast<void*>(make)},
    {Py_tp_dealloc, reinterpret_cast<void*>(dealloc)},
    {Py_tp_traverse, reinterpret_cast<void*>(traverse)},
    {Py_tp_clear, reinterpret_cast<void*>(clear)},
    {Py_tp_getset, getters},
    {Py_tp_methods, methods},
    {0, nullptr},
};
PyType_Spec spec = {"locustpp._native.Request", sizeof(RequestObject), 0,
                    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC, slots};

}  // namespace

int add_request_type(PyObject* module) {
  request_type = reinterpret_cast<PyTypeObject*>(PyType_FromSpec(&spec));
  if (request_type == nullptr) return -1;
  return PyModule_AddType(module, request_type);
}

}  // namespace locust::python
