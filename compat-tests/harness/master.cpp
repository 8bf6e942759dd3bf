#include "harness/master.h"

#include <fmt/format.h>
#include <signal.h>

#include <sstream>

#include "harness/web.h"

namespace compat {
namespace {

// /stop and /stats/reset were GET until 2.46.3 and are POST since 2.47.0; never both.
bool changes_by_post(const std::string& version) {
  int major = 0;
  int minor = 0;
  char dot = 0;
  std::istringstream(version) >> major >> dot >> minor;
  return major > 2 || minor >= 47;
}

void must_be_200(const WebResponse& response, const std::string& what) {
  if (response.status != 200) {
    throw std::runtime_error(
        fmt::format("{} was answered {}: {}", what, response.status, response.body.substr(0, 500)));
  }
}

bool all_workers_are(const Json& stats, const std::function<bool(const std::string&)>& wanted) {
  for (const Json& worker : stats.at("workers")) {
    if (!wanted(worker.at("state").get<std::string>())) return false;
  }
  return true;
}

}  // namespace

std::string summary(const Json& stats) {
  const Json& all = total(stats);
  std::string text = fmt::format(
      "state {}, {} users, {} requests, {} failures; workers:", stats.value("state", "?"),
      stats.value("user_count", -1), requests(all), failures(all));
  for (const Json& worker : stats.at("workers")) text += "\n  " + worker.dump();
  for (const Json& error : stats.at("errors")) text += "\n  " + error.dump();
  return text;
}

const Json& total(const Json& stats) {
  const Json& rows = stats.at("stats");
  if (rows.empty()) throw std::runtime_error("no rows in /stats/requests: " + stats.dump());
  return rows.back();
}

Json entry(const Json& stats, const std::string& name) {
  for (const Json& row : stats.at("stats")) {
    if (row.at("name") == name) return row;
  }
  return {{"name", name}, {"num_requests", 0}, {"num_failures", 0}};
}

std::int64_t requests(const Json& row) { return row.at("num_requests").get<std::int64_t>(); }
std::int64_t failures(const Json& row) { return row.at("num_failures").get<std::int64_t>(); }

Master::Master(TempDir& dir, Options options) : dir_(dir), options_(std::move(options)) {
  start_again();
}

void Master::start_again() {
  std::vector<std::string> command = {python_tool(options_.version, "locust").string(),
                                      "-f",
                                      locustfile(options_.locustfile).string(),
                                      "--master",
                                      "--master-bind-host",
                                      "127.0.0.1",
                                      "--master-bind-port",
                                      std::to_string(port())};
  if (options_.headless) {
    command.emplace_back("--headless");
  } else {
    for (const std::string& part : std::vector<std::string>{"--web-host", "127.0.0.1", "--web-port",
                                                            std::to_string(web_port_.number())}) {
      command.push_back(part);
    }
  }
  command.insert(command.end(), options_.arguments.begin(), options_.arguments.end());
  process_ = std::make_unique<Process>(dir_, "master", command);
  if (options_.headless) return;
  eventually("the master's web interface", [&] {
    if (!process_->running()) return Seen{true, ""};
    return Seen{web_get(web_port_.number(), "/stats/requests").status == 200, process_->log()};
  });
  if (!process_->running()) throw std::runtime_error("the master ended:\n" + process_->log());
}

Json Master::get(const std::string& path) const {
  const WebResponse response = web_get(web_port_.number(), path);
  must_be_200(response, path);
  return Json::parse(response.body);
}

void Master::swarm(int users, double rate, const std::string& host) {
  const WebResponse response = web_post(web_port_.number(), "/swarm",
                                        {{"user_count", std::to_string(users)},
                                         {"spawn_rate", fmt::format("{}", rate)},
                                         {"host", host}});
  must_be_200(response, "/swarm");
  const Json answer = Json::parse(response.body);
  if (!answer.at("success").get<bool>()) throw std::runtime_error("/swarm: " + answer.dump());
}

void Master::stop() {
  must_be_200(changes_by_post(version()) ? web_post(web_port_.number(), "/stop")
                                         : web_get(web_port_.number(), "/stop"),
              "/stop");
}

void Master::reset_stats() {
  must_be_200(changes_by_post(version()) ? web_post(web_port_.number(), "/stats/reset")
                                         : web_get(web_port_.number(), "/stats/reset"),
              "/stats/reset");
}

Json Master::stats() const { return get("/stats/requests"); }
Json Master::exceptions() const { return get("/exceptions").at("exceptions"); }
Json Master::logs() const { return get("/logs"); }
Json Master::tasks() const { return get("/tasks"); }

Json Master::wait_until(const std::string& what, const std::function<bool(const Json&)>& predicate,
                        Duration limit) const {
  Json last;
  eventually(
      what,
      [&] {
        last = stats();
        return Seen{predicate(last), summary(last)};
      },
      limit, 200ms);
  return last;
}

Json Master::wait_for_workers(std::size_t count, Duration limit) const {
  return wait_until(
      fmt::format("{} workers that are ready or running", count),
      [&](const Json& stats) {
        return stats.at("workers").size() == count &&
               all_workers_are(stats, [](const std::string& state) { return state != "missing"; });
      },
      limit);
}

Json Master::wait_for_users(int count, Duration limit) const {
  return wait_until(
      fmt::format("{} users, all workers running", count),
      [&](const Json& stats) {
        return stats.at("user_count") == count && stats.at("state") == "running" &&
               all_workers_are(stats, [](const std::string& state) { return state == "running"; });
      },
      limit);
}

Json Master::wait_for_end(std::size_t workers, Duration limit) const {
  return wait_until(
      fmt::format("the test stopped, no users, {} workers ready", workers),
      [&](const Json& stats) {
        return stats.at("user_count") == 0 && stats.at("state") == "stopped" &&
               stats.at("workers").size() == workers &&
               all_workers_are(stats, [](const std::string& state) { return state == "ready"; });
      },
      limit);
}

std::vector<std::string> Master::spawned_lines() const {
  std::vector<std::string> result;
  std::istringstream lines(process_->log());
  const std::string mark = "All users spawned: ";
  for (std::string line; std::getline(lines, line);) {
    const auto at = line.find(mark);
    if (at != std::string::npos) result.push_back(line.substr(at + mark.size()));
  }
  return result;
}

void Master::kill() { process_->kill(); }

int Master::quit() {
  process_->signal(SIGTERM);
  return process_->wait_for_exit();
}

}  // namespace compat
