// The client of an HttpUser: the one place where a response becomes a sample. Every request that is
// sent is recorded exactly once, before its co_await returns; one that is cancelled because its
// user is killed is not recorded, as in Locust.
#pragma once

#include <coroutine>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "http/user_agent.h"
#include "user/request.h"
#include "user/shard_context.h"

namespace locust {

using Response = http::Response;

// The kept body (RequestBuilder::keep_body) as text in UTF-8: read by the charset of its
// Content-Type, or by a guess where that says none, as Python's Response.text. U+FFFD is what is no
// text.
std::string text(const Response& response);

class HttpSession {
 public:
  HttpSession(ShardContext& shard, const UserClass& user_class,
              const http::UserAgentSettings& settings = {})
      : shard_(shard), user_class_(user_class), agent_(shard.http_for(settings.dns), settings) {}

  class Send;
  class Batch;

  // Response response = co_await client.send(request);
  Send send(Request request);
  // The body of the response goes to `sink`, which must live until the co_await returns; the
  // request must have been built with stream(). Between pieces other users run; there is no pause.
  Send send(Request request, http::BodySink& sink);
  // std::vector<Response> responses = co_await client.batch(10, request): ten at the same time.
  Batch batch(std::size_t count, Request request);
  // All of these at the same time; the responses in the order of the requests.
  Batch batch(std::vector<Request> requests);

  const http::UserAgentSettings& settings() const { return agent_.settings(); }

  // This user's cookies.
  http::CookieJar& cookies() { return agent_.cookies(); }

 private:
  void finish(const Request& request, Response& response);

  ShardContext& shard_;
  const UserClass& user_class_;
  http::UserAgent agent_;
  // The row that was recorded last: most users ask for the same thing again and again.
  // Held, so that no other request can take its address.
  std::optional<Request> last_request_;
  stats::Entry* last_entry_ = nullptr;
};

class [[nodiscard("co_await it")]] HttpSession::Send final : private http::Fetch {
 public:
  Send(HttpSession & session, Request request, http::BodySink* sink = nullptr)
      : session_(session), request_(std::move(request)), sink_(sink) {}
  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> waiting) {
    waiting_ = waiting;
    const Request::Data& data = request_.data();
    begin(session_.agent_, data.wire, data.digest ? &*data.digest : nullptr);
  }
  Response await_resume() { return std::move(response); }

 private:
  http::BodySink* on_final_head() override { return sink_; }
  void on_fetched() override {
    session_.finish(request_, response);
    waiting_.resume();
  }

  HttpSession& session_;
  Request request_;
  http::BodySink* sink_;
  std::coroutine_handle<> waiting_;
};

class [[nodiscard("co_await it")]] HttpSession::Batch final {
 public:
  Batch(HttpSession & session, std::vector<Request> requests, std::size_t count);
  bool await_ready() const noexcept { return count_ == 0; }
  void await_suspend(std::coroutine_handle<> waiting);
  std::vector<Response> await_resume();

 private:
  struct One final : http::Fetch {
    using Fetch::begin;
    void on_fetched() override;
    Batch* batch = nullptr;
    const Request* request = nullptr;
  };

  HttpSession& session_;
  std::vector<Request> requests_;  // one for each, or a single one for all
  std::size_t count_;
  std::size_t left_;
  std::unique_ptr<One[]> fetches_;
  std::coroutine_handle<> waiting_;
};

}  // namespace locust
