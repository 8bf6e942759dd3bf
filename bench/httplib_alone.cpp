// The comparison server of the row "target": the hello route on cpp-httplib with nothing beneath
// it, 64 connection threads and one more for the bench's own counter. Usage: httplib-alone PORT.
#include <httplib.h>

#include <atomic>
#include <cstdlib>
#include <string>

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  std::atomic<unsigned long> requests{0};
  httplib::Server server;
  server.new_task_queue = [] { return new httplib::ThreadPool(65); };
  server.set_keep_alive_max_count(2'000'000'000);
  server.set_keep_alive_timeout(3600);
  server.set_tcp_nodelay(true);
  server.Get("/hello/", [&](const httplib::Request&, httplib::Response& response) {
    requests.fetch_add(1, std::memory_order_relaxed);
    response.set_content("", "text/html; charset=utf-8");
  });
  server.Get("/stats/", [&](const httplib::Request&, httplib::Response& response) {
    response.set_content("{\"total\": " + std::to_string(requests.load()) + "}",
                         "application/json");
  });
  return server.listen("127.0.0.1", std::atoi(argv[1])) ? 0 : 1;
}
