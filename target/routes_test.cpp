// What a client gets from each route, compared with what the Django service answers.
#include "target/routes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <stdexcept>
#include <string>

#include "target/raw_client.h"
#include "target/test_server.h"

namespace hello {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::MatchesRegex;
using testing::StartsWith;

constexpr const char* html = "text/html; charset=utf-8";

TEST(Routes, HelloIsAnEmptyPage) {
  const TestServer target;
  const auto response = target.client()->Get("/hello/");
  ASSERT_TRUE(response);
  EXPECT_EQ(response->status, 200);
  EXPECT_EQ(response->get_header_value("Content-Type"), html);
  EXPECT_EQ(response->get_header_value("Content-Length"), "0");
  EXPECT_EQ(response->body, "");
}

TEST(Routes, HelloIsEmptyEvenForAClientThatTakesGzip) {
  const TestServer target;
  const auto response =
      target.client()->Get("/hello/", httplib::Headers{{"Accept-Encoding", "gzip, deflate"}});
  ASSERT_TRUE(response);
  EXPECT_FALSE(response->has_header("Content-Encoding"));
  EXPECT_EQ(response->get_header_value("Content-Length"), "0");
}

TEST(Routes, HeadAnswersAsGetWithoutABody) {
  const TestServer target({.body_bytes = 5});
  const auto client = target.client();
  const auto head = client->Head("/hello/");
  ASSERT_TRUE(head);
  EXPECT_EQ(head->status, 200);
  EXPECT_EQ(head->get_header_value("Content-Type"), html);
  EXPECT_EQ(head->get_header_value("Content-Length"), "5");
  const auto get = client->Get("/hello/");  // nothing of a body is left on the connection
  ASSERT_TRUE(get);
  EXPECT_EQ(get->body, "xxxxx");
  EXPECT_EQ(target.stats()["requests"], (json{{"GET /hello/", 1}, {"HEAD /hello/", 1}}));
}

TEST(Routes, RootIsOkForHealthChecks) {
  const TestServer target;
  const auto response = target.client()->Get("/");
  ASSERT_TRUE(response);
  EXPECT_EQ(response->status, 200);
  EXPECT_EQ(response->body, "OK");
  EXPECT_EQ(response->get_header_value("Content-Type"), html);
}

TEST(Routes, MetadataNamesTheRegionAndThisProcess) {
  ::setenv("REGION", "eu-central-1", 1);
  const TestServer target;
  ::unsetenv("REGION");
  const TestServer other;
  const auto first = target.client()->Get("/metadata/");
  const auto second = target.client()->Get("/metadata/");
  const auto elsewhere = other.client()->Get("/metadata/");
  ASSERT_TRUE(first && second && elsewhere);
  EXPECT_EQ(first->get_header_value("Content-Type"), "application/json");
  const auto answer = json::parse(first->body);
  EXPECT_EQ(answer.size(), 2u);
  EXPECT_EQ(answer["REGION"], "eu-central-1");
  EXPECT_EQ(first->body, second->body);
  EXPECT_EQ(json::parse(elsewhere->body)["REGION"], "n/a");
  EXPECT_NE(json::parse(elsewhere->body)["TASK_ID"], answer["TASK_ID"]);
}

TEST(Routes, Uuid4HasItsVersionAndVariant) {
  const std::string id = uuid4();
  ASSERT_EQ(id.size(), 36u);
  EXPECT_THAT(id, MatchesRegex("[0-9a-f]+-[0-9a-f]+-4[0-9a-f]+-[89ab][0-9a-f]+-[0-9a-f]+"));
  for (const std::size_t dash : {8u, 13u, 18u, 23u}) {
    EXPECT_EQ(id[dash], '-');
  }
  EXPECT_NE(id, uuid4());
}

TEST(Routes, APathWithoutItsSlashRedirectsAndKeepsTheQuery) {
  TestServer target;
  RawClient client(target.server().port());  // cpp-httplib's would decode the address
  client.send("GET /hello HTTP/1.1\r\nHost: a\r\n\r\n");
  const std::string plain = client.read_head();
  EXPECT_THAT(plain, StartsWith("HTTP/1.1 301 "));
  EXPECT_THAT(plain, HasSubstr("\r\nLocation: /hello/\r\n"));
  client.send("GET /metadata?a=b&c=%20d%0d%0a HTTP/1.1\r\nHost: a\r\n\r\n");
  const std::string query = client.read_head();
  EXPECT_THAT(query, StartsWith("HTTP/1.1 301 "));
  EXPECT_THAT(query, HasSubstr("\r\nLocation: /metadata/?a=b&c=%20d%0d%0a\r\n"));
}

TEST(Routes, AnythingElseIsNotFoundAndCountedAsOther) {
  const TestServer target;
  const auto client = target.client();
  for (const char* path : {"/admin", "/hello/x", "/hello//", "/Hello/"}) {
    const auto response = client->Get(path);
    ASSERT_TRUE(response) << path;
    EXPECT_EQ(response->status, 404) << path;
  }
  const auto post = client->Post("/hello/", "a body", "text/plain");
  ASSERT_TRUE(post);
  EXPECT_EQ(post->status, 405);
  EXPECT_EQ(post->get_header_value("Allow"), "GET, HEAD");
  EXPECT_EQ(target.stats(), (json{{"requests", {{"other", 5}}}, {"total", 5}}));
}

TEST(Routes, AnyHandlerOfCppHttplibCanBeAdded) {
  TestServer target;
  httplib::Server& routes = target.server().routes();
  routes.Post("/echo", [](const auto& request, auto& response) {
    response.set_content(request.body, "text/plain");
  });
  routes.Get(R"(/users/(\d+))", [](const auto& request, auto& response) {
    response.set_content(request.matches[1].str(), "text/plain");
  });
  const auto client = target.client();
  const auto echo = client->Post("/echo", "hear, hear", "text/plain");
  const auto user = client->Get("/users/17?verbose=1");
  ASSERT_TRUE(echo && user);
  EXPECT_EQ(echo->body, "hear, hear");
  EXPECT_EQ(user->body, "17");
}

TEST(Routes, AHandlerThatThrowsIsAnswered500) {
  TestServer target;
  target.server().routes().Get("/bad",
                               [](const auto&, auto&) { throw std::runtime_error("oh no"); });
  const auto client = target.client();
  const auto response = client->Get("/bad");
  ASSERT_TRUE(response);
  EXPECT_EQ(response->status, 500);
  EXPECT_TRUE(client->Get("/hello/"));
}

TEST(Routes, StatsLeavesItselfOut) {
  const TestServer target;
  EXPECT_EQ(target.stats(), (json{{"requests", json::object()}, {"total", 0}}));
  EXPECT_EQ(target.stats()["total"], 0);
}

TEST(Routes, ErrorRateFailsEachNthAndCountsIt) {
  const TestServer target({.error_rate = 0.25});
  const auto client = target.client();
  std::string statuses;
  for (int i = 0; i < 8; ++i) {
    const auto response = client->Get("/hello/");
    ASSERT_TRUE(response);
    statuses += std::to_string(response->status) + ' ';
  }
  EXPECT_EQ(statuses, "200 200 200 500 200 200 200 500 ");
  EXPECT_EQ(target.stats()["total"], 8);
}

TEST(Routes, DelayPostponesHelloOnly) {
  const TestServer target({.delay = std::chrono::milliseconds(20)});
  const auto client = target.client();
  const auto start = std::chrono::steady_clock::now();
  ASSERT_TRUE(client->Get("/hello/"));
  EXPECT_GE(std::chrono::steady_clock::now() - start, std::chrono::milliseconds(20));
  const TestServer stuck({.delay = std::chrono::hours(1)});
  const auto health = stuck.client()->Get("/");
  ASSERT_TRUE(health);
  EXPECT_EQ(health->body, "OK");
}

TEST(FailureSchedule, IsExactForRatesThatAreNoUnitFraction) {
  for (const double rate : {0.0, 0.01, 0.29, 1.0 / 3, 0.5, 0.999, 1.0}) {
    FailureSchedule schedule(rate);
    int failures = 0;
    for (int i = 0; i < 10'000; ++i) {
      failures += schedule.next_fails() ? 1 : 0;
    }
    EXPECT_EQ(failures, static_cast<int>(rate * 10'000)) << rate;
  }
}

}  // namespace
}  // namespace hello
