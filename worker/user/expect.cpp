#include "user/expect.h"

#include <fmt/format.h>
#include <re2/re2.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <utility>

#include "base/clock.h"
#include "base/utf8.h"
#include "base/value.h"

namespace locust {

namespace {

constexpr std::size_t kShownBody = 80;     // bytes of a body in a failure's text
constexpr std::size_t kDumpedBody = 4096;  // bytes of a body of which parts are written anew

std::string shown(const std::string& body) {
  const bool all = body.size() <= kShownBody;
  return repr(sanitize_utf8(all ? body : body.substr(0, kShownBody) + "…"));
}

class StatusRule final : public Check::Rule {
 public:
  explicit StatusRule(std::vector<int> expected) : expected_(std::move(expected)) {}
  std::string verdict(const http::Response& response) const override {
    if (std::find(expected_.begin(), expected_.end(), response.status) != expected_.end())
      return {};
    return fmt::format("expected status {}, got {}", fmt::join(expected_, " or "), response.status);
  }
  bool judges_status() const override { return true; }

 private:
  std::vector<int> expected_;
};

class ContainsRule final : public Check::Rule {
 public:
  explicit ContainsRule(std::string text) : text_(std::move(text)) {}
  std::string verdict(const http::Response& response) const override {
    if (response.body.find(text_) != std::string::npos) return {};
    return fmt::format("expected {} in the body, got {}", repr(text_), shown(response.body));
  }
  bool needs_body() const override { return true; }

 private:
  std::string text_;
};

class MatchesRule final : public Check::Rule {
 public:
  explicit MatchesRule(const std::string& expression) : expression_(expression, RE2::Quiet) {
    if (!expression_.ok()) {
      throw std::invalid_argument(
          fmt::format("'{}' is no regular expression: {}", expression, expression_.error()));
    }
  }
  std::string verdict(const http::Response& response) const override {
    if (RE2::PartialMatch(response.body, expression_)) return {};
    return fmt::format("expected a match of {} in the body, got {}", repr(expression_.pattern()),
                       shown(response.body));
  }
  bool needs_body() const override { return true; }

 private:
  RE2 expression_;
};

class JsonRule final : public Check::Rule {
 public:
  JsonRule(const std::string& pointer, const std::string& expected) try
      : pointer_(pointer), expected_(nlohmann::json::parse(expected)) {
  } catch (const nlohmann::json::exception& error) {
    throw std::invalid_argument(
        fmt::format("json_equals('{}', '{}'): {}", pointer, expected, error.what()));
  }
  std::string verdict(const http::Response& response) const override {
    const auto json = nlohmann::json::parse(response.body, nullptr, false);
    const std::string wanted = fmt::format("expected {} at {}", expected_.dump(), name());
    if (json.is_discarded()) return wanted + ", got what is not JSON: " + shown(response.body);
    const nlohmann::json* found = find(json);
    if (found == nullptr) return wanted + ", got nothing there";
    if (*found == expected_) return {};
    // Not dumped where a server could have nested it without end: that is recursive.
    if (found->is_structured() && response.body.size() > kDumpedBody) {
      return wanted + ", got " + (found->is_array() ? "an array" : "an object");
    }
    return wanted + ", got " + sanitize_utf8(found->dump().substr(0, kShownBody));
  }
  bool needs_body() const override { return true; }

 private:
  std::string name() const {
    const std::string text = pointer_.to_string();
    return text.empty() ? "the top" : text;
  }
  const nlohmann::json* find(const nlohmann::json& json) const {
    try {
      return json.contains(pointer_) ? &json.at(pointer_) : nullptr;
    } catch (const nlohmann::json::exception&) {  // an index beyond all numbers
      return nullptr;
    }
  }

  nlohmann::json::json_pointer pointer_;
  nlohmann::json expected_;
};

class HeaderRule final : public Check::Rule {
 public:
  HeaderRule(std::string name, std::string expected)
      : name_(std::move(name)), expected_(std::move(expected)) {}
  std::string verdict(const http::Response& response) const override {
    const auto value = response.header(name_);
    if (value && *value == expected_) return {};
    return fmt::format("expected header {}: {}, got {}", name_, repr(expected_),
                       value ? repr(sanitize_utf8(*value)) : std::string("none"));
  }

 private:
  std::string name_;
  std::string expected_;
};

class FasterRule final : public Check::Rule {
 public:
  explicit FasterRule(std::chrono::duration<double, std::milli> limit) : limit_(limit) {}
  // The time that came is not told: each would be a failure of its own in the tab.
  std::string verdict(const http::Response& response) const override {
    if (response.ended - response.started < limit_) return {};
    return fmt::format("expected a response in less than {:g} ms, got a slower one",
                       limit_.count());
  }

 private:
  std::chrono::duration<double, std::milli> limit_;
};

}  // namespace

Check status(int expected) { return status({expected}); }

Check status(std::initializer_list<int> expected) {
  return Check(std::make_shared<StatusRule>(std::vector<int>(expected)));
}

Check body_contains(std::string text) {
  return Check(std::make_shared<ContainsRule>(std::move(text)));
}

Check body_matches(const std::string& expression) {
  return Check(std::make_shared<MatchesRule>(expression));
}

Check json_equals(const std::string& pointer, const std::string& expected) {
  return Check(std::make_shared<JsonRule>(pointer, expected));
}

Check header_equals(std::string name, std::string expected) {
  return Check(std::make_shared<HeaderRule>(std::move(name), std::move(expected)));
}

Check faster_than(std::chrono::duration<double, std::milli> limit) {
  return Check(std::make_shared<FasterRule>(limit));
}

}  // namespace locust
