// A report as Locust's Python keeps it.
#pragma once

#include "python/py.h"
#include "stats/report.h"

namespace locust::python {

// {"stats": […], "stats_total": {…}, "errors": {…}}, rows and errors as StatsEntry.serialize() and
// StatsError.serialize() make them. A new reference, or null with a Python error set.
PyObject* to_dict(const stats::Report& report);

}  // namespace locust::python
