// A worker without threads or sockets for the tests of Session: a clock that only advance() moves,
// shards that record and run what they are told, and a master that acknowledges and echoes if it is
// told to. Whatever happens, it checks what a stock master does not survive or forgive.
#pragma once

#include <fmt/core.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "protocol/session.h"

namespace locust::protocol {

using namespace std::chrono_literals;

inline std::string text_of(const UserCounts& counts) {
  std::string text;
  for (const auto& [name, count] : counts) {
    text += fmt::format("{}{}={}", text.empty() ? "" : " ", name, count);
  }
  return text;
}

inline std::string text_of(WorkerState state) {
  constexpr const char* kNames[] = {"ready", "spawning", "running"};
  return kNames[static_cast<int>(state)];
}

inline std::string text_of(log::Level level) {
  constexpr const char* kNames[] = {"DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"};
  return kNames[static_cast<int>(level)];
}

// Actions as words: a message by its Locust name, anything else by the name of its struct.
struct Words {
  std::string operator()(const ClientReady& m) const {
    return "client_ready " + m.version.value_or("-1");
  }
  std::string operator()(const LocustfileRequest&) const { return "locustfile"; }
  std::string operator()(const Spawning&) const { return "spawning"; }
  std::string operator()(const SpawningComplete& m) const {
    return fmt::format("spawning_complete {} total {}", text_of(m.user_classes_count),
                       m.user_count);
  }
  std::string operator()(const Heartbeat& m) const { return "heartbeat " + text_of(m.state); }
  std::string operator()(const Stats& m) const {
    return fmt::format("stats {}", m.report.total.num_requests);
  }
  std::string operator()(const Exception& m) const { return "exception " + m.msg; }
  std::string operator()(const Logs& m) const { return fmt::format("logs {}", m.lines.size()); }
  std::string operator()(const ClientStopped&) const { return "client_stopped"; }
  std::string operator()(const Quit&) const { return "quit"; }
  std::string operator()(const CustomToMaster& m) const { return "custom " + m.type; }

  std::string operator()(const Send& a) const { return std::visit(*this, a.message); }
  std::string operator()(const CollectReport&) const { return "CollectReport"; }
  std::string operator()(const ClearStats&) const { return "ClearStats"; }
  std::string operator()(const ConfigureTest& a) const {
    return "ConfigureTest " + a.host.value_or("None");
  }
  std::string operator()(const ChangeUsers& a) const { return "ChangeUsers " + text_of(a.counts); }
  std::string operator()(const RebuildLink&) const { return "RebuildLink"; }
  std::string operator()(const Deliver& a) const { return "Deliver " + a.type; }
  std::string operator()(const UpdateUserClass& a) const {
    return "UpdateUserClass " + a.user_class_name;
  }
  std::string operator()(const SetWorkerIndex& a) const {
    return fmt::format("SetWorkerIndex {}", a.index);
  }
  std::string operator()(const CollectLogs&) const { return "CollectLogs"; }
  std::string operator()(const WriteLog& a) const { return text_of(a.level) + ": " + a.text; }
  std::string operator()(const Exit& a) const { return fmt::format("Exit {}", a.code); }
};

inline SessionSettings worker_with_a_and_b() {
  SessionSettings settings;
  settings.user_classes = {"A", "B"};
  return settings;
}

class SimulatedWorker {
 public:
  // What the surroundings do by themselves.
  bool master_acks = true;    // client_ready
  bool master_echoes = true;  // heartbeats of a worker it knows (2.19.0 on)
  bool reachable = true;      // a link that is rebuilt comes up after its pause
  bool users_obey = true;     // ChangeUsers is done at once
  bool shards_answer = true;  // CollectReport is answered at once
  log::Recent logs;           // answer to CollectLogs

  explicit SimulatedWorker(SessionSettings settings = worker_with_a_and_b()) : session_(settings) {
    for (const std::string& name : settings.user_classes) users_[name] = 0;
    perform(session_.start(now_));
  }

  SimulatedWorker(const SimulatedWorker&) = delete;
  SimulatedWorker& operator=(const SimulatedWorker&) = delete;

  // Acknowledged, and with nothing in take().
  SimulatedWorker& register_now() {
    link_up();
    advance(10ms);
    take_all();
    return *this;
  }
  // With so many users of class A.
  SimulatedWorker& run(std::int64_t users, double stop_timeout = 0) {
    register_now();
    spawn({{"A", users}, {"B", 0}}, stop_timeout);
    advance(10ms);
    take_all();
    return *this;
  }

