// _native.Response: one response, read off its call when somebody asks.
#include <algorithm>
#include <string_view>

#include "python/objects.h"
#include "python/types.h"

namespace locust::python {

PyTypeObject* response_type = nullptr;

PyObject* make_response(Call* call, PyObject* request) {
  PyObject* object = response_type->tp_alloc(response_type, 0);
  if (object == nullptr) {
    give_back(call);
    return nullptr;
  }
  auto* self = reinterpret_cast<ResponseObject*>(object);
  self->call = call;
  Py_INCREF(request);
  self->request = request;
  return object;
}

// What every Locust counts as a success, with no cookies to be kept.
bool is_plain_success(const Call& call) {
  const int status = call.status();
  if (!call.error().empty() || call.sets_cookies()) return false;
  if ((status < 200 || status > 208) && status != 226) return false;
  // Stock clients have trouble with an encoded body that is not there.
  return !call.request().is_head() || !call.has_header("Content-Encoding");
}

namespace {

ResponseObject* self_of(PyObject* object) { return reinterpret_cast<ResponseObject*>(object); }

int traverse(PyObject* object, visitproc visit, void* arg) {
  Py_VISIT(Py_TYPE(object));
  Py_VISIT(self_of(object)->request);
  return 0;
}

int clear(PyObject* object) {
  Py_CLEAR(self_of(object)->request);
  return 0;
}

void dealloc(PyObject* object) {
  PyObject_GC_UnTrack(object);
  ResponseObject* self = self_of(object);
  PyTypeObject* type = Py_TYPE(object);
  give_back(self->call);
  Py_CLEAR(self->request);
  Py_CLEAR(self->content);
  type->tp_free(object);
  Py_DECREF(type);
}

PyObject* status_of(PyObject* object, void*) {
  return PyLong_FromLong(self_of(object)->call->status());
}
PyObject* plain_of(PyObject* object, void*) {
  return PyBool_FromLong(is_plain_success(*self_of(object)->call) ? 1 : 0);
}
PyObject* head_of(PyObject* object, void*) {
  const std::string& head = self_of(object)->call->head();
  return PyBytes_FromStringAndSize(head.data(), static_cast<Py_ssize_t>(head.size()));
}
// One "name: value" line as every parser reads it: nothing folded, nothing but printable ASCII.
bool is_simple_line(std::string_view line, std::size_t colon) {
  if (colon == 0 || colon == std::string_view::npos) return false;
  const std::string_view name = line.substr(0, colon);
  return std::all_of(line.begin(), line.end(), [](char c) { return c >= ' ' && c <= '~'; }) &&
         name.find(' ') == std::string_view::npos;
}

PyObject* fields_of(PyObject* object, void*) {
  std::string_view head = self_of(object)->call->head();
  head.remove_prefix(std::min(head.find("\r\n"), head.size()));
  Ref fields(PyList_New(0));
  if (!fields) return nullptr;
  while (head.size() > 4) {  // "\r\n", and the empty line's own
    head.remove_prefix(2);
    const std::string_view line = head.substr(0, head.find("\r\n"));
    head.remove_prefix(line.size());
    const std::size_t colon = line.find(':');
    if (!is_simple_line(line, colon)) Py_RETURN_NONE;
    std::string_view value = line.substr(colon + 1);
    value.remove_prefix(std::min(value.find_first_not_of(' '), value.size()));
    if (value.empty() || value.back() == ' ') Py_RETURN_NONE;
    const Ref field(Py_BuildValue("(s#s#)", line.data(), static_cast<Py_ssize_t>(colon),
                                  value.data(), static_cast<Py_ssize_t>(value.size())));
    if (!field || PyList_Append(fields.get(), field.get()) != 0) return nullptr;
  }
  return fields.release();
}

PyObject* error_of(PyObject* object, void*) {
  const std::string& error = self_of(object)->call->error();
  if (error.empty()) Py_RETURN_NONE;
  return to_str(error);
}
PyObject* content_of(PyObject* object, void*) {
  ResponseObject* self = self_of(object);
  if (self->content == nullptr) {
    if (!self->call->error().empty()) Py_RETURN_NONE;
    std::string& body = self->call->body();
    self->content = PyBytes_FromStringAndSize(body.data(), static_cast<Py_ssize_t>(body.size()));
    if (self->content == nullptr) return nullptr;
    body = {};  // not twice in memory
  }
  return Ref::borrow(self->content).release();
}
PyObject* elapsed_of(PyObject* object, void*) {
  return PyFloat_FromDouble(to_milliseconds(self_of(object)->call->elapsed()) / 1000);
}
PyObject* ended_of(PyObject* object, void*) {
  return PyFloat_FromDouble(epoch_seconds(self_of(object)->call->ended()));
}
PyObject* length_of(PyObject* object, void*) {
  return PyLong_FromUnsignedLongLong(self_of(object)->call->body_size());
}
PyObject* request_of(PyObject* object, void*) {
  return Ref::borrow(self_of(object)->request).release();
}

PyGetSetDef getters[] = {
    {"status", status_of, nullptr,
     "0 where there was no response; there, as the head, where only its body failed.", nullptr},
    {"plain", plain_of, nullptr, "A success that leaves nothing to be done.", nullptr},
    {"head", head_of, nullptr, "Status line and headers as they came: bytes.", nullptr},
    {"fields", fields_of, nullptr,
     "The headers as a list of pairs of str; None where they are not plain enough for all parsers "
     "to agree on.",
     nullptr},
    {"error", error_of, nullptr, "What went wrong, as Python's repr of it, or None.", nullptr},
    {"content", content_of, nullptr, "The decoded body; None without a response.", nullptr},
    {"elapsed", elapsed_of, nullptr, "Seconds, taken on the I/O thread.", nullptr},
    {"ended", ended_of, nullptr, "Seconds since the epoch.", nullptr},
    {"length", length_of, nullptr, "Bytes of the decoded body.", nullptr},
    {"request", request_of, nullptr, "The _native.Request, or None.", nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr},
};

PyType_Slot slots[] = {
    {Py_tp_doc, const_cast<char*>("What came back. Made by sessions only.")},
    {Py_tp_dealloc, reinterpret_cast<void*>(dealloc)},
    {Py_tp_traverse, reinterpret_cast<void*>(traverse)},
    {Py_tp_clear, reinterpret_cast<void*>(clear)},
    {Py_tp_getset, getters},
    {0, nullptr},
};
PyType_Spec spec = {"locustpp._native.Response", sizeof(ResponseObject), 0,
                    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC, slots};

}  // namespace

int add_response_type(PyObject* module) {
  response_type = reinterpret_cast<PyTypeObject*>(PyType_FromSpec(&spec));
  if (response_type == nullptr) return -1;
  return PyModule_AddType(module, response_type);
}

}  // namespace locust::python
