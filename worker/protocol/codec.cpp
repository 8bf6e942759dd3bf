// Writes messages with msgpack's packer in the key order of Locust's own, and reads them through
// its visitor, which builds a Value as the bytes come: a header that promises more than follows
// costs nothing.
#include "protocol/codec.h"

#include <bit>
#include <cstdint>
#include <msgpack.hpp>
#include <optional>
#include <type_traits>
#include <utility>

#include "base/utf8.h"
#include "protocol/datetime.h"
#include "protocol/from_master.h"

namespace locust::protocol {
namespace {

// ---- limits of what is read ----

constexpr std::size_t kMaxDepth = 64;
constexpr std::size_t kMaxValues = 1'000'000;              // in one frame, keys counted too
constexpr std::size_t kMaxLength = std::size_t{16} << 20;  // bytes of one string

// Deeper values are sent as nil: Python reads at most 1024 levels.
constexpr int kMaxWrittenDepth = 500;

constexpr const char* kNotAnEnvelope = "not an array of three";

constexpr std::string_view kDateTimeKey = "__datetime__";
constexpr std::string_view kObjectIdKey = "__ObjectId__";
constexpr std::string_view kTextKey = "as_str";

// ---- writing ----

struct Buffer {
  std::string bytes;
  void write(const char* data, std::size_t size) { bytes.append(data, size); }
};

class Writer {
 public:
  void array(std::size_t size) { packer_.pack_array(static_cast<std::uint32_t>(size)); }
  void map(std::size_t size) { packer_.pack_map(static_cast<std::uint32_t>(size)); }
  void nil() { packer_.pack_nil(); }
  void number(std::int64_t value) { packer_.pack_int64(value); }
  void number(std::uint64_t value) { packer_.pack_uint64(value); }
  // Always a float64, as Python writes a float; the packer would make an integer of 1.0.
  void number(double value) {
    const auto bits = std::bit_cast<std::uint64_t>(value);
    char bytes[9] = {'\xcb'};
    for (int i = 0; i < 8; ++i) bytes[i + 1] = static_cast<char>(bits >> (56 - 8 * i));
    buffer_.write(bytes, sizeof bytes);
  }

  void text(std::string_view value) { is_utf8(value) ? key(value) : key(sanitize_utf8(value)); }

  // Text that is known to be UTF-8.
  void key(std::string_view value) {
    packer_.pack_str(static_cast<std::uint32_t>(value.size()));
    packer_.pack_str_body(value.data(), static_cast<std::uint32_t>(value.size()));
  }

  void field(std::string_view name, auto value) requires std::is_arithmetic_v<decltype(value)> {
    key(name);
    number(value);
  }
  void field(std::string_view name, std::string_view value) {
    key(name);
    text(value);
  }

  // Any map of integers or strings to integers.
  template <class Counters>
  void counters(std::string_view name, const Counters& counters) {
    key(name);
    map(counters.size());
    for (const auto& [counter, count] : counters) {
      if constexpr (std::is_convertible_v<decltype(counter), std::string_view>) {
        text(counter);
      } else {
        number(counter);
      }
      number(count);
    }
  }

  void value(const Value& value, int depth = 0) {
    if (depth > kMaxWrittenDepth) return nil();
    std::visit([this, depth](const auto& held) { write(held, depth); }, value.variant());
  }

  // One of a map's.
  void entry(const Value& key, const Value& item) {
    write_key(key, false);
    value(item);
  }

  std::string take() { return std::move(buffer_.bytes); }

