// For fuzz programs: a client and a server on one thread. The server answers every request with
// given bytes in given pieces and then closes; what the client made of that is a value to compare.
#pragma once

#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/event_loop.h"
#include "http/client.h"

namespace locust::http {

#define FUZZ_REQUIRE(condition) ::locust::http::fuzz_require(condition, #condition, __LINE__)
inline void fuzz_require(bool condition, const char* text, int line) {
  if (condition) return;
  std::fprintf(stderr, "line %d: it does not hold that %s\n", line, text);
  std::abort();
}

// What the client made of a response. Of a failure only that it is one: its text may tell how far
// the bytes had come.
struct FuzzOutcome {
  int status = 0;
  std::uint64_t body_size = 0;
  std::string body;
  std::string head;
  std::vector<std::pair<std::string, std::string>> trailers;
  bool operator==(const FuzzOutcome&) const = default;
};

struct FuzzServing {
  RequestParts parts;       // but for the URL
  bool pauses = false;      // whether a sink that takes the body pauses after each piece
  std::size_t headers = 0;  // the most that are allowed; 0: the usual
};

class FuzzServer {
 public:
  FuzzServer() {
    char folder[] = "/tmp/locustpp-fuzz-XXXXXX";
    FUZZ_REQUIRE(::mkdtemp(folder) != nullptr);
    folder_ = folder;
    path_ = folder_ + "/s";
    listener_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path_.c_str(), path_.size());
    FUZZ_REQUIRE(::bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0);
    FUZZ_REQUIRE(::listen(listener_, 8) == 0);
  }
  ~FuzzServer() {
    ::close(listener_);
    ::unlink(path_.c_str());
    ::rmdir(folder_.c_str());
  }
  FuzzServer(const FuzzServer&) = delete;
  FuzzServer& operator=(const FuzzServer&) = delete;

  // `next_piece()` says how many bytes are sent next.
  template <class NextPiece>
  FuzzOutcome exchange(const FuzzServing& serving, std::string_view bytes, NextPiece next_piece) {
    RequestParts parts = serving.parts;
    parts.url = *parse_url("http://a.test/");
    const Request request(std::move(parts));
    ClientSettings settings;
    settings.unix_socket = path_;
    if (serving.headers != 0) settings.max_headers = serving.headers;
    Client client(context_, settings);
    FuzzExchange exchange(serving.pauses);
    client.start(request, exchange);
    int peer = -1;
    drive(exchange, [&] { return (peer = ::accept(listener_, nullptr, nullptr)) >= 0; });
    while (!bytes.empty() && !exchange.done) {
      const std::string_view piece = bytes.substr(0, next_piece());
      const ssize_t sent = ::send(peer, piece.data(), piece.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
      if (sent > 0) bytes.remove_prefix(static_cast<std::size_t>(sent));
      drive(exchange, [&] { return exchange.done || all_is_read(peer); });
    }
    ::shutdown(peer, SHUT_WR);
    drive(exchange, [&] { return exchange.done; });
    ::close(peer);
    return outcome_of(exchange);
  }

 private:
  struct FuzzExchange final : Exchange, BodySink {
    explicit FuzzExchange(bool pauses_always) : pauses(pauses_always) {}
    Next take(std::string_view piece) override {
      FUZZ_REQUIRE(!piece.empty());
      taken.append(piece);
      paused = pauses;
      return pauses ? Next::pause : Next::more;
    }
    BodySink* on_head() override {
      FUZZ_REQUIRE(!has_sink);
      has_sink = true;
      return this;
    }
    void on_done() override {
      FUZZ_REQUIRE(!done);
      done = true;
    }
    void go_on() {
      if (!std::exchange(paused, false) || done) return;
      resume_body();
    }

    const bool pauses;
    bool done = false;
    bool paused = false;
    bool has_sink = false;
    std::string taken;
  };

  template <class Condition>
  void drive(FuzzExchange& exchange, Condition condition) {
    const SteadyTime limit = loop_.now() + seconds(5);
    while (!condition()) {
      FUZZ_REQUIRE(loop_.now() < limit);
      exchange.go_on();
      if (loop_.io().poll() == 0 && !condition()) loop_.io().run_one_for(milliseconds(1));
    }
  }

  static bool all_is_read(int socket) {
    int unread = 0;
    return ::ioctl(socket, SIOCOUTQ, &unread) == 0 && unread == 0;
  }

  static FuzzOutcome outcome_of(FuzzExchange& exchange) {
    Response& response = exchange.response;
    FUZZ_REQUIRE((response.status == 0) == !response.error.empty());
    if (response.status == 0) {
      FUZZ_REQUIRE(response.body_size == 0 && response.body.empty() && response.head().empty());
      FUZZ_REQUIRE(response.trailers.empty());
      return {};
    }
    FUZZ_REQUIRE(response.head().ends_with("\r\n\r\n"));
    const bool location = response.header("location").has_value();
    FUZZ_REQUIRE(location == response.has_location);
    if (exchange.has_sink) FUZZ_REQUIRE(exchange.taken.size() == response.body_size);
    return {response.status, response.body_size,
            exchange.has_sink ? std::move(exchange.taken) : std::move(response.body),
            std::string(response.head()), std::move(response.trailers)};
  }

  EventLoop loop_;
  ClientContext context_{loop_};
  std::string folder_;
  std::string path_;
  int listener_ = -1;
};

}  // namespace locust::http
