// Where greenlets and the engine meet: a greenlet that waits for a call switches to gevent's hub,
// and the hub, woken by the engine's descriptor, switches back into it.
#include <memory>
#include <string>
#include <vector>

#include "python/objects.h"
#include "python/types.h"

namespace locust::python {

namespace {

// One for a process, and never destroyed: sessions may outlive the interpreter's last line. A
// forked child has none of its parent's threads, and starts its own.
Engine* running = nullptr;
std::size_t in_flight = 0;
unsigned long thread_of_hub = 0;
PyObject* hub = nullptr;      // of the main thread
PyObject* watcher = nullptr;  // of the engine's descriptor, in the hub's loop
PyObject* name_ref = nullptr;
// Calls that are done with, as many as were ever in flight at once, kept for the next ones. By the
// GIL.
constexpr std::size_t kMostSpare = 1024;
std::vector<std::unique_ptr<Call>> spare;

// greenlet's own C interface: the members of its capsule have had these numbers since 0.4.
struct GreenletApi {
  PyObject* (*current)() = nullptr;
  PyObject* (*switch_to)(PyObject* greenlet, PyObject* args, PyObject* kwargs) = nullptr;
} greenlets;

bool load_greenlets() {
  if (greenlets.current != nullptr) return true;
  auto** table = static_cast<void**>(PyCapsule_Import("greenlet._C_API", 0));
  if (table == nullptr) return false;
  greenlets.switch_to = reinterpret_cast<decltype(greenlets.switch_to)>(table[6]);
  greenlets.current = reinterpret_cast<decltype(greenlets.current)>(table[4]);
  return true;
}

// To the hub and back: what is passed on, or null with a Python error set. Some greenlets are asked
// for leave (switch_out): the hub itself has none to give. They go by gevent's own switch().
PyObject* switch_to_hub(PyObject* greenlet) {
  static PyObject* const switch_out = PyUnicode_InternFromString("switch_out");
  static PyObject* free_to_go = nullptr;  // the last type that is not asked
  auto* type = reinterpret_cast<PyObject*>(Py_TYPE(greenlet));
  if (type != free_to_go) {
    if (PyObject_HasAttr(greenlet, switch_out) != 0) {
      return PyObject_CallMethod(hub, "switch", nullptr);
    }
    Py_INCREF(type);
    Py_XSETREF(free_to_go, type);
  }
  return greenlets.switch_to(hub, nullptr, nullptr);
}

Call* take_call(std::shared_ptr<Channel> channel, std::shared_ptr<const http::Request> request) {
  if (spare.empty()) return new Call(std::move(channel), std::move(request));
  Call* const call = spare.back().release();
  spare.pop_back();
  call->renew(std::move(channel), std::move(request));
  return call;
}

// While nothing is in flight, the watcher keeps no loop alive that has nothing else to wait for.
bool count_flights(std::size_t count) {
  const bool had = in_flight != 0;
  in_flight = count;
  if (had == (count != 0)) return true;
  return PyObject_SetAttr(watcher, name_ref, count != 0 ? Py_True : Py_False) == 0;
}

// Called by the hub: resumes every greenlet whose call is done.
PyObject* on_done(PyObject*, PyObject*) {
  for (Call* call : running->take_done()) {
    if (!count_flights(in_flight - 1)) return nullptr;
    Ref greenlet(static_cast<PyObject*>(std::exchange(call->waiter, nullptr)));
    if (!greenlet) {  // it was given up
      give_back(call);
      continue;
    }
    const Ref result(greenlets.switch_to(greenlet.get(), nullptr, nullptr));
    // A greenlet of gevent's lets nothing out; what comes from another kind goes where gevent sends
    // what its callbacks raise.
    if (!result) PyErr_WriteUnraisable(greenlet.get());
  }
  Py_RETURN_NONE;
}

PyMethodDef on_done_method = {"on_done", on_done, METH_NOARGS, nullptr};

PyObject* attribute_of(const char* module_name, const char* attribute) {
  const Ref module(PyImport_ImportModule(module_name));
  return module ? PyObject_GetAttrString(module.get(), attribute) : nullptr;
}

// Watches the engine's descriptor in the hub of the thread that calls.
bool watch(int descriptor) {
  if (name_ref == nullptr) name_ref = PyUnicode_InternFromString("ref");
  const Ref get_hub(attribute_of("gevent", "get_hub"));
  if (!get_hub || !load_greenlets()) return false;
  Py_XSETREF(hub, PyObject_CallObject(get_hub.get(), nullptr));
  if (hub == nullptr) return false;
  const Ref loop(PyObject_GetAttrString(hub, "loop"));
  if (!loop) return false;
  Py_XSETREF(watcher, PyObject_CallMethod(loop.get(), "io", "ii", descriptor, 1));
  const Ref callback(PyCFunction_New(&on_done_method, nullptr));
  if (watcher == nullptr || !callback) return false;
  if (PyObject_SetAttr(watcher, name_ref, Py_False) != 0) return false;
  return bool(Ref(PyObject_CallMethod(watcher, "start", "O", callback.get())));
}

PyObject* after_fork(PyObject*, PyObject*) {
  // Left as they are: they share descriptors with the parent's loop.
  running = nullptr;
  in_flight = 0;
  watcher = nullptr;
  hub = nullptr;
  Py_RETURN_NONE;
}

// At exit: the thread ends, before Python's own end.
PyObject* stop(PyObject*, PyObject*) {
  if (running != nullptr) running->stop();
  Py_RETURN_NONE;
}

PyObject* in_thread(PyObject*, PyObject*) { return PyBool_FromLong(in_engine_thread() ? 1 : 0); }

PyMethodDef functions[] = {
    {"_in_engine_thread", in_thread, METH_NOARGS,
     "Whether requests can be sent on this thread: the one whose hub the engine wakes."},
    {"_after_fork", after_fork, METH_NOARGS, "For os.register_at_fork(after_in_child=…)."},
    {"_stop", stop, METH_NOARGS, "Ends the I/O thread; nothing can be sent from then on."},
    {nullptr, nullptr, 0, nullptr},
};

}  // namespace

Engine* running_engine() { return running; }

Engine* engine() {
  if (running != nullptr) return running;
  std::unique_ptr<Engine> made;
  try {
    made = std::make_unique<Engine>();
  } catch (const std::exception& error) {
    PyErr_SetString(PyExc_OSError, error.what());
    return nullptr;
  }
  if (!watch(made->done_fd())) return nullptr;
  thread_of_hub = PyThread_get_thread_ident();
  return running = made.release();
}

bool in_engine_thread() {
  return running == nullptr || thread_of_hub == PyThread_get_thread_ident();
}

void give_back(Call* call) {
  if (spare.size() >= kMostSpare) {
    delete call;
    return;
  }
  call->clear();
  spare.emplace_back(call);
}

Call* perform(std::shared_ptr<Channel> channel, const RequestObject& request) {
  Engine* const io = engine();
  if (io == nullptr) return nullptr;
  PyObject* const greenlet = greenlets.current();
  if (greenlet == nullptr) return nullptr;
  Call* const call = take_call(std::move(channel), request.request);
  call->waiter = greenlet;
  if (!count_flights(in_flight + 1)) {
    Ref(static_cast<PyObject*>(std::exchange(call->waiter, nullptr)));
    give_back(call);
    return nullptr;
  }
  io->start(*call);
  while (call->waiter != nullptr) {
    // Whoever else switches into this greenlet meanwhile has mistaken it: it waits on.
    if (const Ref woken{switch_to_hub(greenlet)}; woken) continue;
    if (call->waiter == nullptr) {  // done, but killed before it could go on
      give_back(call);
      return nullptr;
    }
    Ref(static_cast<PyObject*>(std::exchange(call->waiter, nullptr)));
    io->cancel(*call);
    return nullptr;
  }
  return call;
}

int add_hub_functions(PyObject* module) { return PyModule_AddFunctions(module, functions); }

}  // namespace locust::python
