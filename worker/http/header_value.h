// Structured values of header fields (RFC 9110, 5.6 and 11.6): parameters, quoted strings and the
// challenges of WWW-Authenticate. Lenient, since servers are: what makes no sense is left out.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace locust::http {

// Names in lower case, values without their quotes and backslashes; in the order of the text.
using HeaderParameters = std::vector<std::pair<std::string, std::string>>;

// The value of the first parameter of this name (given in lower case); nullptr where there is none.
const std::string* find_parameter(const HeaderParameters& parameters, std::string_view name);

// `text/html; charset="utf-8"` → "text/html" and its parameters.
struct HeaderValue {
  std::string value;  // as it was written, without white space around it
  HeaderParameters parameters;
};
HeaderValue parse_header_value(std::string_view text);

// One way in which a server lets a client authenticate itself.
struct Challenge {
  std::string scheme;  // in lower case
  std::string token;   // the token68 that some schemes have in place of parameters
  HeaderParameters parameters;
};
// A field may carry several challenges, separated by the same commas as their parameters.
std::vector<Challenge> parse_challenges(std::string_view text);

// The text as a quoted string: in quotes, with backslashes before quotes and backslashes.
std::string quoted_string(std::string_view text);

// Without the spaces and tabs at both ends.
std::string_view trim_blanks(std::string_view text);
// ASCII letters only.
std::string to_lower_ascii(std::string_view text);
bool equals_ignoring_case(std::string_view a, std::string_view b);

}  // namespace locust::http
