// The text of a body as Locust's clients give it: decoded by the charset of its Content-Type, with
// U+FFFD for what is none, as Python's bytes.decode(errors="replace").
#pragma once

#include <string>
#include <string_view>

namespace locust::http {

// requests.utils.get_encoding_from_headers, which FastResponse.text uses as well: the charset
// parameter, else ISO-8859-1 for a type with "text" in it and utf-8 for application/json. Empty
// where the header says nothing; then Python guesses.
std::string encoding_from_content_type(std::string_view content_type);

// What to read a body as whose header says nothing: by its byte order mark, else "utf-8" where it
// is that, else "windows-1252". (charset_normalizer's statistics are not repeated.)
std::string guess_encoding(std::string_view body);

// Whether decode_text() knows this name of an encoding. Case and punctuation do not matter.
bool is_known_encoding(std::string_view name);

// In UTF-8. A name that is not known counts as utf-8, as in requests' Response.text.
std::string decode_text(std::string_view body, std::string_view encoding);

// All of it: Response.text.
std::string text_of(std::string_view body, std::string_view content_type);

}  // namespace locust::http
