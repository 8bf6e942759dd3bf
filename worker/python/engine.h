// The I/O thread beneath a Python process: it sends requests and reads responses while Python runs
// other greenlets, and never touches a Python object. Finished calls come back in batches, with one
// wake-up for each batch.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/event_loop.h"
#include "http/client.h"

namespace locust::python {

// The connections of one session (one user's client).
class Channel {
 public:
  explicit Channel(http::ClientSettings settings)
      : settings_(std::make_shared<const http::ClientSettings>(std::move(settings))) {}
  // Thousands of users have the same.
  explicit Channel(std::shared_ptr<const http::ClientSettings> settings)
      : settings_(std::move(settings)) {}
  ~Channel();
  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;

 private:
  friend class Call;
  friend class Engine;
  // Gives the client up. One that a fork has copied is left as it is, for ever: its descriptors are
  // also those of the parent's loop.
  void drop_client();

  const std::shared_ptr<const http::ClientSettings> settings_;
  // The I/O thread's, from its first request on; calls in flight keep the one they were begun with.
  std::shared_ptr<http::Client> client_;
  const class Engine* engine_ = nullptr;  // that the client is of
};

// One request and what came of it. Made by the Python thread; between Engine::start() and its
// return by take_done() it belongs to the I/O thread.
class Call final : private http::Exchange {
 public:
  Call(std::shared_ptr<Channel> channel, std::shared_ptr<const http::Request> request)
      : channel_(std::move(channel)), request_(std::move(request)) {}

  // Holds on to nothing but memory; and then, another request's.
  void clear();
  void renew(std::shared_ptr<Channel> channel, std::shared_ptr<const http::Request> request) {
    channel_ = std::move(channel);
    request_ = std::move(request);
  }

  // ---- once it is done ----

  const http::Request& request() const { return *request_; }
  // Also where the body then failed, as head().
  int status() const { return status_; }
  const std::string& error() const { return response.error; }
  std::string& body() { return response.body; }
  std::uint64_t body_size() const { return response.body_size; }
  bool sets_cookies() const { return response.sets_cookies; }
  // Status line and header lines, with the empty line at their end; empty without a response. There
  // also where the body then failed, if the request is one with stream_response.
  const std::string& head() const { return head_; }
  // Whether the head has a line of that name.
  bool has_header(std::string_view name) const;
  // From when the I/O thread took it up to the last byte of the response, or the error.
  SteadyDuration elapsed() const { return response.ended - response.started; }
  WallTime ended() const { return ended_; }

  // Whoever waits for it; the engine only carries it.
  void* waiter = nullptr;

 private:
  friend class Engine;
  http::BodySink* on_head() override;
  void on_done() override;
  bool give_up();

  std::shared_ptr<Channel> channel_;
  std::shared_ptr<const http::Request> request_;
  class Engine* engine_ = nullptr;
  bool cancelled_ = false;  // the Python thread's
  bool let_go_ = false;     // by the engine's mutex: the I/O thread has no order about it any more
  std::shared_ptr<http::Client> client_;
  std::string head_;
  int status_ = 0;
  WallTime ended_{};
};

class Engine {
 public:
  // Starts the thread, with all signals blocked.
  Engine();
  // Channels and calls must be gone.
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  // ---- one thread, Python's ----

  // Ends the thread; calls in flight stay so for ever.
  void stop();
  void start(Call& call);
  // Gives a call up that has been started and not been taken: its connection is closed, and it
  // comes back by take_done() all the same, once the I/O thread has seen to it.
  void cancel(Call& call);
  // Closes the connections that are not in use; the others when their requests are done.
  void close(std::shared_ptr<Channel> channel);
  // Readable while there are calls that are done.
  int done_fd() const { return done_fd_; }
  // Those, in the order in which they were done; the caller owns them again.
  std::vector<Call*> take_done();

 private:
  friend class Call;
  friend class Channel;
  struct Order {
    enum class Kind { start, cancel, close } kind;
    Call* call;
    std::shared_ptr<Channel> channel;
  };

  void give(Order order);
  void work_off();
  void begin(Call& call);
  void done(Call& call);
  void let_go(Call& call);
  void tell();

  const int process_;  // a fork's copy of this belongs to nobody
  EventLoop loop_;
  http::ClientContext http_;
  int done_fd_;
  std::mutex mutex_;
  std::vector<Order> orders_;  // by mutex_
  std::vector<Call*> done_;    // by mutex_
  bool working_ = false;       // by mutex_: work_off() is coming
  bool telling_ = false;       // the I/O thread's: tell() is coming
  std::vector<Order> taken_;   // the I/O thread's
  std::thread thread_;
};

}  // namespace locust::python
