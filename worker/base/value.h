// A value as msgpack and Python know it: what custom messages, parsed_options and user class
// attributes are made of. A plain tree that owns its data.
#pragma once

#include <chrono>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace locust {

class Value;
using Array = std::vector<Value>;
// In wire order. Keys are almost always strings; Python also sends integers (response_times).
using Map = std::vector<std::pair<Value, Value>>;

// Raw bytes: msgpack's bin, Python's bytes.
struct Binary {
  std::string bytes;
  bool operator==(const Binary&) const = default;
};

// A naive Python datetime: microseconds since 1970-01-01T00:00:00 without a time zone. On the wire
// {"__datetime__": true, "as_str": "%Y%m%dT%H:%M:%S.%f"} (rpc/protocol.py, locust >= 2.20.0).
struct DateTime {
  std::chrono::microseconds since_epoch{};
  bool operator==(const DateTime&) const = default;
};

class Value {
 public:
  using Variant = std::variant<std::nullptr_t, bool, std::int64_t, std::uint64_t, double,
                               std::string, Binary, DateTime, Array, Map>;

  Value() = default;
  Value(std::nullptr_t) {}
  Value(bool value) : data_(value) {}
  Value(int value) : data_(std::int64_t{value}) {}
  Value(std::int64_t value) : data_(value) {}
  // Kept as int64 where it fits, so that equal numbers compare equal however they were made.
  Value(std::uint64_t value) {
    if (value <= static_cast<std::uint64_t>(INT64_MAX)) {
      data_ = static_cast<std::int64_t>(value);
    } else {
      data_ = value;
    }
  }
  Value(double value) : data_(value) {}
  Value(const char* value) : data_(std::string(value)) {}
  Value(std::string_view value) : data_(std::string(value)) {}
  Value(std::string value) : data_(std::move(value)) {}
  Value(Binary value) : data_(std::move(value)) {}
  Value(DateTime value) : data_(value) {}
  Value(Array value) : data_(std::move(value)) {}
  Value(Map value) : data_(std::move(value)) {}

  bool is_nil() const { return std::holds_alternative<std::nullptr_t>(data_); }
  // The alternative asked for, or nullptr. as_int takes any integer that fits; as_double any
  // number.
  const bool* as_bool() const { return std::get_if<bool>(&data_); }
  const std::int64_t* as_int() const { return std::get_if<std::int64_t>(&data_); }
  const std::string* as_string() const { return std::get_if<std::string>(&data_); }
  const Array* as_array() const { return std::get_if<Array>(&data_); }
  const Map* as_map() const { return std::get_if<Map>(&data_); }
  bool is_number() const;
  // 0 where it is not a number.
  double as_double() const;
  // The value under this key of a map; nullptr where there is none, or this is no map.
  const Value* find(std::string_view key) const;

  const Variant& variant() const { return data_; }
  bool operator==(const Value&) const = default;

 private:
  Variant data_;
};

// As Python's repr would show it, for log lines: {'user_count': 3, 'host': None}.
std::string repr(const Value& value);
// A Python string literal: 'it\'s', with \n, \t and non-printing bytes escaped.
std::string repr(std::string_view text);
inline std::string repr(const std::string& text) { return repr(std::string_view(text)); }
inline std::string repr(const char* text) { return repr(std::string_view(text)); }

}  // namespace locust
