#include "target/routes.h"

#include <fmt/core.h>

#include <cmath>
#include <condition_variable>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <random>
#include <utility>

namespace hello {
namespace {

using Handler = httplib::Server::Handler;
using Json = nlohmann::ordered_json;

constexpr const char* html = "text/html; charset=utf-8";
constexpr const char* json = "application/json";

// Puts pages into the server, each counted. As Django's APPEND_SLASH does, the path without its
// last slash redirects to it and keeps the query.
class Pages {
 public:
  Pages(httplib::Server& server, RequestCounter& counter) : server_(server), counter_(counter) {}

  void get(const std::string& path, Handler handler) const {
    server_.Get(path, counted(path, std::move(handler)));
    if (path.size() > 1) {
      const std::string bare = path.substr(0, path.size() - 1);
      server_.Get(bare, counted(bare, [path](const auto& request, auto& response) {
                    const auto query = request.target.find('?');
                    response.set_redirect(
                        query == std::string::npos ? path : path + request.target.substr(query),
                        301);
                    response.set_content("", html);
                  }));
    }
  }

  void get_uncounted(const std::string& path, Handler handler) const {
    server_.Get(path, std::move(handler));
  }

  // What no page answered: 404, and what the server itself refused.
  void count_the_rest() const {
    RequestCounter::Route& other = counter_.add_route("other");
    server_.set_error_handler([&other](const auto&, auto& response) {
      if (response.status != 500) {  // a page answered it, and it was counted there
        other.add();
      }
    });
  }

 private:
  // cpp-httplib gives HEAD to the handlers of GET and leaves the body out.
  Handler counted(const std::string& path, Handler handler) const {
    RequestCounter::Route& gets = counter_.add_route("GET " + path);
    RequestCounter::Route& heads = counter_.add_route("HEAD " + path);
    return [&gets, &heads, handler = std::move(handler)](const auto& request, auto& response) {
      handler(request, response);
      (request.method == "HEAD" ? heads : gets).add();
    };
  }

  httplib::Server& server_;
  RequestCounter& counter_;
};

Handler always(std::string content, const char* type) {
  return [content = std::move(content), type](const auto&, auto& response) {
    response.set_content(content, type);
  };
}

void wait(std::chrono::milliseconds delay, const std::stop_token& cut_short) {
  std::mutex mutex;
  std::condition_variable_any never_notified;
  std::unique_lock lock(mutex);
  never_notified.wait_for(lock, cut_short, delay, [] { return false; });
}

Handler hello(const HelloOptions& options, std::stop_token cut_short) {
  return [options, cut_short = std::move(cut_short), body = std::string(options.body_bytes, 'x'),
          failures = std::make_shared<FailureSchedule>(options.error_rate)](const auto&,
                                                                            auto& response) {
    if (options.delay.count() > 0) {
      wait(options.delay, cut_short);
    }
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

void add_routes(httplib::Server& server, const HelloOptions& options, RequestCounter& counter,
                std::stop_token cut_short) {
  const Pages pages(server, counter);
  pages.get("/hello/", hello(options, std::move(cut_short)));  // tried in this order
  pages.get("/", always("OK", html));
  pages.get("/metadata/", metadata());
  pages.get_uncounted("/stats/", stats(counter));
  pages.count_the_rest();
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
