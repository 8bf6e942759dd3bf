// What a person sees in the other tabs of the web interface: exceptions, failures, logs; and the
// locustfile's own messages.
#include <gmock/gmock.h>

#include <thread>

#include "harness/compat_test.h"

namespace compat {
namespace {

using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::Not;

class EndMasterTabs : public CompatTest {};
class MasterWithLogs : public CompatTest {};

TEST_P(EndMasterTabs, Exceptions) {
  const Target target(dir());
  const auto locust = master("failing");
  const auto native = worker(*locust, "failing");
  const std::string id = locust->wait_for_workers(1).at("workers").at(0).at("id");
  locust->swarm(2, 10, target.url());

  Json tab;
  eventually("an exception that occurred twice", [&] {
    tab = locust->exceptions();
    return Seen{tab.size() == 1 && tab.at(0).at("count") >= 2, tab.dump()};
  });
  EXPECT_EQ(tab.at(0).at("msg"), "broken on purpose");
  EXPECT_NE(tab.at(0).at("traceback"), "") << tab.dump();
  EXPECT_THAT(tab.at(0).at("nodes").get<std::string>(), HasSubstr(id));
  locust->stop();
  locust->wait_for_end();
}

TEST_P(EndMasterTabs, FailuresByStatus) {
  const Target target(dir());
  const auto locust = master("failing", {"-s", "5"});
  const auto native = worker(*locust, "failing");
  locust->wait_for_workers(1);
  locust->swarm(2, 10, target.url());
  locust->wait_until("failures", [](const Json& s) { return failures(total(s)) >= 20; });
  locust->stop();
  locust->wait_for_end();

  const Json stats = locust->wait_until("each request of the missing page a failure", [](auto& s) {
    const Json& errors = s.at("errors");
    const Json row = entry(s, "/missing/");
    return errors.size() == 1 && errors.at(0).at("occurrences") == failures(row) &&
           failures(row) == requests(row);
  });
  const Json& error = stats.at("errors").at(0);
  EXPECT_EQ(error.at("method"), "GET");
  EXPECT_EQ(error.at("name"), "/missing/");
  EXPECT_THAT(error.at("error").get<std::string>(), ContainsRegex("BadStatusCode\\(.*code=404\\)"));
}

TEST_P(EndMasterTabs, FailuresByRefusedConnection) {
  const FreePort nobody;
  const auto locust = master("hello");
  const auto native = worker(*locust, "hello");
  locust->wait_for_workers(1);
  locust->swarm(1, 1, "http://127.0.0.1:" + std::to_string(nobody.number()));
  const Json stats = locust->wait_until("refused connections",
                                        [](const Json& s) { return !s.at("errors").empty(); });
  EXPECT_THAT(stats.at("errors").at(0).at("error").get<std::string>(),
              HasSubstr("ConnectionRefusedError(111, "));
  EXPECT_EQ(failures(total(stats)), requests(total(stats))) << summary(stats);
  locust->stop();
  locust->wait_for_end();
}

TEST_P(EndMasterTabs, CustomMessages) {
  const Target target(dir());
  const auto locust = master("messages");
  const auto native = worker(*locust, "messages");
  const std::string id = locust->wait_for_workers(1).at("workers").at(0).at("id");
  locust->swarm(1, 1, target.url());
  EXPECT_THAT(locust->process().wait_for_line("came back"),
              HasSubstr("the message came back whole from " + id));
  locust->stop();
  locust->wait_for_end();
}

TEST_P(MasterWithLogs, WorkerLogs) {
  const Target target(dir());
  const auto locust = master("hello");
  const auto native = worker(*locust, "hello");
  const std::string id = locust->wait_for_workers(1).at("workers").at(0).at("id");
  locust->swarm(1, 1, target.url());
  locust->wait_for_users(1);
  Json lines;
  eventually("the worker's log lines", [&] {
    const Json logs = locust->logs();
    lines = logs.at("workers").value(id, Json::array());
    return Seen{!lines.empty(), logs.dump()};
  });
  EXPECT_THAT(lines.at(0).get<std::string>(),
              ContainsRegex("^\\[[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9:]{8},[0-9]{3}\\] "
                            "[^/]+/[A-Z]+/[a-z._]+: "));
  EXPECT_THAT(lines.dump(), Not(HasSubstr("Traceback")));
}

INSTANTIATE_TEST_SUITE_P(, EndMasterTabs, ::testing::ValuesIn(end_versions()), version_name);
// The tab exists since 2.29.0.
INSTANTIATE_TEST_SUITE_P(, MasterWithLogs,
                         ::testing::Values("2.32.10", "2.43.4", "2.46.3", "2.47.0"), version_name);

}  // namespace
}  // namespace compat
