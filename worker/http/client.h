// The HTTP client of one user: keep-alive connections, as many as `concurrency` to each origin, and
// requests in flight. All of it belongs to one shard's thread. A response is a value; whatever
// goes wrong is in it as a text, never an exception.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/event_loop.h"
#include "http/content_decoder.h"
#include "http/dns_settings.h"
#include "http/proxy.h"
#include "http/request.h"
#include "http/response.h"
#include "http/tls.h"

namespace locust::http {

class Client;
class Connection;
class Resolver;

// What the clients of one shard share. Made and destroyed while the loop does not run, or on its
// thread; outlives its clients.
class ClientContext {
 public:
  // `tls` is shared by all shards; null: this context makes its own.
  explicit ClientContext(EventLoop& loop, std::shared_ptr<TlsContexts> tls = nullptr,
                         const DnsSettings& dns = {});
  ~ClientContext();
  EventLoop& loop() { return loop_; }
  BufferPool& buffers() { return buffers_; }
  Resolver& resolver() { return *resolver_; }
  TlsContexts& tls() { return *tls_; }
  DecoderPool& decoders() { return decoders_; }
  // Counts the connections to an origin, of all its clients: what goes in rotation goes by it.
  std::size_t next_turn(const Origin& origin) { return turns_[origin.to_string()]++; }

 private:
  EventLoop& loop_;
  BufferPool buffers_;
  DecoderPool decoders_;
  std::unique_ptr<Resolver> resolver_;
  std::shared_ptr<TlsContexts> tls_;
  std::unordered_map<std::string, std::size_t> turns_;
};

// FastHttpUser's names and defaults (contrib/fasthttp.py).
struct ClientSettings {
  SteadyDuration connection_timeout = seconds(60);
  SteadyDuration network_timeout = seconds(60);  // the whole exchange, from start()
  std::size_t concurrency = 10;                  // connections to one origin; more requests wait
  // Origins whose unused connections are kept, the last used ones; requests' pool_connections
  // beneath HttpUser is 10. 0: all, as beneath FastHttpUser.
  std::size_t most_origins = 0;
  TlsSettings tls = {};
  ProxySettings proxy = {};
  // Connect to this path instead, whatever the URL's host; empty: not.
  std::string unix_socket = {};
  // The local addresses that connections are made from, and "ADDRESS" or "ADDRESS:PORT" that they
  // are made to instead of the URL's host (not through a proxy), both in rotation. One pair of them
  // has some 28,000 ports (net.ipv4.ip_local_port_range). Empty: the system's choice, the host's.
  std::vector<std::string> source_addresses = {};
  std::vector<std::string> target_addresses = {};
  // Lines of a response's head, and of the trailers after its body. http.client, beneath HttpUser,
  // allows 99 of a head; FastHttpUser has no limit.
  std::size_t max_headers = 256;
};

// One request in flight. Owned by the caller, who derives from it; destroyed in flight, it cancels:
// its connection is closed and on_done() is not called.
class Exchange : private Timer {
 public:
  Response response;

 protected:
  Exchange() = default;
  ~Exchange() override { cancel(); }
  void cancel();
  // Until it is done.
  bool in_flight() const { return client_ != nullptr; }
  // Where the request is one with stream_response: the head of the final response is there, status
  // and headers, its body not yet. Who takes the body; null: nobody, it is kept or counted as
  // usual. The sink must live until the exchange is done or destroyed. Must not destroy the
  // exchange.
  virtual BodySink* on_head() { return nullptr; }
  // After the sink has paused.
  void resume_body();
  // After the request's BodyReader had nothing yet; not from within it.
  void resume_upload();
  // The response is complete. Never called from within Client::start(). May destroy the exchange
  // and the client.
  virtual void on_done() = 0;

 private:
  friend class Client;
  friend class Connection;
  void fire() override;  // its time is up, or a failure is to be told
  void complete(std::string error);

  const Request* request_ = nullptr;
  Client* client_ = nullptr;          // while in flight
  Connection* connection_ = nullptr;  // while it has one
  std::string failure_;               // told at the loop's next turn
  bool retried_ = false;
};

class Client {
 public:
  Client(ClientContext& context, const ClientSettings& settings);
  ~Client();  // closes everything; exchanges in flight must be gone
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  // `request` must live until the exchange is done or destroyed.
  void start(const Request& request, Exchange& exchange);

 private:
  friend class Connection;
  friend class Exchange;
  struct Host;

  Host& host_of(const Origin& origin);
  Host& use(const Origin& origin);
  void give_up_oldest();
  static void leave(Host& host);
  void connect_for(Host& host, Exchange& exchange);
  void connect_waiting(Host& host);
  void abandon(Exchange& exchange);
  // From connections: free for the next request, or closed.
  void released(Connection& connection);
  void closed(Connection& connection);
  void fail(Exchange& exchange, std::string error);
  void arm_deadline(Exchange& exchange, bool connected);

  ClientContext& context_;
  const ClientSettings settings_;
  std::vector<std::unique_ptr<Host>> hosts_;
};

}  // namespace locust::http
