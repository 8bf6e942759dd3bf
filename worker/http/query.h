// Parameters of URLs and forms, byte for byte as Python's urllib.parse and requests write them.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace locust::http {

// In order; a name may come several times, as requests makes of {"a": ["1", "2"]}. Text is UTF-8.
using Parameters = std::vector<std::pair<std::string, std::string>>;

// urllib.parse.quote_plus: a space is "+"; letters, digits and "_.-~" stay; all else is %XX.
std::string quote_plus(std::string_view text);

// urllib.parse.urlencode: also the body of application/x-www-form-urlencoded.
std::string urlencode(const Parameters& parameters);

// The URL with an encoded query at the end of the one it has, before its fragment, as requests and
// geventhttpclient append `params`. An empty one changes nothing.
std::string append_query(std::string_view url, std::string_view query);

}  // namespace locust::http
