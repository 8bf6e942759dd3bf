#include "user/http_session.h"

#include <fmt/core.h>

#include <algorithm>

#include "base/value.h"
#include "http/charset.h"
#include "http/client_rules.h"

namespace locust {

namespace {

// Empty where the response is a success. What a check complains of is told as by response.failure()
// in a Python locustfile.
std::string verdict(http::ClientRules rules, const Request::Data& request,
                    const Response& response) {
  const std::vector<Check>& checks = request.checks;
  const bool own_status = std::any_of(checks.begin(), checks.end(), [](const Check& check) {
    return check.rule().judges_status();
  });
  if (!own_status && !http::is_success(rules, response.status)) {
    return http::failure_of_status(rules, response, request.name);
  }
  for (const Check& check : checks) {
    const std::string complaint = check.rule().verdict(response);
    if (!complaint.empty()) return fmt::format("CatchResponseError({})", repr(complaint));
  }
  return {};
}

}  // namespace

std::string text(const Response& response) {
  return http::text_of(response.body, response.header("Content-Type").value_or(""));
}

void HttpSession::finish(const Request& request, Response& response) {
  shard_.resumed.store(&user_class_, std::memory_order_relaxed);
  if (!last_request_ || &last_request_->data() != &request.data()) {
    last_entry_ = &shard_.recorder.entry(request.data().method, request.data().name);
    last_request_ = request;
  }
  if (response.ok()) {
    response.error = verdict(agent_.settings().rules, request.data(), response);
  }
  const WallTime now = shard_.loop.wall(response.ended);
  shard_.recorder.record(*last_entry_, now, to_milliseconds(response.ended - response.started),
                         response.body_size);
  if (!response.ok()) shard_.recorder.record_error(*last_entry_, now, response.error);
}

HttpSession::Send HttpSession::send(Request request) { return {*this, std::move(request)}; }

HttpSession::Send HttpSession::send(Request request, http::BodySink& sink) {
  return {*this, std::move(request), &sink};
}

HttpSession::Batch HttpSession::batch(std::size_t count, Request request) {
  std::vector<Request> requests;
  requests.push_back(std::move(request));
  return {*this, std::move(requests), count};
}

HttpSession::Batch HttpSession::batch(std::vector<Request> requests) {
  const std::size_t count = requests.size();
  return {*this, std::move(requests), count};
}

HttpSession::Batch::Batch(HttpSession& session, std::vector<Request> requests, std::size_t count)
    : session_(session),
      requests_(std::move(requests)),
      count_(count),
      left_(count),
      fetches_(std::make_unique<One[]>(count)) {}

void HttpSession::Batch::await_suspend(std::coroutine_handle<> waiting) {
  waiting_ = waiting;
  for (std::size_t i = 0; i < count_; ++i) {
    One& one = fetches_[i];
    one.batch = this;
    one.request = &requests_[requests_.size() == 1 ? 0 : i];
    const Request::Data& data = one.request->data();
    one.begin(session_.agent_, data.wire, data.digest ? &*data.digest : nullptr);
  }
}

void HttpSession::Batch::One::on_fetched() {
  batch->session_.finish(*request, response);
  if (--batch->left_ == 0) batch->waiting_.resume();
}

std::vector<Response> HttpSession::Batch::await_resume() {
  std::vector<Response> responses;
  responses.reserve(count_);
  for (std::size_t i = 0; i < count_; ++i) responses.push_back(std::move(fetches_[i].response));
  return responses;
}

}  // namespace locust
