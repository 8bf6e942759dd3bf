// Messages to bytes and back: msgpack arrays [type, data, node_id] (rpc/protocol.py). The only
// place that knows msgpack. Pure functions; any thread.
#pragma once

#include <string>
#include <string_view>
#include <variant>

#include "protocol/message.h"

namespace locust::protocol {

// Why bytes are not a message, in words for a log line.
struct DecodeError {
  std::string reason;
};

// The frame of a message. Strings that are not valid UTF-8 get U+FFFD in place of the bad bytes,
// since a stock master answers such a frame with `reconnect`. node_id is the worker's identity.
// Whatever a custom message's data holds, a stock master can unpack it: a map that Python would
// take for a malformed datetime or ObjectId gets its marker key prefixed with "_", keys that Python
// cannot hash (arrays, maps, datetimes) are sent as their repr, and what lies deeper than 500
// levels as nil. The type of a custom message is the caller's affair.
std::string encode(const ToMaster& message, std::string_view node_id);

// A value's bytes, written as a custom message's data is.
std::string pack(const Value& value);

// The bytes of an array that Python's msgpack has written; the limits are those of decode().
std::variant<Array, DecodeError> unpack(std::string_view bytes);

// The message of a frame from a master. Whatever the bytes, it neither throws nor allocates more
// than some multiple of their size: at most 64 levels, a million values and 16 MiB a string. As in
// Locust, a frame with any string that is not UTF-8 is refused as a whole. A map with __datetime__
// and a sound as_str becomes a DateTime; __ObjectId__ stays a plain map.
std::variant<FromMaster, DecodeError> decode(std::string_view frame);

}  // namespace locust::protocol
