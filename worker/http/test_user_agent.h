// What the tests of UserAgent have in common: a fetch, and a server that answers it step by step.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "http/test_server.h"
#include "http/user_agent.h"

namespace locust::http {

class TestFetch final : public Fetch {
 public:
  using Fetch::begin;
  int calls = 0;
  BodySink* sink = nullptr;
  std::vector<int> heads;  // the statuses that on_final_head() saw

 private:
  BodySink* on_final_head() override {
    heads.push_back(response.status);
    return sink;
  }
  void on_fetched() override { ++calls; }
};

inline std::string redirect(int status, const std::string& location, const std::string& more = {}) {
  return "HTTP/1.1 " + std::to_string(status) + " Moved\r\nLocation: " + location + "\r\n" + more +
         "Content-Length: 0\r\n\r\n";
}
inline std::string cookie(const std::string& value) {
  return "HTTP/1.1 200 OK\r\nSet-Cookie: " + value + "\r\nContent-Length: 0\r\n\r\n";
}

class UserAgentTest : public testing::Test {
 protected:
  std::string url(const std::string& path) const {
    return "http://127.0.0.1:" + std::to_string(server_.port()) + path;
  }
  RequestParts parts(const std::string& path, const std::string& method = "GET") const {
    RequestParts made = server_.parts(method);
    made.url.target = path;
    return made;
  }
  // Answers the next request on the one connection; returns that request.
  std::string answer(const std::string& response) {
    if (!peer_) peer_ = server_.accept();
    std::string request = server_.request(peer_);
    server_.send(peer_, response);
    return request;
  }
  void begin(RequestParts made, const Credentials* digest = nullptr) {
    request_.emplace(std::move(made));
    fetch_ = std::make_unique<TestFetch>();
    fetch_->begin(*agent_, *request_, digest);
    EXPECT_EQ(fetch_->calls, 0);
  }
  const Response& end() {
    EXPECT_TRUE(server_.run_until([&] { return fetch_->calls > 0; }));
    EXPECT_EQ(fetch_->calls, 1);
    return fetch_->response;
  }
  void use(const UserAgentSettings& settings) {
    agent_ = std::make_unique<UserAgent>(context_, settings);
  }
  static std::string first_line(const std::string& request) {
    return request.substr(0, request.find("\r\n"));
  }
  // The request that this one becomes by such a redirect to /next.
  std::string next_after(RequestParts made, int status, const std::string& location = "/next") {
    begin(std::move(made));
    answer(redirect(status, location));
    std::string next = answer("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    EXPECT_EQ(end().status, 200);
    return next;
  }

  TestServer server_;
  ClientContext context_{server_.loop};
  std::unique_ptr<UserAgent> agent_ = std::make_unique<UserAgent>(context_, UserAgentSettings{});
  std::optional<Request> request_;
  std::unique_ptr<TestFetch> fetch_;
  Peer peer_;
};

}  // namespace locust::http
