#include "harness/compat_test.h"

#include <fmt/format.h>

#include <algorithm>
#include <sstream>

namespace compat {

const std::vector<std::string>& all_versions() {
  static const std::vector<std::string> versions = {"2.13.0", "2.20.1", "2.32.10",
                                                    "2.43.4", "2.46.3", "2.47.0"};
  return versions;
}

const std::vector<std::string>& end_versions() {
  static const std::vector<std::string> versions = {"2.13.0", "2.47.0"};
  return versions;
}

std::string version_name(const ::testing::TestParamInfo<std::string>& info) {
  std::string name = "v" + info.param;
  std::replace(name.begin(), name.end(), '.', '_');
  return name;
}

std::unique_ptr<Master> CompatTest::master(const std::string& locustfile,
                                           std::vector<std::string> arguments) {
  return std::make_unique<Master>(
      dir_, Master::Options{version(), locustfile, std::move(arguments), false});
}

std::unique_ptr<Master> CompatTest::headless_master(const std::string& locustfile,
                                                    std::vector<std::string> arguments) {
  return std::make_unique<Master>(
      dir_, Master::Options{version(), locustfile, std::move(arguments), true});
}

std::unique_ptr<Worker> CompatTest::worker(const Master& master, const std::string& locustfile,
                                           std::vector<std::string> native_arguments) {
  return std::make_unique<Worker>(dir_, Worker::Options{locustfile,
                                                        master.port(),
                                                        version(),
                                                        WorkerKind::under_test,
                                                        {},
                                                        std::move(native_arguments)});
}

std::unique_ptr<Worker> CompatTest::stock_worker(const Master& master,
                                                 const std::string& locustfile) {
  return std::make_unique<Worker>(
      dir_, Worker::Options{locustfile, master.port(), version(), WorkerKind::stock, {}, {}});
}

void CompatTest::TearDown() {
  static const std::vector<std::string> bad = {"/ERROR/",
                                               "/CRITICAL/",
                                               "Traceback (most recent call last)",
                                               "Unknown message type",
                                               "exceeded cpu threshold",
                                               "running a different version"};
  for (const auto& file : std::filesystem::directory_iterator(dir_.path())) {
    if (!file.path().filename().string().starts_with("master-")) continue;
    std::istringstream lines(read_file(file.path()));
    for (std::string line; std::getline(lines, line);) {
      const auto holds = [&](const std::string& text) {
        return line.find(text) != std::string::npos;
      };
      if (std::any_of(bad.begin(), bad.end(), holds) &&
          std::none_of(allowed_.begin(), allowed_.end(), holds)) {
        ADD_FAILURE() << "the master complained: " << line;
      }
    }
  }
  if (HasFailure()) std::fputs(log_tails(dir_.path(), 30).c_str(), stderr);
}

Json wait_for_equal_counts(const Master& master, const Target& target, std::int64_t in_flight) {
  // A report leaves every 3 s: standing still for 7 s means that none is on the way.
  std::string before;
  auto since = std::chrono::steady_clock::now();
  Json last;
  eventually(
      "the master's and the target's counts to stand still",
      [&] {
        last = master.stats();
        std::string now =
            fmt::format("master {}, target {}", requests(total(last)), target.served());
        if (now != before) since = std::chrono::steady_clock::now();
        before = std::move(now);
        const bool equal = in_flight == 0 && requests(total(last)) == target.served();
        return Seen{std::chrono::steady_clock::now() - since > (equal ? 3500ms : 7s), before};
      },
      60s, 200ms);
  const std::int64_t missing = target.served() - requests(total(last));
  if (missing < 0 || missing > in_flight) {
    ADD_FAILURE() << before << ": " << missing << " answers are not in the statistics, where 0 to "
                  << in_flight << " may be missing\n"
                  << summary(last);
  }
  return last;
}

}  // namespace compat
