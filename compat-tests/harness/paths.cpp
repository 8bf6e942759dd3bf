#include "harness/paths.h"

#include <cstdlib>
#include <stdexcept>

namespace compat {
namespace {

Path from_environment(const char* name, const char* otherwise) {
  const char* value = std::getenv(name);
  return value != nullptr && *value != '\0' ? value : otherwise;
}

Path must_exist(Path path, const char* how_to_get_it) {
  if (!std::filesystem::exists(path)) {
    throw std::runtime_error(path.string() + " does not exist: " + how_to_get_it);
  }
  return path;
}

}  // namespace

Path binary(const std::string& name) {
  return must_exist(from_environment("LOCUSTPP_BIN", COMPAT_DEFAULT_BIN) / name,
                    "build it, or set LOCUSTPP_BIN to the folder of the programs");
}

Path python_tool(const std::string& version, const std::string& name) {
  return must_exist(
      from_environment("LOCUSTPP_VENVS", COMPAT_DEFAULT_VENVS) / version / "bin" / name,
      "install compat-tests/requirements/locust-<version>.txt there, or set LOCUSTPP_VENVS");
}

Path locustfile(const std::string& stem) {
  const Path source = from_environment("LOCUSTPP_SOURCE", COMPAT_DEFAULT_SOURCE);
  const bool product = stem == "hello" || stem == "test_sample";
  return must_exist(
      source / (product ? "locustfiles" : "compat-tests/locustfiles") / (stem + ".py"),
      "set LOCUSTPP_SOURCE to the source tree");
}

bool stock_worker_wanted() { return from_environment("COMPAT_WORKER", "") == "stock"; }

bool python_worker_wanted() { return from_environment("COMPAT_WORKER", "") == "python"; }

Path python_package_folder() {
  const Path beside = from_environment("LOCUSTPP_BIN", COMPAT_DEFAULT_BIN).parent_path() / "python";
  return must_exist(from_environment("LOCUSTPP_PYTHON_PATH", beside.c_str()),
                    "build the target python_extension");
}

}  // namespace compat
