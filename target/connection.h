// One connection of the server: reads until a request is whole, has it answered, writes, and keeps
// the time limits. Between requests it holds no buffer.
#pragma once

#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/intrusive/list_hook.hpp>
#include <boost/smart_ptr/intrusive_ptr.hpp>
#include <boost/smart_ptr/intrusive_ref_counter.hpp>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/operation_slot.h"
#include "base/timer_queue.h"
#include "target/request_framer.h"

namespace hello {

class Reactor;

// Used by its reactor's thread. Lives until it is closed and no wait is pending on it.
class Connection final
    : public boost::intrusive_ref_counter<Connection, boost::thread_unsafe_counter>,
      public boost::intrusive::list_base_hook<
          boost::intrusive::link_mode<boost::intrusive::auto_unlink>>,
      private locust::Timer {
 public:
  // Owns the socket, which does not block.
  Connection(Reactor& reactor, int socket);
  ~Connection() override;

  void start();
  // The server stops: an idle one is closed soon, another after its request.
  void stop();
  // Closes it now; a request that waits for its delay is answered before.
  void end();

 private:
  using Socket = boost::asio::basic_stream_socket<boost::asio::ip::tcp,
                                                  boost::asio::io_context::executor_type>;
  using Operation = locust::OperationSlot<128>;
  struct Handler;

  // What it waits for.
  enum class State : std::uint8_t {
    idle,        // a first byte
    reading,     // the rest of a request
    postponed,   // the time at which a request is answered
    writing,     // the client to take an answer
    saying_bye,  // the client to close: what it still sends is thrown away
    closed
  };

  void fire() override;
  void wait_to_read();
  void wait_to_write();
  void on_ready();
  void on_readable();
  void on_writable();
  void serve(std::string_view bytes, bool postponed_before = false);
  bool postpone(std::string_view request);
  void answer(std::string_view bytes);
  void refuse(int status, std::string_view bytes);
  // False where the rest has to wait, or the connection has broken.
  bool flush();
  void written();
  void keep(std::string_view bytes, std::size_t used);
  void say_bye();
  void close();
  bool has_input() const;
  void set_deadline(locust::SteadyDuration from_now);

  boost::intrusive_ptr<Connection> self_;  // until closed
  Reactor& reactor_;
  Socket socket_;
  RequestFramer framer_;
  State state_ = State::idle;
  bool waiting_ = false;
  bool last_ = false;      // closed once the output has left
  bool lingers_ = false;   // with an answer that the client did not expect to be the last
  std::string input_;      // the part of a request that has arrived, and what waits behind it
  std::string output_;     // what the socket did not take at once
  std::size_t sent_ = 0;   // of output_
  std::size_t taken_ = 0;  // by the client since the deadline was set
  locust::SteadyTime deadline_{};
  locust::SteadyTime wake_at_{};  // when the timer fires: at the deadline, or before

  // The pending wait lives here instead of on the heap.
  Operation operation_;
};

}  // namespace hello
