// Where greenlets and the engine meet: a greenlet that waits for a call switches to gevent's hub,
// and the hub, woken by the engine's descriptor, switches back into it.
#include <memory>
#include <string>

#include "python/objects.h"
#include "python/types.h"

namespace locust::python {

namespace {

// One for a process, and never destroyed: sessions may outlive the interpreter's last line. A
// forked child has none of its parent's threads, and starts its own.
Engine* running = nullptr;
std::size_t in_flight = 0;
unsigned long thread_of_hub = 0;
PyObject* get_current = nullptr;  // greenlet.getcurrent
PyObject* hub_switch = nullptr;   // the bound method of the main thread's hub
PyObject* watcher = nullptr;      // of the engine's descriptor, in the hub's loop
PyObject* name_switch = nullptr;
PyObject* name_ref = nullptr;

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
      delete call;
      continue;
    }
    const Ref result(PyObject_CallMethodObjArgs(greenlet.get(), name_switch, nullptr));
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
  if (get_current == nullptr) get_current = attribute_of("greenlet", "getcurrent");
  if (name_switch == nullptr) name_switch = PyUnicode_InternFromString("switch");
  if (name_ref == nullptr) name_ref = PyUnicode_InternFromString("ref");
  const Ref get_hub(attribute_of("gevent", "get_hub"));
  if (get_current == nullptr || name_switch == nullptr || !get_hub) return false;
  const Ref hub(PyObject_CallObject(get_hub.get(), nullptr));
  if (!hub) return false;
  Py_XSETREF(hub_switch, PyObject_GetAttr(hub.get(), name_switch));
  const Ref loop(PyObject_GetAttrString(hub.get(), "loop"));
  if (hub_switch == nullptr || !loop) return false;
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
  hub_switch = nullptr;
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

Call* perform(std::shared_ptr<Channel> channel, const RequestObject& request) {
  Engine* const io = engine();
  if (io == nullptr) return nullptr;
  Ref greenlet(PyObject_CallObject(get_current, nullptr));
  if (!greenlet || !count_flights(in_flight + 1)) return nullptr;
  Call* const call = new Call(std::move(channel), request.request);
  call->waiter = greenlet.release();
  io->start(*call);
  while (call->waiter != nullptr) {
    // Whoever else switches into this greenlet meanwhile has mistaken it: it waits on.
    if (const Ref woken{PyObject_CallObject(hub_switch, nullptr)}; woken) continue;
    if (call->waiter == nullptr) {  // done, but killed before it could go on
      delete call;
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
