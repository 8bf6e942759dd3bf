// Checks that travel with a request: what its response must be like to count as a success. A check
// that fails is a failure in Locust's tab, whose text says what was expected and what came.
//
//   get("/items/7").expect(status(200), body_contains("price"), faster_than(200ms))
#pragma once

#include <chrono>
#include <initializer_list>
#include <memory>
#include <string>
#include <vector>

#include "http/response.h"

namespace locust {

// One rule; immutable, and cheap to copy. Made once with the request, judged for every response.
class Check {
 public:
  class Rule {
   public:
    Rule() = default;
    Rule(const Rule&) = delete;
    Rule& operator=(const Rule&) = delete;
    virtual ~Rule() = default;
    // Empty where the response is as expected; else "expected …, got …". Any thread.
    virtual std::string verdict(const http::Response& response) const = 0;
    // Whether it has to see the body, which then is kept.
    virtual bool needs_body() const { return false; }
    // Whether it says which statuses are a success, in place of the default.
    virtual bool judges_status() const { return false; }
  };

  explicit Check(std::shared_ptr<const Rule> rule) : rule_(std::move(rule)) {}
  const Rule& rule() const { return *rule_; }

 private:
  std::shared_ptr<const Rule> rule_;
};

// One of these statuses, and no other.
Check status(int expected);
Check status(std::initializer_list<int> expected);
// The body has these bytes in it, or a match of this regular expression (RE2's syntax; throws
// std::invalid_argument where it is none). Compared are the bytes as they are after gzip and the
// like, whatever their charset, which costs no decoding: text in a locustfile is UTF-8, and so are
// most bodies; of others, text(response) makes that.
Check body_contains(std::string text);
Check body_matches(const std::string& expression);
// The body is JSON, and what the pointer (RFC 6901: "/items/0/price") names equals this JSON text.
// Throws std::invalid_argument where either is malformed.
Check json_equals(const std::string& pointer, const std::string& expected);
// The first header of this name has this value.
Check header_equals(std::string name, std::string expected);
// From the request's start to its last byte.
Check faster_than(std::chrono::duration<double, std::milli> limit);

}  // namespace locust
