// One TCP connection of a client: connects, then carries one exchange at a time. Kept alive by the
// operations that are pending on it; internal to http/.
#pragma once

#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/smart_ptr/intrusive_ptr.hpp>
#include <boost/smart_ptr/intrusive_ref_counter.hpp>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/operation_slot.h"
#include "http/buffer_pool.h"
#include "http/client.h"
#include "http/connector.h"
#include "http/response_parser.h"
#include "http/tls.h"
#include "http/upload.h"

namespace locust::http {

class Connection final
    : public boost::intrusive_ref_counter<Connection, boost::thread_unsafe_counter> {
 public:
  Connection(Client& client, const Origin& origin);
  ~Connection();

  // Connects and then carries the exchange; the outcome, good or bad, goes to it.
  void connect(Exchange& exchange);
  // Sends an exchange over a connection that has been used before.
  void carry(Exchange& exchange);
  // Whether a used connection still looks alive: costs a system call.
  bool looks_alive();
  // Closes it without telling the exchange or the client.
  void close();
  // The same where nothing is underway on it: the server is told by TLS (RFC 8446, 6.1), as far as
  // that needs no waiting.
  void close_in_order();
  // What a sink, or a source of a body, has made wait goes on.
  void resume_body();
  void resume_upload();

  const Origin& origin() const { return origin_; }

 private:
  friend class Client;
  using Socket = Connector::Socket;
  using Operation = OperationSlot<256>;
  struct ReadHandler;

  void connected();
  void start_tls();
  void advance_handshake();
  // What TLS has to say.
  void write_cipher();
  void send_alert();
  std::string failure_of_tls() const;
  void start_parser();

  // ---- connection_send.cpp ----
  void send();
  // Writes `bytes` and all that follows them, then reads; reads in between where that has to wait.
  void write(std::string_view bytes);
  void flush();
  enum class Refill { some, nothing, failed };
  // What is to be written after unsent_ is out.
  Refill refill();
  void wait_to_write();
  // What is not written yet never will be: the connection ends with this exchange.
  void stop_sending();
  bool has_sent_all() const { return unsent_.empty() && !upload_ && !sending_stopped_; }
  // An error of the socket after which the peer's last words can still be read.
  static bool is_lost(const boost::system::error_code& error);

  // Unless a read is pending or the body's sink has paused.
  void read();
  void on_read(const boost::system::error_code& error, std::size_t size);
  void on_read_error(const boost::system::error_code& error);
  // What TLS makes of `size` bytes in cipher_buffer_.
  void on_cipher(std::size_t size);
  void decrypt();
  // Parses `size` more bytes behind read_at_. True where more are needed, for which there is room
  // then; else the exchange has ended.
  bool parse(std::size_t size);
  void head_is_done();
  bool paused() const { return parser_ && parser_->paused(); }
  bool make_room();
  void drop_interim();
  bool mend_status_line();
  // What is wrong with a head that is not complete, for which the parser would wait; null: nothing
  // so far. Looks at the last bytes read.
  const char* fault_in_head(std::size_t size);
  // Where the bytes of the head start.
  char* head_start();
  void on_eof();
  void succeed();
  // The exchange has failed on this connection, which is closed; it is tried once more on a new one
  // where that is safe.
  void fail(std::string error);
  bool may_retry() const;

  Client* client_;  // null once the client has gone
  const Origin& origin_;
  boost::intrusive_ptr<Connector> connector_;  // while it connects
  Socket socket_;
  Exchange* exchange_ = nullptr;
  bool reused_ = false;  // the exchange is not the first one on it
  bool open_ = true;
  bool to_proxy_ = false;  // requests are for a proxy to read
  SteadyTime idle_since_{};

  std::string for_proxy_;  // the request as it is sent to one

  std::string_view unsent_;         // is being written
  std::unique_ptr<Upload> upload_;  // what follows it; null: nothing
  bool waiting_to_write_ = false;
  bool sending_stopped_ = false;
  bool reading_ = false;
  int write_error_ = 0;  // errno, after which an answer may still be there to be read

  std::unique_ptr<TlsStream> tls_;  // null for plain HTTP
  bool handshaking_ = false;
  Buffer cipher_buffer_;    // what the socket reads into, under TLS
  std::string cipher_out_;  // what is being written, under TLS

  std::optional<ResponseParser> parser_;
  Buffer body_buffer_;       // what follows the head, where one read did not bring it all
  char* read_at_ = nullptr;  // the bytes read and not parsed yet: [read_at_, read_at_ + unparsed_)
  std::size_t unparsed_ = 0;
  std::size_t room_ = 0;  // bytes from read_at_ to the end of its buffer

  // The pending read lives here instead of on the heap.
  Operation operation_;
};

// The connections of a client to one origin.
struct Client::Host {
  Origin origin;
  std::vector<boost::intrusive_ptr<Connection>> connections;
  std::vector<Connection*> idle;   // of these; the most recently used one last
  std::vector<Exchange*> waiting;  // for a connection, first come first served
  bool connecting = false;         // in connect_waiting()
  TlsSession tls_session;          // the newest, for the next connection to resume
};

}  // namespace locust::http
