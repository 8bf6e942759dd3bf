// The types of the extension module, each in a file of its own.
#pragma once

#include "python/py.h"

namespace locust::python {

// Each adds its type to the module: 0, or -1 with a Python error set.
int add_request_type(PyObject* module);
int add_response_type(PyObject* module);
int add_session_type(PyObject* module);
int add_recorder_type(PyObject* module);
int add_link_type(PyObject* module);

}  // namespace locust::python
