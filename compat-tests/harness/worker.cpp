#include "harness/worker.h"

#include <signal.h>

namespace compat {
namespace {

// Who really plays the part.
WorkerKind kind_of(const Worker::Options& options) {
  if (options.kind != WorkerKind::under_test) return options.kind;
  if (stock_worker_wanted()) return WorkerKind::stock;
  return python_worker_wanted() ? WorkerKind::python : WorkerKind::under_test;
}

std::vector<std::string> command(const Worker::Options& options) {
  const Path file = locustfile(options.locustfile);
  const WorkerKind kind = kind_of(options);
  std::vector<std::string> result;
  if (kind == WorkerKind::python) {
    result = {python_tool(options.version, "python").string(), "-m", "locustpp", "-f",
              file.string()};
  } else if (kind == WorkerKind::stock) {
    result = {python_tool(options.version, "locust").string(), "-f", file.string()};
  } else {
    // The product's own worker links its pairs; those of this suite are in a worker of their own.
    const bool own = file.parent_path().parent_path().filename() == "compat-tests";
    result = {binary(own ? "compat-worker" : "locust-worker").string(), "-f",
              options.locustfile + ".cpp"};
  }
  const std::vector<std::string> rest = {"--worker", "--master-host", "127.0.0.1", "--master-port",
                                         std::to_string(options.master_port)};
  result.insert(result.end(), rest.begin(), rest.end());
  result.insert(result.end(), options.arguments.begin(), options.arguments.end());
  if (kind == WorkerKind::under_test) {
    result.insert(result.end(), options.native_arguments.begin(), options.native_arguments.end());
  }
  return result;
}

std::vector<std::string> environment(const Worker::Options& options) {
  if (kind_of(options) != WorkerKind::python) return {};
  return {"PYTHONPATH=" + python_package_folder().string()};
}

}  // namespace

Worker::Worker(TempDir& dir, const Options& options)
    : process_(dir, options.kind == WorkerKind::stock ? "stock-worker" : "worker", command(options),
               environment(options)) {}

int Worker::quit(Duration limit) {
  process_.signal(SIGTERM);
  return process_.wait_for_exit(limit);
}

}  // namespace compat