  SteadyTime now() const { return now_; }
  bool has_exited() const { return exited_; }
  bool is_connected() const { return connected_; }
  const UserCounts& users() const { return users_; }
  Session& session() { return session_; }

  // ---- time ----

  void advance(SteadyDuration duration) {
    const SteadyTime end = now_ + duration;
    while (!exited_) {
      const SteadyTime tick = session_.next_deadline();
      const bool event_first = !due_.empty() && due_.begin()->first <= tick;
      const SteadyTime next = event_first ? due_.begin()->first : tick;
      if (next > end) break;
      now_ = std::max(now_, next);
      if (event_first) {
        auto event = due_.extract(due_.begin());
        event.mapped()();
      } else {
        this->tick();
      }
    }
    now_ = std::max(now_, end);
  }
  // SIGSTOP and SIGCONT: what came meanwhile is there before the first tick.
  void suspend(SteadyDuration duration) { now_ += duration; }
  void tick() {
    perform(session_.on_tick(now_));
    if (!exited_) {
      EXPECT_GT(session_.next_deadline(), now_) << "a busy loop";
    }
  }

  // ---- the link and the master ----

  void link_up() {
    ++connection_;
    connected_ = true;
    perform(session_.on_link_up(now_));
  }
  void link_down() {
    ++connection_;
    connected_ = false;
    perform(session_.on_link_down(now_));
  }
  // The master knows this worker no more: it was restarted, or has given the worker up.
  void master_forgets() { master_knows_ = false; }
  void receive(const FromMaster& message) {
    if (std::holds_alternative<Ack>(message) && !said_stopped_) {
      acknowledged_ = master_knows_ = true;
    }
    perform(session_.on_message(message, now_));
  }
  // Each spawn is newer than the one before.
  void spawn(UserCounts counts, double stop_timeout = 0) {
    spawn_at(timestamp_ + 1, std::move(counts), stop_timeout);
  }
  void spawn_at(double timestamp, UserCounts counts, double stop_timeout = 0,
                Value options = Map{}) {
    timestamp_ = timestamp;
    receive(Spawn{timestamp, std::move(counts), "http://target", stop_timeout, std::move(options)});
  }
  // A master of 2.32.2 or later says so by this.
  void spawn_of_modern_master(UserCounts counts) {
    spawn_at(timestamp_ + 1, std::move(counts), 0, Map{{"web_base_path", ""}});
  }

  // ---- users and shards ----

  void record(std::uint64_t requests) { recorded_ += requests; }
  void users_in_place() {
    if (job_ == 0) return;
    for (const auto& [name, count] : targets_) users_[name] = count;
    const std::uint64_t job = std::exchange(job_, 0);
    session_.set_user_counts(users_);
    perform(session_.on_users_in_place(job, now_));
  }
  // `extra`: what a locustfile adds.
  void answer_report(Map extra = {}) {
    if (reports_due_ == 0) return;
    --reports_due_;
    stats::Report report;
    report.total.name = "Aggregated";
    report.total.num_requests = recorded_;
    if (recorded_ > 0) {
      stats::EntryReport& row = report.stats.emplace_back();
      row.method = "GET";
      row.name = "/";
      row.num_requests = recorded_;
    }
    recorded_ = 0;
    perform(session_.on_report(std::move(report), now_, std::move(extra)));
  }
  void user_error(const Exception& error, std::uint64_t times = 1) {
    perform(session_.on_user_error(error, times, now_));
  }
  void send_custom(const std::string& type) {
    perform(session_.on_custom_message({type, nullptr}, now_));
  }
  void bad_frame(const std::string& reason) { perform(session_.on_bad_frame(reason, now_)); }
  void send_logs(std::vector<std::string> lines) {
    perform(session_.send_logs(std::move(lines), now_));
  }
  void quit() { perform(session_.quit(now_)); }

  // ---- what it did ----

  struct Event {
    SteadyTime time;
    Action action;
    std::string words() const { return std::visit(Words{}, action); }
  };
  // All since the last call of this or take().
  std::vector<Event> take_all() { return std::exchange(events_, {}); }
  // The same in words, without what happens all the time: heartbeats, collecting, empty reports.
  std::vector<std::string> take() {
    std::vector<std::string> result;
    for (const Event& event : take_all()) {
      std::string words = event.words();
      if (words.starts_with("heartbeat") || words.starts_with("Collect") || words == "stats 0") {
        continue;
      }
      result.push_back(std::move(words));
    }
    return result;
  }
  // Messages of this type ever sent.
  template <class Message>
  std::vector<Message> sent() const {
    std::vector<Message> result;
    for (const ToMaster& message : sent_) {
      if (const auto* found = std::get_if<Message>(&message)) result.push_back(*found);
    }
    return result;
  }
  // Requests that the master was ever told of.
  std::uint64_t reported() const {
    std::uint64_t requests = 0;
    for (const Stats& stats : sent<Stats>()) requests += stats.report.total.num_requests;
    return requests;
  }

