#include "harness/worker.h"

#include <signal.h>

namespace compat {
namespace {

std::vector<std::string> command(const Worker::Options& options) {
  const Path file = locustfile(options.locustfile);
  const bool stock = options.kind == WorkerKind::stock || stock_worker_wanted();
  std::vector<std::string> result;
  if (stock) {
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
  if (!stock) {
    result.insert(result.end(), options.native_arguments.begin(), options.native_arguments.end());
  }
  return result;
}

}  // namespace

Worker::Worker(TempDir& dir, const Options& options)
    : process_(dir, options.kind == WorkerKind::stock ? "stock-worker" : "worker",
               command(options)) {}

int Worker::quit(Duration limit) {
  process_.signal(SIGTERM);
  return process_.wait_for_exit(limit);
}

}  // namespace compat