 private:
  void write(std::nullptr_t, int) { nil(); }
  void write(bool held, int) { held ? packer_.pack_true() : packer_.pack_false(); }
  void write(std::int64_t held, int) { number(held); }
  void write(std::uint64_t held, int) { number(held); }
  void write(double held, int) { number(held); }
  void write(const std::string& held, int) { text(held); }
  void write(const Binary& held, int) {
    packer_.pack_bin(static_cast<std::uint32_t>(held.bytes.size()));
    packer_.pack_bin_body(held.bytes.data(), static_cast<std::uint32_t>(held.bytes.size()));
  }
  void write(DateTime held, int) {
    map(2);
    text(kDateTimeKey);
    packer_.pack_true();
    field(kTextKey, datetime_text(held));
  }
  void write(const Array& held, int depth) {
    array(held.size());
    for (const Value& item : held) value(item, depth + 1);
  }
  void write(const Map& held, int depth) {
    const bool harmless = !marks_a_value_that_is_none(held);
    map(held.size());
    for (const auto& [key, item] : held) {
      write_key(key, harmless);
      value(item, depth + 1);
    }
  }

  // A stock master takes every map that holds one of the two markers for such a value, and stops
  // listening for good where it is not.
  static bool marks_a_value_that_is_none(const Map& map) {
    const Value* date = nullptr;
    const Value* object_id = nullptr;
    const Value* as_str = nullptr;
    for (const auto& [key, item] : map) {
      const std::string* name = key.as_string();
      if (name == nullptr) continue;
      if (*name == kDateTimeKey) date = &item;
      if (*name == kObjectIdKey) object_id = &item;
      if (*name == kTextKey) as_str = &item;
    }
    const std::string* marked = as_str == nullptr ? nullptr : as_str->as_string();
    if (date != nullptr) return marked == nullptr || !datetime_from(*marked);
    return object_id != nullptr && (marked == nullptr || !is_object_id(*marked));
  }

  static bool is_object_id(std::string_view text) {
    return text.size() == 24 && text.find_first_not_of("0123456789abcdefABCDEF") == text.npos;
  }

  void write_key(const Value& key, bool harmless) {
    const std::string* name = key.as_string();
    const bool marker = name != nullptr && (*name == kDateTimeKey || *name == kObjectIdKey);
    const bool hashable = key.as_array() == nullptr && key.as_map() == nullptr &&
                          !std::holds_alternative<DateTime>(key.variant());
    if (marker && !harmless) {
      text("_" + *name);
    } else if (hashable) {
      value(key);
    } else {
      text(repr(key));  // Python could not unpack it as a key
    }
  }

  Buffer buffer_;
  msgpack::packer<Buffer> packer_{buffer_};
};

void write_entry(Writer& out, const stats::EntryReport& entry) {
  const bool timed = entry.num_requests > entry.num_none_requests;
  // Locust starts with the integer 0, and max(0, 0.0) is still that 0.
  const auto float_or_zero = [&out](std::string_view key, double value, bool is_float) {
    is_float ? out.field(key, value) : out.field(key, std::uint64_t{0});
  };
  const auto float_or_nil = [&out](std::string_view key, std::optional<double> value) {
    if (value) return out.field(key, *value);
    out.text(key);
    out.nil();
  };
  out.map(14);
  out.field("name", entry.name);
  out.field("method", entry.method);
  float_or_nil("last_request_timestamp", entry.last_request_timestamp);
  out.field("start_time", entry.start_time);
  out.field("num_requests", entry.num_requests);
  out.field("num_none_requests", entry.num_none_requests);
  out.field("num_failures", entry.num_failures);
  float_or_zero("total_response_time", entry.total_response_time, timed);
  float_or_zero("max_response_time", entry.max_response_time, timed && entry.max_response_time > 0);
  float_or_nil("min_response_time", entry.min_response_time);
  out.field("total_content_length", entry.total_content_length);
  out.counters("response_times", entry.response_times);
  out.counters("num_reqs_per_sec", entry.num_reqs_per_sec);
  out.counters("num_fail_per_sec", entry.num_fail_per_sec);
}

void write_errors(Writer& out, const stats::Report& report) {
  out.map(report.errors.size());
  for (const auto* keyed : report.errors_as_first_seen()) {
    const auto& [key, error] = *keyed;
    out.text(key);
    out.map(6);
    out.field("name", error.name);
    out.field("method", error.method);
    out.field("error", error.error);
    out.field("occurrences", error.occurrences);
    out.field("first_seen", error.first_seen);
    out.field("last_seen", error.last_seen);
  }
}

std::string_view name_of(WorkerState state) {
  switch (state) {
    case WorkerState::spawning:
      return "spawning";
    case WorkerState::running:
      return "running";
    case WorkerState::ready:
      break;
  }
  return "ready";
}

// Writes type and data of each kind of message.
struct MessageWriter {
  Writer& out;
  std::string_view node_id;

