#include "target/request_framer.h"

#include <algorithm>
#include <array>
#include <limits>

namespace hello {
namespace {

constexpr std::size_t line_bytes =
    8190;  // cpp-httplib refuses longer ones, with a status too plain
constexpr std::size_t chunk_line_bytes = 512;
constexpr std::size_t longest_method = 32;
constexpr std::size_t most_headers = 100;
constexpr std::size_t most_blank_bytes = 8;

constexpr auto is_token = [] {
  std::array<bool, 256> table{};
  for (const char byte : std::string_view("!#$%&'*+-.^_`|~0123456789"
                                          "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")) {
    table[static_cast<unsigned char>(byte)] = true;
  }
  return table;
}();

bool token_byte(char byte) { return is_token[static_cast<unsigned char>(byte)]; }

char lower(char byte) {
  return byte >= 'A' && byte <= 'Z' ? static_cast<char>(byte - 'A' + 'a') : byte;
}

// `small` in small letters.
bool same(std::string_view text, std::string_view small) {
  return text.size() == small.size() &&
         std::equal(text.begin(), text.end(), small.begin(),
                    [](char left, char right) { return lower(left) == right; });
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) {
    text.remove_prefix(1);
  }
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) {
    text.remove_suffix(1);
  }
  return text;
}

// What may stand in a header's value: no control character but the tab.
bool is_text(std::string_view text) {
  bool good = true;
  for (const char byte : text) {
    const auto code = static_cast<unsigned char>(byte);
    good &= (code >= 0x20 && code != 0x7f) || code == '\t';
  }
  return good;
}

bool is_served(std::string_view method) {
  for (const std::string_view known :
       {"GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"}) {
    if (method == known) {
      return true;
    }
  }
  return false;
}

int hex_digit(char byte) {
  if (byte >= '0' && byte <= '9') {
    return byte - '0';
  }
  const char small = lower(byte);
  return small >= 'a' && small <= 'f' ? small - 'a' + 10 : -1;
}

// Leaves `rest` at what follows the name.
std::string_view take_name(std::string_view& rest) {
  std::size_t size = 0;
  while (size < rest.size() && token_byte(rest[size])) {
    ++size;
  }
  const std::string_view name = rest.substr(0, size);
  rest.remove_prefix(size);
  return name;
}

}  // namespace

RequestFramer::Verdict RequestFramer::refuse(int status) {
  status_ = status;
  return Verdict::refused;
}

RequestFramer::Verdict RequestFramer::advance(std::string_view bytes) {
  while (stage_ != Stage::done) {
    if (!step(bytes)) {
      return status_ == 0 ? Verdict::need_more : Verdict::refused;
    }
  }
  return Verdict::whole;
}

// One line, or one body. False: not all of it is there, or it is refused.
bool RequestFramer::step(std::string_view bytes) {
  std::string_view line;
  switch (stage_) {
    case Stage::start:
      return skip_blank_lines(bytes);
    case Stage::request_line:
      if (!take_line(bytes, line)) {
        return false;
      }
      status_ = read_request_line(line);
      break;
    case Stage::header:
      if (!take_line(bytes, line)) {
        return false;
      }
      status_ = line.empty() ? end_head() : read_header(line);
      break;
    case Stage::chunk:
      if (!take_line(bytes, line)) {
        return false;
      }
      status_ = read_chunk_size(line);
      break;
    case Stage::trailer:
      if (!take_line(bytes, line)) {
        return false;
      }
      if (line.empty()) {
        stage_ = Stage::done;
      } else {
        const std::string_view name = take_name(line);
        trailers_ = true;
        status_ = name.empty() || !line.starts_with(':') || !is_text(line) ? 400 : 0;
      }
      break;
    case Stage::body:
    case Stage::data:
      if (bytes.size() - position_ < expected_) {
        return false;
      }
      position_ += expected_;
      if (stage_ == Stage::body) {
        stage_ = Stage::done;
      } else {
        status_ = bytes.substr(position_ - 2, 2) == "\r\n" ? 0 : 400;
        searched_ = position_;
        stage_ = Stage::chunk;
      }
      break;
    case Stage::done:
      break;
  }
  return status_ == 0;
}

