// The objects of the HTTP path, as the extension module's files see each other's.
#pragma once

#include <memory>

#include "python/engine.h"
#include "python/process_recorder.h"
#include "python/py.h"

namespace locust::python {

// _native.Request: what goes out, built once. Immutable.
struct RequestObject {
  PyObject_HEAD std::shared_ptr<const http::Request> request;
  PyObject* name;  // its row in the statistics where the caller names none
  PyObject* info;  // whatever the session wants to know of it later
};

// _native.Response: what came back, beneath a response as Locust's users know it.
struct ResponseObject {
  PyObject_HEAD Call* call;  // owned, by give_back()
  PyObject* request;         // RequestObject
  PyObject* content;         // the body once somebody has asked for it
};

// _native.Recorder: the statistics of one environment.
struct RecorderObject {
  PyObject_HEAD std::shared_ptr<ProcessRecorder> recorder;
};

extern PyTypeObject* request_type;
extern PyTypeObject* response_type;
extern PyTypeObject* recorder_type;

// A new one; takes the call over.
PyObject* make_response(Call* call, PyObject* request);
// Whether it is a success that leaves nothing to be done.
bool is_plain_success(const Call& call);

// ---- the Python thread's side of the engine (hub.cpp) ----

// The engine of this process, started where it does not run; null with a Python error set.
Engine* engine();
// The engine where it runs already.
Engine* running_engine();
// Whether calls can be made here: on the thread whose hub the engine wakes, or on any as long as
// there is no engine.
bool in_engine_thread();
// Sends the request and runs other greenlets until it is done: the call, or null with a Python
// error set (the greenlet was killed, timed out …), after which it is given up.
Call* perform(std::shared_ptr<Channel> channel, const RequestObject& request);
// For a call that was performed and is done with.
void give_back(Call* call);
int add_hub_functions(PyObject* module);

}  // namespace locust::python