  void without_data(std::string_view type) const {
    out.text(type);
    out.nil();
  }
  void operator()(const ClientReady& message) const {
    out.text("client_ready");
    message.version ? out.text(*message.version) : out.number(std::int64_t{-1});
  }
  void operator()(const LocustfileRequest& message) const {
    out.text("locustfile");
    out.map(1);
    out.field("version", message.version);
  }
  void operator()(const Spawning&) const { without_data("spawning"); }
  void operator()(const SpawningComplete& message) const {
    out.text("spawning_complete");
    out.map(2);
    out.counters("user_classes_count", message.user_classes_count);
    out.field("user_count", message.user_count);
  }
  void operator()(const Heartbeat& message) const {
    out.text("heartbeat");
    out.map(3);
    out.field("state", name_of(message.state));
    out.field("current_cpu_usage", message.current_cpu_usage);
    out.field("current_memory_usage", message.current_memory_usage);
  }
  void operator()(const Stats& message) const {
    out.text("stats");
    out.map(5 + message.extra.size());
    for (const auto& [key, value] : message.extra) out.entry(key, value);
    out.text("stats");
    out.array(message.report.stats.size());
    for (const stats::EntryReport& entry : message.report.stats) write_entry(out, entry);
    out.text("stats_total");
    write_entry(out, message.report.total);
    out.text("errors");
    write_errors(out, message.report);
    out.counters("user_classes_count", message.user_classes_count);
    out.field("user_count", message.user_count);
  }
  void operator()(const Exception& message) const {
    out.text("exception");
    out.map(2);
    out.field("msg", message.msg);
    out.field("traceback", message.traceback);
  }
  void operator()(const Logs& message) const {
    out.text("logs");
    out.map(2);
    out.field("worker_id", node_id);
    out.text("logs");
    out.array(message.lines.size());
    for (const std::string& line : message.lines) out.text(line);
  }
  void operator()(const ClientStopped&) const { without_data("client_stopped"); }
  void operator()(const Quit&) const { without_data("quit"); }
  void operator()(const CustomToMaster& message) const {
    out.text(message.type);
    out.value(message.data);
  }
};

// ---- reading ----

// Becomes a DateTime where it says so and the text is one; an ObjectId stays the map it is.
Value map_or_datetime(Map entries) {
  Value map(std::move(entries));
  if (map.find(kDateTimeKey) == nullptr) return map;
  const Value* text = map.find(kTextKey);
  if (text == nullptr || text->as_string() == nullptr) return map;
  const auto time = datetime_from(*text->as_string());
  return time ? Value(*time) : map;
}

// msgpack's visitor: every callback says whether to go on.
class Builder : public msgpack::null_visitor {
 public:
  bool visit_nil() { return put(Value()); }
  bool visit_boolean(bool value) { return put(Value(value)); }
  bool visit_positive_integer(std::uint64_t value) { return put(Value(value)); }
  bool visit_negative_integer(std::int64_t value) { return put(Value(value)); }
  bool visit_float32(float value) { return put(Value(double{value})); }
  bool visit_float64(double value) { return put(Value(value)); }
  bool visit_str(const char* data, std::uint32_t size) {
    if (size > kMaxLength) return fail("a string of more than 16 MiB");
    const std::string_view text(data, size);
    if (!is_utf8(text)) return fail("a string that is not UTF-8");
    return put(Value(text));
  }
  bool visit_bin(const char* data, std::uint32_t size) {
    if (size > kMaxLength) return fail("a byte string of more than 16 MiB");
    return put(Value(Binary{std::string(data, size)}));
  }
  bool visit_ext(const char*, std::uint32_t) {
    return fail("a msgpack extension type, which Locust does not use");
  }
  bool start_array(std::uint32_t size) { return open(false, size); }
  bool start_map(std::uint32_t size) { return open(true, size); }
  bool end_array() {
    Array items = std::move(open_.back().items);
    open_.pop_back();
    if (!open_.empty()) return put(Value(std::move(items)));
    root_ = std::move(items);
    return true;
  }
  bool end_map() {
    Map entries = std::move(open_.back().entries);
    open_.pop_back();
    return put(map_or_datetime(std::move(entries)));
  }
  void parse_error(std::size_t, std::size_t) { fail("bytes that are not msgpack"); }
  void insufficient_bytes(std::size_t, std::size_t) { fail("a frame that ends too early"); }

