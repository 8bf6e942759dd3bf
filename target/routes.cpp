#include "target/routes.h"

#include <fmt/core.h>

#include <cmath>
#include <cstdlib>
#include <memory>
#include <nlohmann/json.hpp>
#include <random>
#include <string_view>
#include <unordered_map>
#include <utility>

namespace hello {
namespace {

using Handler = httplib::Server::Handler;
using Json = nlohmann::ordered_json;

constexpr const char* html = "text/html; charset=utf-8";
constexpr const char* json = "application/json";

// Puts pages into the server, each counted. As Django's APPEND_SLASH does, the path without its
// last slash redirects to it and keeps the query.
//
// A page is found by its exact path in one look-up: cpp-httplib itself would try its handlers one
// by one, each by a regular expression. Handlers added to server.routes() come after the pages.
class Pages {
 public:
  Pages(Server& server, RequestCounter& counter) : server_(server), counter_(counter) {}

  void get(const std::string& path, Handler handler) const {
    add(path, counted(path, std::move(handler)));
    if (path.size() > 1) {
      const std::string bare = path.substr(0, path.size() - 1);
      add(bare, counted(bare, [path](const auto& request, auto& response) {
            const auto query = request.target.find('?');
            response.set_redirect(
                query == std::string::npos ? path : path + request.target.substr(query), 301);
            response.set_content("", html);
          }));
    }
  }

  void get_uncounted(const std::string& path, Handler handler) const {
    add(path, std::move(handler));
  }

  // After the last page.
  void serve() const {
    server_.routes().set_pre_routing_handler([table = table_](const auto& request, auto& response) {
      const bool hit = is_get(request.method) && table->answer(request, response);
      using Answer = httplib::Server::HandlerResponse;
      return hit ? Answer::Handled : Answer::Unhandled;
    });
    // What no page answered, and what the server itself refused.
    RequestCounter::Route& other = counter_.add_route("other");
    server_.routes().set_error_handler(
        [&other, table = table_](const auto& request, auto& response) {
          if (response.status == 404 && table->pages.contains(request.path)) {
            response.status = 405;
            response.set_header("Allow", "GET, HEAD");
          }
          if (response.status < 500) {  // a page answers those, and counts them
            other.add();
          }
        });
    server_.answerer().set_refused_handler([&other] { other.add(); });
  }

 private:
  struct Table {
    std::unordered_map<std::string, Handler> pages;

    bool answer(const httplib::Request& request, httplib::Response& response) const {
      const auto found = pages.find(request.path);
      if (found == pages.end()) {
        return false;
      }
      if (request.version == "HTTP/1.0" && request.has_header("Connection")) {
        response.set_header("Connection", "keep-alive");  // not understood without saying so
      }
      found->second(request, response);
      return true;
    }
  };

  static bool is_get(const std::string& method) { return method == "GET" || method == "HEAD"; }

  void add(const std::string& path, Handler handler) const {
    table_->pages.emplace(path, std::move(handler));
  }

  // cpp-httplib leaves the body out where a HEAD is answered.
  Handler counted(const std::string& path, Handler handler) const {
    RequestCounter::Route& gets = counter_.add_route("GET " + path);
    RequestCounter::Route& heads = counter_.add_route("HEAD " + path);
    return [&gets, &heads, handler = std::move(handler)](const auto& request, auto& response) {
      handler(request, response);
      (request.method == "HEAD" ? heads : gets).add();
    };
  }

  Server& server_;
  RequestCounter& counter_;
  std::shared_ptr<Table> table_ = std::make_shared<Table>();
};

Handler always(std::string content, const char* type) {
  return [content = std::move(content), type](const auto&, auto& response) {
    response.set_content(content, type);
  };
}

Handler health(const std::atomic<bool>& draining) {
  return [&draining](const auto&, auto& response) {
    response.status = draining ? 503 : 200;
    response.set_content(draining ? "draining" : "OK", html);
  };
}

Handler hello(const HelloOptions& options) {
  return [options, body = std::string(options.body_bytes, 'x'),
          failures = std::make_shared<FailureSchedule>(options.error_rate)](const auto&,
                                                                            auto& response) {
    if (options.error_rate > 0 && failures->next_fails()) {
      response.status = 500;
      response.set_content("<h1>Server Error (500)</h1>", html);
      return;
    }
    response.set_content(body, html);
  };
}

Handler metadata() {
  const char* region = std::getenv("REGION");
  const Json answer = {{"REGION", region != nullptr ? region : "n/a"}, {"TASK_ID", uuid4()}};
  return always(answer.dump(-1, ' ', false, Json::error_handler_t::replace), json);
}

Handler stats(const RequestCounter& counter) {
  return [&counter](const auto&, auto& response) {
    const auto counts = counter.counts();
    std::uint64_t total = 0;
    for (const auto& [route, count] : counts) {
      total += count;
    }
    response.set_content(Json{{"requests", counts}, {"total", total}}.dump(), json);
  };
}

}  // namespace

FailureSchedule::FailureSchedule(double rate)
    : per_million_(static_cast<std::uint64_t>(std::llround(rate * 1e6))) {}

bool FailureSchedule::next_fails() {
  constexpr std::uint64_t million = 1'000'000;
  const std::uint64_t before = requests_.fetch_add(1, std::memory_order_relaxed);
  return (before + 1) * per_million_ / million > before * per_million_ / million;
}

void add_routes(Server& server, const HelloOptions& options, RequestCounter& counter) {
  const Pages pages(server, counter);
  pages.get("/hello/", hello(options));
  pages.get("/", health(server.draining()));
  pages.get("/metadata/", metadata());
  pages.get_uncounted("/stats/", stats(counter));
  pages.serve();
  if (options.delay.count() > 0) {
    server.answerer().set_delay([delay = options.delay](std::string_view target) {
      return target.substr(0, target.find('?')) == "/hello/" ? delay : std::chrono::milliseconds(0);
    });
  }
}

std::string uuid4() {
  std::random_device random;
  const auto bits = [&random] { return std::uint64_t{random()} << 32 | random(); };
  const std::uint64_t high = (bits() & ~0xf000ULL) | 0x4000ULL;       // version 4
  const std::uint64_t low = (bits() & ~(3ULL << 62)) | (2ULL << 62);  // variant of RFC 4122
  return fmt::format("{:08x}-{:04x}-{:04x}-{:04x}-{:012x}", high >> 32, high >> 16 & 0xffff,
                     high & 0xffff, low >> 48, low & 0xffff'ffff'ffffULL);
}

}  // namespace hello
