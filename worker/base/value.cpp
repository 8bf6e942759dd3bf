// Look-ups in a Value, and Python's repr of it.
#include "base/value.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <iterator>

#include "base/utf8.h"

namespace locust {
namespace {

// Deeper parts are shown as "...": far more than a message may hold, and no danger to the stack.
constexpr int kMaxReprDepth = 200;

// What str.isprintable() refuses beyond ASCII: categories Cc, Cf, Cs, Co, Zl, Zp, Zs. Unassigned
// characters, which differ between Python versions, count as printable.
struct Range {
  char32_t first, last;
};
constexpr std::array<Range, 27> kUnprintable{{
    {0x80, 0xa0},       {0xad, 0xad},       {0x600, 0x605},       {0x61c, 0x61c},
    {0x6dd, 0x6dd},     {0x70f, 0x70f},     {0x890, 0x891},       {0x8e2, 0x8e2},
    {0x1680, 0x1680},   {0x180e, 0x180e},   {0x2000, 0x200f},     {0x2028, 0x202f},
    {0x205f, 0x2064},   {0x2066, 0x206f},   {0x3000, 0x3000},     {0xd800, 0xf8ff},
    {0xfeff, 0xfeff},   {0xfff9, 0xfffb},   {0x110bd, 0x110bd},   {0x110cd, 0x110cd},
    {0x13430, 0x13438}, {0x1bca0, 0x1bca3}, {0x1d173, 0x1d17a},   {0xe0001, 0xe0001},
    {0xe0020, 0xe007f}, {0xf0000, 0xffffd}, {0x100000, 0x10fffd},
}};

bool is_printable(char32_t code_point) {
  if (code_point < 0x80) return code_point >= 0x20 && code_point != 0x7f;
  return std::none_of(kUnprintable.begin(), kUnprintable.end(), [code_point](const Range& range) {
    return code_point >= range.first && code_point <= range.last;
  });
}

// Python takes double quotes only for a text with single ones and without double ones.
char quote_for(std::string_view text) {
  return text.find('\'') != text.npos && text.find('"') == text.npos ? '"' : '\'';
}

// The escapes that str and bytes share; false where the byte needs none of them.
bool append_escape(std::string& out, char byte, char quote) {
  switch (byte) {
    case '\n':
      out += "\\n";
      return true;
    case '\r':
      out += "\\r";
      return true;
    case '\t':
      out += "\\t";
      return true;
    case '\\':
      out += "\\\\";
      return true;
    default:
      if (byte != quote) return false;
      out += '\\';
      out += quote;
      return true;
  }
}

void append_code_point_escape(std::string& out, char32_t code_point) {
  const auto number = static_cast<std::uint32_t>(code_point);
  const auto to = std::back_inserter(out);
  if (number <= 0xff) {
    fmt::format_to(to, "\\x{:02x}", number);
  } else if (number <= 0xffff) {
    fmt::format_to(to, "\\u{:04x}", number);
  } else {
    fmt::format_to(to, "\\U{:08x}", number);
  }
}

std::string repr_bytes(std::string_view bytes) {
  const char quote = quote_for(bytes);
  std::string out = "b";
  out += quote;
  for (const char byte : bytes) {
    if (append_escape(out, byte, quote)) continue;
    const auto code = static_cast<unsigned char>(byte);
    if (code >= 0x20 && code < 0x7f) {
      out += byte;
    } else {
      append_code_point_escape(out, code);
    }
  }
  out += quote;
  return out;
}

std::string repr_float(double number) {
  if (std::isnan(number)) return "nan";  // never "-nan"
  std::string out = fmt::format("{}", number);
  if (out.find_first_of(".einf") == out.npos) out += ".0";
  return out;
}

std::string repr_datetime(DateTime time) {
  using namespace std::chrono;
  const auto day = floor<days>(time.since_epoch);
  const year_month_day date{sys_days{day}};
  const hh_mm_ss clock{time.since_epoch - day};
  std::string out =
      fmt::format("datetime.datetime({}, {}, {}, {}, {}", int{date.year()}, unsigned{date.month()},
                  unsigned{date.day()}, clock.hours().count(), clock.minutes().count());
  const auto micros = clock.subseconds().count();
  if (clock.seconds().count() != 0 || micros != 0) {
    out += fmt::format(", {}", clock.seconds().count());
  }
  if (micros != 0) out += fmt::format(", {}", micros);
  return out + ")";
}

void append_repr(std::string& out, const Value& value, int depth);

struct Repr {
  std::string& out;
  int depth;

  void operator()(std::nullptr_t) const { out += "None"; }
  void operator()(bool value) const { out += value ? "True" : "False"; }
  void operator()(std::int64_t value) const { out += fmt::format("{}", value); }
  void operator()(std::uint64_t value) const { out += fmt::format("{}", value); }
  void operator()(double value) const { out += repr_float(value); }
  void operator()(const std::string& value) const { out += repr(std::string_view(value)); }
  void operator()(const Binary& value) const { out += repr_bytes(value.bytes); }
  void operator()(DateTime value) const { out += repr_datetime(value); }
  void operator()(const Array& array) const {
    out += '[';
    for (const char* separator = ""; const Value& item : array) {
      out += separator;
      append_repr(out, item, depth + 1);
      separator = ", ";
    }
    out += ']';
  }
  void operator()(const Map& map) const {
    out += '{';
    for (const char* separator = ""; const auto& [key, value] : map) {
      out += separator;
      append_repr(out, key, depth + 1);
      out += ": ";
      append_repr(out, value, depth + 1);
      separator = ", ";
    }
    out += '}';
  }
};

void append_repr(std::string& out, const Value& value, int depth) {
  if (depth > kMaxReprDepth) {
    out += "...";
    return;
  }
  std::visit(Repr{out, depth}, value.variant());
}

}  // namespace

bool Value::is_number() const {
  return std::holds_alternative<std::int64_t>(data_) ||
         std::holds_alternative<std::uint64_t>(data_) || std::holds_alternative<double>(data_);
}

double Value::as_double() const {
  if (const auto* number = std::get_if<double>(&data_)) return *number;
  if (const auto* number = std::get_if<std::int64_t>(&data_)) return static_cast<double>(*number);
  if (const auto* number = std::get_if<std::uint64_t>(&data_)) return static_cast<double>(*number);
  return 0;
}

const Value* Value::find(std::string_view key) const {
  const Map* map = as_map();
  if (map == nullptr) return nullptr;
  // From the end: where a key stands twice, the last one counts, as in a Python dict.
  const auto found = std::find_if(map->rbegin(), map->rend(), [key](const auto& entry) {
    const std::string* name = entry.first.as_string();
    return name != nullptr && *name == key;
  });
  return found == map->rend() ? nullptr : &found->second;
}

std::string repr(const Value& value) {
  std::string out;
  append_repr(out, value, 0);
  return out;
}

std::string repr(std::string_view text) {
  const char quote = quote_for(text);
  std::string out;
  out.reserve(text.size() + 2);
  out += quote;
  while (!text.empty()) {
    const Utf8Step step = utf8_step(text);
    if (!step.valid) {
      // No str of Python's holds these; shown byte by byte.
      for (const char byte : text.substr(0, step.length)) {
        append_code_point_escape(out, static_cast<unsigned char>(byte));
      }
    } else if (step.length > 1 || !append_escape(out, text.front(), quote)) {
      if (is_printable(step.code_point)) {
        out += text.substr(0, step.length);
      } else {
        append_code_point_escape(out, step.code_point);
      }
    }
    text.remove_prefix(step.length);
  }
  out += quote;
  return out;
}

}  // namespace locust