 private:
  void perform(const Actions& actions) {
    for (const Action& action : actions) {
      EXPECT_FALSE(exited_) << "after Exit: " << std::visit(Words{}, action);
      events_.push_back({now_, action});
      std::visit([this](const auto& one) { perform_one(one); }, action);
    }
  }
  // Whatever is answered at once is so after the whole batch, as in a real shell.
  void soon(SteadyDuration delay, std::function<void()> what) {
    due_.emplace(now_ + delay, std::move(what));
  }

  template <class T>
  void perform_one(const T&) {}
  void perform_one(const Exit&) { exited_ = true; }
  void perform_one(const ClearStats&) { recorded_ = 0; }
  void perform_one(const CollectReport&) {
    ++reports_due_;
    if (shards_answer) soon(0ms, [this] { answer_report(); });
  }
  void perform_one(const CollectLogs&) {
    soon(0ms, [this] { perform(session_.on_logs(logs, now_)); });
  }
  void perform_one(const ChangeUsers& change) {
    EXPECT_GT(change.job, last_job_);
    last_job_ = job_ = change.job;
    for (const auto& [name, count] : change.counts) targets_[name] = count;
    if (users_obey) {
      soon(0ms, [this, job = job_] {
        if (job == job_) users_in_place();
      });
    }
  }
  void perform_one(const RebuildLink& rebuild) {
    // The old connection must be gone at the master before the identity comes back.
    EXPECT_GE(rebuild.pause, 300ms);
    const int connection = ++connection_;
    connected_ = false;
    soon(rebuild.pause, [this, connection] {
      if (reachable && connection == connection_) link_up();
    });
  }
  void perform_one(const Send& send) {
    EXPECT_TRUE(connected_) << "sent while there is no connection: " << Words{}(send);
    std::visit([this](const auto& message) { check(message); }, send.message);
    sent_.push_back(send.message);
  }

  // Nothing but this may be said to a master that does not know us.
  void check(const ClientReady&) {
    acknowledged_ = said_stopped_ = false;
    if (master_acks) from_master(Ack{0});
  }
  void check(const Quit&) {}
  void check(const ClientStopped&) {
    EXPECT_TRUE(acknowledged_) << recent();
    acknowledged_ = master_knows_ = false;
    said_stopped_ = true;
  }
  void check(const Heartbeat&) {
    EXPECT_TRUE(acknowledged_) << recent();
    if (master_echoes && master_knows_) from_master(HeartbeatEcho{});
  }
  void check(const SpawningComplete& message) {
    EXPECT_TRUE(acknowledged_) << recent();
    EXPECT_EQ(job_, 0u) << "users are not in place: " << Words{}(message);
  }
  template <class Message>
  void check(const Message&) {
    EXPECT_TRUE(acknowledged_) << recent();
  }
  // What led to it, the culprit last.
  std::string recent() const {
    std::string text;
    for (std::size_t i = events_.size() < 20 ? 0 : events_.size() - 20; i < events_.size(); ++i) {
      text += fmt::format("{:9.3f} {}\n", to_milliseconds(events_[i].time.time_since_epoch()) / 1e3,
                          events_[i].words());
    }
    return text;
  }
  // An answer over the connection that stands now; lost with it.
  void from_master(FromMaster message) {
    soon(1ms, [this, connection = connection_, message = std::move(message)] {
      if (connection == connection_) receive(message);
    });
  }

  SteadyTime now_ = SteadyTime(std::chrono::hours(1));
  Session session_;
  std::multimap<SteadyTime, std::function<void()>> due_;
  std::vector<Event> events_;
  std::vector<ToMaster> sent_;

  bool connected_ = false;
  int connection_ = 0;
  bool acknowledged_ = false;  // by the master, since client_ready or client_stopped was last sent
  bool said_stopped_ = false;
  bool master_knows_ = false;
  bool exited_ = false;
  double timestamp_ = 1'700'000'000;

  UserCounts users_;
  UserCounts targets_;
  std::uint64_t job_ = 0;  // not done yet
  std::uint64_t last_job_ = 0;
  std::uint64_t recorded_ = 0;
  int reports_due_ = 0;
};

}  // namespace locust::protocol
