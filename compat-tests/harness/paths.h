// Where the programs under test live. From the environment, else what CMake built in.
#pragma once

#include <filesystem>
#include <string>

namespace compat {

using Path = std::filesystem::path;

// LOCUSTPP_BIN: the folder of locust-worker, compat-worker and hello-target.
Path binary(const std::string& name);
// LOCUSTPP_VENVS: a folder with one virtual environment per Locust version, named by the version.
Path python_tool(const std::string& version, const std::string& name);
// LOCUSTPP_SOURCE: the source tree. "hello" and "test_sample" are the product's pairs, all other
// stems are this suite's own.
Path locustfile(const std::string& stem);
// COMPAT_WORKER=stock: a stock Python worker takes the native one's part, which proves the tests.
bool stock_worker_wanted();
// COMPAT_WORKER=python: so does the Python worker, which runs the masters' own locustfiles.
bool python_worker_wanted();
// LOCUSTPP_PYTHON_PATH: the folder of the package locustpp; else beside that of the programs.
Path python_package_folder();

}  // namespace compat
