// The extension module locustpp._native.
#include "python/objects.h"
#include "python/types.h"

namespace {

PyModuleDef definition = {PyModuleDef_HEAD_INIT,
                          "locustpp._native",
                          "The native engine beneath locustpp's Python classes.",
                          -1,
                          nullptr,
                          nullptr,
                          nullptr,
                          nullptr,
                          nullptr};

}  // namespace

PyMODINIT_FUNC PyInit__native() {
  using namespace locust::python;
  Ref module(PyModule_Create(&definition));
  if (!module) return nullptr;
  for (const auto add : {add_request_type, add_response_type, add_session_type, add_recorder_type,
                         add_link_type, add_hub_functions}) {
    if (add(module.get()) != 0) return nullptr;
  }
  if (PyModule_AddStringConstant(module.get(), "__version__", LOCUSTPP_VERSION) != 0) {
    return nullptr;
  }
  return module.release();
}