// RFC 9112, 2.2: what some clients send behind a body is not taken for a request.
bool RequestFramer::skip_blank_lines(std::string_view bytes) {
  while (position_ < bytes.size() && bytes[position_] == '\r') {
    if (position_ + 1 == bytes.size()) {
      return false;
    }
    if (bytes[position_ + 1] != '\n' || position_ >= most_blank_bytes) {
      refuse(400);
      return false;
    }
    position_ += 2;
  }
  if (position_ == bytes.size()) {
    return false;
  }
  begin_ = searched_ = position_;
  stage_ = Stage::request_line;
  return true;
}

std::size_t RequestFramer::line_limit() const {
  if (stage_ == Stage::chunk) {
    return chunk_line_bytes;
  }
  const std::size_t from = stage_ == Stage::trailer ? trailer_ : begin_;
  return std::min(line_bytes, limits_.head_bytes - std::min(position_ - from, limits_.head_bytes));
}

bool RequestFramer::take_line(std::string_view bytes, std::string_view& line) {
  if (stage_ == Stage::request_line) {
    // Another protocol is told at once; it may never send a line feed.
    std::string_view rest = bytes.substr(position_, longest_method + 1);
    const std::size_t name = take_name(rest).size();
    if (name > longest_method || (!rest.empty() && (name == 0 || rest.front() != ' '))) {
      refuse(name > longest_method ? 501 : 400);
      return false;
    }
  }
  const std::size_t limit = line_limit();
  const std::size_t end = bytes.find('\n', searched_);
  const std::size_t size = (end == bytes.npos ? bytes.size() : end + 1) - position_;
  if (size > limit || (end == bytes.npos && size >= limit)) {
    refuse(stage_ == Stage::request_line ? 414 : stage_ == Stage::chunk ? 400 : 431);
    return false;
  }
  if (end == bytes.npos) {
    searched_ = bytes.size();
    return false;
  }
  if (size < 2 || bytes[end - 1] != '\r') {
    refuse(400);  // a bare line feed
    return false;
  }
  line = bytes.substr(position_, size - 2);
  position_ = searched_ = end + 1;
  return true;
}

int RequestFramer::read_request_line(std::string_view line) {
  const std::size_t first = line.find(' ');
  const std::size_t last = line.rfind(' ');
  if (first == line.npos || first == last) {
    return 400;
  }
  const std::string_view version = line.substr(last + 1);
  const auto digit = [version](std::size_t at) { return version[at] >= '0' && version[at] <= '9'; };
  if (version.size() != 8 || !version.starts_with("HTTP/") || !digit(5) || version[6] != '.' ||
      !digit(7)) {
    return 400;
  }
  const std::string_view method = line.substr(0, first);
  if (!is_served(method)) {
    return 501;
  }
  if (version != "HTTP/1.1" && version != "HTTP/1.0") {
    return 505;
  }
  old_ = version.back() == '0';
  keep_alive_ = !old_;
  method_end_ = begin_ + first;
  target_ = method_end_ + 1;
  target_end_ = begin_ + last;
  stage_ = Stage::header;
  const std::string_view target = line.substr(first + 1, last - first - 1);
  return target == "*" && method == "OPTIONS" ? 0 : read_target(target);
}

int RequestFramer::read_target(std::string_view target) {
  const bool printable = std::all_of(target.begin(), target.end(),
                                     [](char byte) { return byte > 0x20 && byte < 0x7f; });
  if (!printable || target.empty()) {
    return 400;
  }
  if (target.front() == '/') {
    return 0;
  }
  const std::size_t scheme = target.find("://");
  if (scheme == target.npos ||
      !(same(target.substr(0, scheme), "http") || same(target.substr(0, scheme), "https"))) {
    return 400;
  }
  const std::size_t authority = scheme + 3;
  const std::size_t path = std::min(target.find_first_of("/?#", authority), target.size());
  if (path == authority) {
    return 400;
  }
  absolute_ = true;
  target_ += path;
  return 0;
}