  // What to say of bytes that were refused.
  const std::string& reason() const { return reason_; }
  Array take() { return std::move(root_); }

 private:
  // A container whose end has not come yet.
  struct Open {
    bool is_map;
    Array items;
    Map entries;
    std::optional<Value> key;  // read, while its value is not
  };

  bool fail(const char* reason) {
    if (reason_.empty()) reason_ = reason;
    return false;
  }

  bool open(bool is_map, std::size_t size) {
    if (open_.size() == kMaxDepth) return fail("values nested more than 64 deep");
    const std::size_t inside = is_map ? size * 2 : size;
    if (inside > kMaxValues - values_) return fail("more than a million values");
    open_.push_back(Open{is_map, {}, {}, {}});
    return true;
  }

  bool put(Value value) {
    if (++values_ > kMaxValues) return fail("more than a million values");
    if (open_.empty()) return fail(kNotAnEnvelope);
    Open& parent = open_.back();
    if (!parent.is_map) {
      parent.items.push_back(std::move(value));
    } else if (parent.key) {
      parent.entries.emplace_back(std::move(*parent.key), std::move(value));
      parent.key.reset();
    } else if (value.as_array() != nullptr || value.as_map() != nullptr) {
      return fail("a map with a key that is a map or an array");
    } else {
      parent.key = std::move(value);
    }
    return true;
  }

  std::vector<Open> open_;
  Array root_;
  std::size_t values_ = 0;
  std::string reason_;
};

}  // namespace

std::string encode(const ToMaster& message, std::string_view node_id) {
  Writer out;
  out.array(3);
  std::visit(MessageWriter{out, node_id}, message);
  out.text(node_id);
  return out.take();
}

std::string pack(const Value& value) {
  Writer out;
  out.value(value);
  return out.take();
}

std::variant<Array, DecodeError> unpack(std::string_view bytes) {
  if (bytes.empty()) return DecodeError{"an empty frame"};
  Builder builder;
  std::size_t end = 0;
  const bool whole = msgpack::parse(bytes.data(), bytes.size(), end, builder);
  if (!whole || !builder.reason().empty()) return DecodeError{builder.reason()};
  if (end != bytes.size()) return DecodeError{"bytes after the end of the message"};
  return builder.take();
}

std::variant<FromMaster, DecodeError> decode(std::string_view frame) {
  auto read = unpack(frame);
  if (auto* error = std::get_if<DecodeError>(&read)) return std::move(*error);
  auto& parts = std::get<Array>(read);
  if (parts.size() != 3) return DecodeError{kNotAnEnvelope};
  const std::string* type = parts[0].as_string();
  if (type == nullptr) return DecodeError{"a message type that is not text"};
  return interpret(*type, std::move(parts[1]));
}

}  // namespace locust::protocol
