// What users call: request(), get(), post() … As long as the arguments are plain ones the request
// goes the short way, else to the Python class.
#include <array>
#include <vector>

#include "python/session.h"

namespace locust::python {

namespace {

// The verbs, in the order of the methods below.
enum Verb : std::size_t { kGet, kHead, kOptions, kDelete, kPost, kPut, kPatch, kVerbs };
constexpr std::array<const char*, kVerbs> kVerbNames = {"GET",  "HEAD", "OPTIONS", "DELETE",
                                                        "POST", "PUT",  "PATCH"};
std::array<PyObject*, kVerbs> verb_names{};

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
    if (is_keyword(keyword, session_names.name)) {
      wishes.name = values[i];
    } else if (is_keyword(keyword, session_names.catch_response) && self.verdict_class != nullptr &&
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
  if (session_of(object)->request_overridden) {
    return forward(object, session_names.request, method, args, count, keywords);
  }
  Wishes wishes;
  if (count == 1 && PyUnicode_Check(args[0]) &&
      read_wishes(*session_of(object), keywords, args + count, wishes)) {
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
    if (read_wishes(*session_of(object), keywords, args + count, wishes)) {
      return plain_request(object, args[0], args[1], wishes.name, wishes.caught);
    }
  }
  const Ref callee(PyObject_GetAttr(object, session_names.slow));
  if (!callee) return nullptr;
  return PyObject_Vectorcall(callee.get(), args, static_cast<std::size_t>(count), keywords);
}

}  // namespace

PyMethodDef session_verbs[] = {
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
    {nullptr, nullptr, 0, nullptr},
};

bool intern_verbs() {
  for (std::size_t i = 0; i < kVerbs; ++i) {
    verb_names[i] = PyUnicode_InternFromString(kVerbNames[i]);
    if (verb_names[i] == nullptr) return false;
  }
  return true;
}

}  // namespace locust::python
