#include "http/header_value.h"

#include <algorithm>

namespace locust::http {

namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool is_blank(char c) { return c == ' ' || c == '\t'; }

bool is_alphanumeric(char c) {
  return (c >= '0' && c <= '9') || (lower(c) >= 'a' && lower(c) <= 'z');
}

bool is_token_char(char c) {
  return is_alphanumeric(c) ||
         std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

bool is_token68_char(char c) {
  return is_alphanumeric(c) || std::string_view("-._~+/").find(c) != std::string_view::npos;
}

// Walks over the text of a field. At its end, at() is a NUL, which no rule accepts.
class Cursor {
 public:
  explicit Cursor(std::string_view text) : text_(text) {}

  bool done() const { return position_ >= text_.size(); }
  char at() const { return done() ? '\0' : text_[position_]; }
  void skip_blanks() { take(is_blank); }
  bool skip(char c) {
    if (done() || at() != c) return false;
    ++position_;
    return true;
  }
  std::string_view token() { return take(is_token_char); }

  // The token68 that ends here or before a comma; empty, and nothing consumed, where it is none.
  std::string_view token68() {
    const auto start = position_;
    take(is_token68_char);
    if (position_ == start) return {};
    take([](char c) { return c == '='; });
    const auto end = position_;
    skip_blanks();
    if (done() || at() == ',') return text_.substr(start, end - start);
    position_ = start;
    return {};
  }

  // A quoted string, or everything up to one of `ends`, without the blanks after it.
  std::string value(std::string_view ends) {
    if (skip('"')) return rest_of_quoted_string();
    return std::string(
        trim_blanks(take([ends](char c) { return ends.find(c) == std::string_view::npos; })));
  }

  void skip_to(std::string_view ends) {
    while (!done() && ends.find(at()) == std::string_view::npos) {
      if (skip('"')) {
        rest_of_quoted_string();
      } else {
        ++position_;
      }
    }
  }

  std::size_t position() const { return position_; }
  void go_back_to(std::size_t position) { position_ = position; }

 private:
  template <class Accepts>
  std::string_view take(Accepts accepts) {
    const auto start = position_;
    while (!done() && accepts(at())) ++position_;
    return text_.substr(start, position_ - start);
  }

  std::string rest_of_quoted_string() {
    std::string result;
    while (!done() && !skip('"')) {
      skip('\\');
      if (!done()) result += text_[position_++];
    }
    return result;
  }

  std::string_view text_;
  std::size_t position_ = 0;
};

// name BWS "=" BWS value. Where it is something else, nothing is consumed.
bool parse_parameter(Cursor& cursor, std::string_view ends, HeaderParameters& parameters) {
  const auto start = cursor.position();
  const std::string_view name = cursor.token();
  cursor.skip_blanks();
  if (name.empty() || !cursor.skip('=')) {
    cursor.go_back_to(start);
    return false;
  }
  cursor.skip_blanks();
  parameters.emplace_back(to_lower_ascii(name), cursor.value(ends));
  return true;
}

// scheme [ 1*SP ( token68 / #auth-param ) ], without the list of further challenges.
Challenge parse_challenge(Cursor& cursor, std::string_view scheme) {
  Challenge challenge{to_lower_ascii(scheme), {}, {}};
  cursor.skip_blanks();
  challenge.token = cursor.token68();
  if (!challenge.token.empty()) return challenge;
  do {
    cursor.skip_blanks();
    if (!cursor.done() && cursor.at() != ',' &&
        !parse_parameter(cursor, ",", challenge.parameters)) {
      break;  // the next challenge's scheme
    }
    cursor.skip_blanks();
  } while (cursor.skip(','));
  return challenge;
}

}  // namespace

const std::string* find_parameter(const HeaderParameters& parameters, std::string_view name) {
  const auto found = std::find_if(parameters.begin(), parameters.end(),
                                  [name](const auto& each) { return each.first == name; });
  return found == parameters.end() ? nullptr : &found->second;
}

HeaderValue parse_header_value(std::string_view text) {
  HeaderValue result;
  result.value = trim_blanks(text.substr(0, text.find(';')));
  Cursor cursor(text.substr(std::min(text.find(';'), text.size())));
  while (cursor.skip(';')) {
    cursor.skip_blanks();
    parse_parameter(cursor, ";", result.parameters);
    cursor.skip_to(";");
  }
  return result;
}

std::vector<Challenge> parse_challenges(std::string_view text) {
  std::vector<Challenge> result;
  Cursor cursor(text);
  while (!cursor.done()) {
    cursor.skip_blanks();
    if (cursor.skip(',')) continue;
    const std::string_view scheme = cursor.token();
    if (scheme.empty()) {
      cursor.skip_to(",");
    } else {
      result.push_back(parse_challenge(cursor, scheme));
    }
  }
  return result;
}

std::string quoted_string(std::string_view text) {
  std::string result = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') result += '\\';
    result += c;
  }
  return result += '"';
}

std::string_view trim_blanks(std::string_view text) {
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

std::string to_lower_ascii(std::string_view text) {
  std::string result(text);
  std::transform(result.begin(), result.end(), result.begin(), lower);
  return result;
}

bool equals_ignoring_case(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](char x, char y) { return lower(x) == lower(y); });
}

}  // namespace locust::http
