#include "harness/temp_dir.h"

#include <stdlib.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <set>
#include <stdexcept>

namespace compat {

TempDir::TempDir() {
  std::string name = (std::filesystem::temp_directory_path() / "locustpp-compat-XXXXXX").string();
  if (mkdtemp(name.data()) == nullptr) throw std::runtime_error("mkdtemp failed: " + name);
  path_ = name;
}

TempDir::~TempDir() {
  if (std::getenv("COMPAT_KEEP") != nullptr) return;
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

Path TempDir::new_file(const std::string& stem, const std::string& extension) {
  return path_ / (stem + "-" + std::to_string(files_++) + extension);
}

std::string read_file(const Path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

std::string log_tails(const Path& folder, std::size_t lines) {
  std::set<Path> logs;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() == ".log") logs.insert(entry.path());
  }
  std::string result;
  for (const Path& log : logs) {
    const std::string text = read_file(log);
    std::size_t begin = text.size();
    for (std::size_t i = 0; i <= lines && begin != std::string::npos && begin > 0; ++i) {
      begin = text.rfind('\n', begin - 1);
    }
    result += "---- " + log.filename().string() + "\n" +
              text.substr(begin == std::string::npos ? 0 : begin) + "\n";
  }
  return result;
}

}  // namespace compat