int RequestFramer::read_header(std::string_view line) {
  if (++headers_ > most_headers) {
    return 431;
  }
  // No name: a line folded into the one above. A space before the colon: read by some as part of
  // it.
  const std::string_view name = take_name(line);
  if (name.empty() || !line.starts_with(':') || !is_text(line)) {
    return 400;
  }
  const std::string_view value = trimmed(line.substr(1));
  switch (name.size()) {
    case 4:
      hosts_ = static_cast<std::uint8_t>(hosts_ + (same(name, "host") ? 1 : 0));
      return 0;
    case 6:
      if (same(name, "expect") && !old_) {
        expects_continue_ = same(value, "100-continue");
        return expects_continue_ ? 0 : 417;
      }
      return 0;
    case 10:
      return same(name, "connection") ? read_connection(value) : 0;
    case 14:
      return same(name, "content-length") ? read_length(value) : 0;
    case 16:
      encoded_ = encoded_ || (same(name, "content-encoding") && !same(value, "identity"));
      return 0;
    case 17:
      return same(name, "transfer-encoding") ? read_coding(value) : 0;
    default:
      return 0;
  }
}

int RequestFramer::read_length(std::string_view value) {
  constexpr std::size_t most_digits = 18;  // so that it cannot wrap
  if (++lengths_ > 1 || value.empty()) {
    return 400;
  }
  for (const char byte : value) {
    if (byte < '0' || byte > '9') {
      return 400;
    }
  }
  if (value.size() > most_digits) {
    return 413;
  }
  for (const char byte : value) {
    expected_ = expected_ * 10 + static_cast<std::size_t>(byte - '0');
  }
  return 0;
}

int RequestFramer::read_coding(std::string_view value) {
  if (++codings_ > 1 || old_) {
    return 400;
  }
  return same(value, "chunked") ? 0 : 501;
}

int RequestFramer::read_connection(std::string_view value) {
  if (value.find('%') != value.npos) {
    return 400;  // cpp-httplib would decode it, and might find another option than is here
  }
  while (!value.empty()) {
    const std::size_t comma = std::min(value.find(','), value.size());
    const std::string_view option = trimmed(value.substr(0, comma));
    close_ = close_ || same(option, "close");
    keep_alive_ = keep_alive_ || same(option, "keep-alive");
    value.remove_prefix(std::min(comma + 1, value.size()));
  }
  return 0;
}

int RequestFramer::end_head() {
  if (hosts_ > 1 || (hosts_ == 0 && !old_) || (lengths_ > 0 && codings_ > 0)) {
    return 400;
  }
  if (expected_ > limits_.body_bytes) {
    return 413;
  }
  const bool has_body = expected_ > 0 || codings_ > 0;
  if (has_body && encoded_) {
    return 415;  // cpp-httplib would unpack it, to whatever size
  }
  keep_alive_ = keep_alive_ && !close_;
  expects_continue_ = expects_continue_ && has_body;
  head_end_ = position_;
  stage_ = codings_ > 0 ? Stage::chunk : Stage::body;
  return 0;
}

int RequestFramer::read_chunk_size(std::string_view line) {
  std::size_t digits = 0;
  std::size_t size = 0;
  while (digits < line.size() && hex_digit(line[digits]) >= 0) {
    if (size > std::numeric_limits<std::size_t>::max() >> 5) {
      return 413;
    }
    size = size * 16 + static_cast<std::size_t>(hex_digit(line[digits]));
    ++digits;
  }
  const std::string_view extension = line.substr(digits);
  if (digits == 0 || !(extension.empty() || extension.front() == ';') || !is_text(extension)) {
    return 400;
  }
  // The second bound is for what goes around the chunks.
  if (size > limits_.body_bytes - decoded_ ||
      position_ - head_end_ > 2 * limits_.body_bytes + 4 * chunk_line_bytes) {
    return 413;
  }
  decoded_ += size;
  expected_ = size + 2;
  stage_ = size > 0 ? Stage::data : Stage::trailer;
  trailer_ = position_;
  return 0;
}

bool RequestFramer::take_continue() {
  const bool in_body = stage_ == Stage::body || stage_ == Stage::chunk || stage_ == Stage::data;
  const bool take = in_body && expects_continue_;
  expects_continue_ = expects_continue_ && !take;
  return take;
}

std::string_view RequestFramer::plain(std::string_view bytes, std::string& storage) const {
  if (!absolute_ && !trailers_) {
    return bytes.substr(begin_, position_ - begin_);
  }
  storage.assign(bytes, begin_, method_end_ - begin_);
  storage += ' ';
  if (target_ == target_end_ || (bytes[target_] != '/' && absolute_)) {
    storage += '/';
  }
  storage.append(bytes, target_, (trailers_ ? trailer_ : position_) - target_);
  if (trailers_) {
    storage += "\r\n";
  }
  return storage;
}

}  // namespace hello
