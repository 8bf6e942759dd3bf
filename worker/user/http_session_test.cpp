// What HttpSession records: every request once, under its name, with FastHttpUser's verdicts and
// words (contrib/fasthttp.py), and nothing of a request that was killed with its user.
#include "user/http_session.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <map>
#include <stdexcept>
#include <string>
#include <string_view>

#include "user/running_user.h"
#include "user/test_one_task.h"

namespace locust {
namespace {

using namespace std::chrono_literals;
using test::ScriptedUser;
using testing::ElementsAre;

class HttpSessionTest : public test::OneTask {
 protected:
  const stats::EntryReport& row(const std::string& method, const std::string& name) const {
    for (const auto& one : report.stats) {
      if (one.method == method && one.name == name) return one;
    }
    ADD_FAILURE() << "no row " << method << " " << name;
    static const stats::EntryReport none;
    return none;
  }
  // "GET /x: error" → how often.
  std::map<std::string, std::uint64_t> errors() const {
    std::map<std::string, std::uint64_t> result;
    for (const auto& [key, error] : report.errors) {
      result[error.method + " " + error.name + ": " + error.error] = error.occurrences;
    }
    return result;
  }
};

TEST_F(HttpSessionTest, EverySendIsRecordedOnceUnderMethodAndName) {
  run([](ScriptedUser& self) -> Task<> {
    const Request hello = self.get("/size/10");
    for (int i = 0; i < 3; ++i) co_await self.client.send(hello);
    const Request item = self.get("/size/7").named("/size/[n]");
    co_await self.client.send(item);
    const Request order = self.post("/size/10").json("{}");
    co_await self.client.send(order);
  });
  EXPECT_EQ(report.stats.size(), 3U);
  EXPECT_EQ(row("GET", "/size/10").num_requests, 3U);
  EXPECT_EQ(row("GET", "/size/10").total_content_length, 30U);
  EXPECT_EQ(row("GET", "/size/[n]").num_requests, 1U);
  EXPECT_EQ(row("GET", "/size/[n]").total_content_length, 7U);
  EXPECT_EQ(row("POST", "/size/10").num_requests, 1U);
  EXPECT_EQ(report.total.num_requests, 5U);
  EXPECT_EQ(report.total.num_failures, 0U);
  EXPECT_EQ(report.total.num_none_requests, 0U);
  EXPECT_EQ(server.seen().size(), 5U);
}

TEST_F(HttpSessionTest, ResponseIsThatOfTheServer) {
  run([](ScriptedUser& self) -> Task<> {
    const Request echo = self.get("/echo?a=b").keep_body();
    const Response kept = co_await self.client.send(echo);
    EXPECT_EQ(kept.status, 200);
    EXPECT_EQ(kept.body, "/echo?a=b");
    EXPECT_EQ(kept.header("content-length"), "9");
    EXPECT_TRUE(kept.ok());
    const Request counted = self.get("/size/9");
    const Response response = co_await self.client.send(counted);
    EXPECT_EQ(response.body, "");
    EXPECT_EQ(response.body_size, 9U);
  });
}

TEST_F(HttpSessionTest, LargeBodyGoesToASink) {
  struct Counter final : http::BodySink {
    Next take(std::string_view piece) override {
      bytes += piece.size();
      largest = std::max(largest, piece.size());
      return Next::more;
    }
    std::size_t bytes = 0;
    std::size_t largest = 0;
  } sink;
  run([&](ScriptedUser& self) -> Task<> {
    const Request request = self.get("/to/size/3000000").stream();
    const Response response = co_await self.client.send(request, sink);
    EXPECT_EQ(response.body_size, 3'000'000U);
    EXPECT_EQ(response.body, "");
  });
  EXPECT_EQ(sink.bytes, 3'000'000U);
  EXPECT_LT(sink.largest, 100'000U);
  EXPECT_EQ(row("GET", "/to/size/3000000").total_content_length, 3'000'000U);
}

TEST_F(HttpSessionTest, LargeBodyComesFromAFile) {
  const std::string path = testing::TempDir() + "locustpp-upload-" + std::to_string(::getpid());
  std::ofstream(path) << std::string(3'000'000, 'y');
  run([&](ScriptedUser& self) -> Task<> {
    const Request request = self.put("/sum").body_file(path, "text/plain").keep_body();
    for (int i = 0; i < 2; ++i) {  // a request may be sent again and again
      const Response response = co_await self.client.send(request);
      EXPECT_EQ(response.body, "3000000");
    }
    EXPECT_THROW(self.put("/sum").body_file("/nonexistent/file"), std::invalid_argument);
  });
  std::remove(path.c_str());
  EXPECT_EQ(row("PUT", "/sum").num_requests, 2U);
  EXPECT_EQ(row("PUT", "/sum").num_failures, 0U);
}

TEST_F(HttpSessionTest, StatusesAreJudgedAsFastHttpUserDoes) {
  std::vector<int> failed;
  std::vector<int> statuses;
  for (int status = 200; status < 600; ++status) {
    if (status <= 230 || (status >= 299 && status <= 310) || status % 50 == 4) {
      statuses.push_back(status);
    }
  }
  run([&](ScriptedUser& self) -> Task<> {
    for (const int status : statuses) {
      const Request request = self.get("/status/" + std::to_string(status)).named("status");
      const Response response = co_await self.client.send(request);
      EXPECT_EQ(response.status, status);
      if (!response.ok()) failed.push_back(status);
    }
  });
  // FastHttpSession: valid_response_codes.
  const std::vector<int> valid = {200, 201, 202, 203, 204, 205, 206, 207,
                                  208, 226, 301, 302, 303, 304, 307, 308};
  std::vector<int> expected;
  std::copy_if(statuses.begin(), statuses.end(), std::back_inserter(expected), [&](int status) {
    return std::find(valid.begin(), valid.end(), status) == valid.end();
  });
  EXPECT_EQ(failed, expected);
  EXPECT_EQ(row("GET", "status").num_requests, statuses.size());
  EXPECT_EQ(row("GET", "status").num_failures, expected.size());
}

TEST_F(HttpSessionTest, BadStatusIsAFailureInLocustsWords) {
  run([](ScriptedUser& self) -> Task<> {
    const Request missing = self.get("/status/404");
    const Request broken = self.get("/status/500");
    for (int i = 0; i < 2; ++i) co_await self.client.send(missing);
    const Response response = co_await self.client.send(broken);
    EXPECT_FALSE(response.ok());
    EXPECT_EQ(response.error, "LocustBadStatusCode(code=500)");
  });
  EXPECT_EQ(errors(), (std::map<std::string, std::uint64_t>{
                          {"GET /status/404: LocustBadStatusCode(code=404)", 2},
                          {"GET /status/500: LocustBadStatusCode(code=500)", 1}}));
  EXPECT_EQ(row("GET", "/status/404").num_requests, 2U) << "a failure is a request as well";
  EXPECT_EQ(row("GET", "/status/404").num_failures, 2U);
}

TEST_F(HttpSessionTest, ConnectionErrorsAreRecordedWithTheirTime) {
  run([](ScriptedUser& self) -> Task<> {
    const Request refused = self.get("http://127.0.0.1:1/");
    const Response response = co_await self.client.send(refused);
    EXPECT_EQ(response.status, 0);
    EXPECT_FALSE(response.ok());
    const Request closed = self.post("/close");
    co_await self.client.send(closed);
    const Request late = self.get("/never").timeout(10ms);
    co_await self.client.send(late);
  });
  EXPECT_EQ(report.total.num_requests, 3U);
  EXPECT_EQ(report.total.num_failures, 3U);
  EXPECT_EQ(report.total.num_none_requests, 0U);
  EXPECT_GE(row("GET", "/never").min_response_time.value_or(0), 10);
  EXPECT_EQ(row("GET", "/never").total_content_length, 0U);
  const auto texts = errors();
  EXPECT_EQ(texts.size(), 3U);
  EXPECT_EQ(
      texts.count("GET http://127.0.0.1:1/: ConnectionRefusedError(111, 'Connection refused')"),
      1U);
}

TEST_F(HttpSessionTest, ResponseTimeIsTheServersDelay) {
  run([](ScriptedUser& self) -> Task<> {
    const Request slow = self.get("/after/15");
    co_await self.client.send(slow);
  });
  EXPECT_GE(row("GET", "/after/15").min_response_time.value_or(0), 15);
  EXPECT_LT(row("GET", "/after/15").max_response_time, 10'000) << "milliseconds";
}

// A built request is freed after each send, so that the next one is likely to get its address.
TEST_F(HttpSessionTest, DynamicRequestsKeepTheirOwnNames) {
  constexpr int kNames = 200;
  run([](ScriptedUser& self) -> Task<> {
    for (int i = 0; i < kNames; ++i) {
      const Request request = self.get("/size/1").named("row " + std::to_string(i));
      co_await self.client.send(request);
    }
    for (int i = 0; i < kNames; ++i) {
      co_await self.client.send(self.get("/size/1").named("row " + std::to_string(i)));
    }
  });
  EXPECT_EQ(report.stats.size(), static_cast<std::size_t>(kNames));
  for (const auto& one : report.stats) EXPECT_EQ(one.num_requests, 2U) << one.name;
}

TEST_F(HttpSessionTest, SameNameOfDifferentRequestsIsOneRow) {
  run([](ScriptedUser& self) -> Task<> {
    for (int i = 1; i <= 4; ++i) {
      const Request request = self.get("/size/" + std::to_string(i)).named("/size/[n]");
      co_await self.client.send(request);
    }
  });
  EXPECT_EQ(report.stats.size(), 1U);
  EXPECT_EQ(row("GET", "/size/[n]").total_content_length, 10U);
}

TEST_F(HttpSessionTest, BatchJoinsAllAndRecordsEach) {
  run([](ScriptedUser& self) -> Task<> {
    const Request hello = self.get("/size/3");
    const std::vector<Response> responses = co_await self.client.batch(25, hello);
    EXPECT_EQ(responses.size(), 25U);
    EXPECT_TRUE(std::all_of(responses.begin(), responses.end(),
                            [](const Response& one) { return one.status == 200; }));
  });
  EXPECT_EQ(row("GET", "/size/3").num_requests, 25U);
}

TEST_F(HttpSessionTest, BatchKeepsTheOrderOfItsRequests) {
  std::vector<std::string> bodies;
  run([&](ScriptedUser& self) -> Task<> {
    std::vector<Request> requests;
    for (const char* path : {"/after/12", "/echo/1", "/after/6", "/echo/2"}) {
      requests.push_back(self.get(path).keep_body());
    }
    const std::vector<Response> responses = co_await self.client.batch(std::move(requests));
    for (const Response& one : responses) bodies.push_back(one.body);
  });
  EXPECT_THAT(bodies, ElementsAre("/after/12", "/echo/1", "/after/6", "/echo/2"));
  EXPECT_EQ(report.stats.size(), 4U);
  EXPECT_EQ(report.total.num_requests, 4U);
}

TEST_F(HttpSessionTest, BatchOfNoneAndOfOne) {
  run([](ScriptedUser& self) -> Task<> {
    const Request hello = self.get("/size/3");
    const std::vector<Response> none = co_await self.client.batch(0, hello);
    EXPECT_TRUE(none.empty());
    const std::vector<Response> empty = co_await self.client.batch(std::vector<Request>{});
    EXPECT_TRUE(empty.empty());
    const std::vector<Response> one = co_await self.client.batch(1, hello);
    EXPECT_EQ(one.size(), 1U);
  });
  EXPECT_EQ(report.total.num_requests, 1U);
}

TEST_F(HttpSessionTest, BatchOfFailuresIsNoException) {
  run([](ScriptedUser& self) -> Task<> {
    std::vector<Request> requests{self.get("/status/404"), self.get("http://127.0.0.1:1/"),
                                  self.get("/echo")};
    const std::vector<Response> responses = co_await self.client.batch(std::move(requests));
    EXPECT_FALSE(responses[0].ok());
    EXPECT_FALSE(responses[1].ok());
    EXPECT_TRUE(responses[2].ok());
  });
  EXPECT_EQ(report.total.num_requests, 3U);
  EXPECT_EQ(report.total.num_failures, 2U);
}

// users.py, User.stop(force): a request that is killed is not counted; what was done before is.
TEST_F(HttpSessionTest, KilledRequestsAreNotRecorded) {
  hooks.task = [](ScriptedUser& self) -> Task<> {
    const Request done = self.get("/size/3");
    co_await self.client.send(done);
    const Request never = self.get("/never");
    co_await self.client.batch(12, never);
  };
  const auto script = [&]() -> Task<> {
    RunningUser one(
        shard.context, scripted, [](void* flag, RunningUser&) { *static_cast<bool*>(flag) = true; },
        &gone);
    one.start();
    co_await shard.until([&] { return server.seen().size() > 5; });
    one.stop(0s);
    EXPECT_TRUE(gone);
    co_await shard.pass(3ms);
  };
  shard.run(script);
  report = shard.recorder.take(std::chrono::system_clock::now());
  EXPECT_EQ(report.total.num_requests, 1U);
  EXPECT_EQ(report.total.num_failures, 0U);
  EXPECT_TRUE(report.errors.empty());
}

TEST_F(HttpSessionTest, OnStopOfAKilledUserMaySend) {
  hooks.task = [](ScriptedUser& self) -> Task<> {
    const Request never = self.get("/never");
    co_await self.client.send(never);
  };
  hooks.on_stop = [](ScriptedUser& self) -> Task<> {
    const Request logout = self.get("/size/1").named("logout");
    co_await self.client.send(logout);
  };
  const auto script = [&]() -> Task<> {
    RunningUser one(
        shard.context, scripted, [](void* flag, RunningUser&) { *static_cast<bool*>(flag) = true; },
        &gone);
    one.start();
    co_await shard.until([&] { return !server.seen().empty(); });
    one.stop(0s);
    co_await shard.until([&] { return gone; });
  };
  shard.run(script);
  report = shard.recorder.take(std::chrono::system_clock::now());
  EXPECT_EQ(report.total.num_requests, 1U);
  EXPECT_EQ(row("GET", "logout").num_failures, 0U);
}

// fasthttp.py: a chain of redirects is one request, under the name that was asked for.
TEST_F(HttpSessionTest, RedirectsAreOneSample) {
  run([](ScriptedUser& self) -> Task<> {
    const Request moved = self.get("/to/size/7");
    const Response response = co_await self.client.send(moved);
    EXPECT_EQ(response.status, 200);
    EXPECT_EQ(response.history.size(), 1U);
    const Request refused = self.get("/to/size/7").no_redirects().named("refused");
    const Response redirect = co_await self.client.send(refused);
    EXPECT_EQ(redirect.status, 302);
    EXPECT_TRUE(redirect.ok());
  });
  EXPECT_EQ(report.stats.size(), 2U);
  EXPECT_EQ(row("GET", "/to/size/7").num_requests, 1U);
  EXPECT_EQ(row("GET", "/to/size/7").total_content_length, 7U);
  EXPECT_EQ(report.total.num_failures, 0U);
}

// The words of response.failure("…") in a Python locustfile (CatchResponseError).
TEST_F(HttpSessionTest, AFailedCheckIsAFailureThatSaysExpectedAndGot) {
  run([](ScriptedUser& self) -> Task<> {
    const Request echo = self.get("/echo").expect(body_contains("price"), status(201));
    const Response response = co_await self.client.send(echo);
    EXPECT_FALSE(response.ok());
    EXPECT_EQ(response.status, 200);
    const Request good = self.get("/echo").expect(body_contains("echo"), faster_than(60s));
    co_await self.client.send(good);
  });
  EXPECT_EQ(report.total.num_requests, 2U);
  EXPECT_EQ(errors(), (std::map<std::string, std::uint64_t>{
                          {"GET /echo: CatchResponseError(\"expected 'price' in the body, got "
                           "'/echo'\")",
                           1}}));
}

TEST_F(HttpSessionTest, AStatusCheckTakesThePlaceOfTheDefault) {
  run([](ScriptedUser& self) -> Task<> {
    const Request missing = self.get("/status/404").expect(status(404));
    const Response as_wanted = co_await self.client.send(missing);
    EXPECT_TRUE(as_wanted.ok());
    const Request other = self.get("/status/404").named("b").expect(header_equals("X", "y"));
    const Response response = co_await self.client.send(other);
    EXPECT_EQ(response.error, "LocustBadStatusCode(code=404)");
    const Request found = self.get("/size/1").expect(status(404));
    const Response not_wanted = co_await self.client.send(found);
    EXPECT_EQ(not_wanted.error, "CatchResponseError('expected status 404, got 200')");
  });
  EXPECT_EQ(report.total.num_failures, 2U);
}

TEST_F(HttpSessionTest, ChecksDoNotSpeakWhereThereIsNoResponse) {
  run([](ScriptedUser& self) -> Task<> {
    const Request refused = self.get("http://127.0.0.1:1/").expect(status(200), body_contains("x"));
    const Response response = co_await self.client.send(refused);
    EXPECT_EQ(response.error, "ConnectionRefusedError(111, 'Connection refused')");
  });
  EXPECT_EQ(report.total.num_failures, 1U);
}

TEST_F(HttpSessionTest, ReportOfAnotherProtocolIsOneSample) {
  run([](ScriptedUser& self) -> Task<> {
    self.report({.method = "TCP", .name = "echo", .elapsed = 3ms, .bytes = 64});
    self.report({.method = "TCP", .name = "echo", .elapsed = 5ms, .error = "broken"});
    self.report({.method = "TCP", .name = "none"});
    co_return;
  });
  EXPECT_EQ(row("TCP", "echo").num_requests, 2U);
  EXPECT_EQ(row("TCP", "echo").num_failures, 1U);
  EXPECT_EQ(row("TCP", "echo").total_content_length, 64U);
  EXPECT_DOUBLE_EQ(row("TCP", "echo").total_response_time, 8);
  EXPECT_EQ(row("TCP", "none").num_none_requests, 1U);
  EXPECT_EQ(errors(), (std::map<std::string, std::uint64_t>{{"TCP echo: broken", 1}}));
}

}  // namespace
}  // namespace locust
