#include "http/multipart.h"

#include <algorithm>
#include <stdexcept>

#include "http/random_hex.h"

namespace locust::http {

namespace {

// As urllib3 and browsers quote names of fields and files (WHATWG HTML, 4.10.21.8).
void append_quoted(std::string_view text, std::string& out) {
  out += '"';
  for (const char c : text) {
    if (c == '"') {
      out += "%22";
    } else if (c == '\r') {
      out += "%0D";
    } else if (c == '\n') {
      out += "%0A";
    } else {
      out += c;
    }
  }
  out += '"';
}

// RFC 2046, 5.1.1, without the characters that would need quotes in the header.
void check_boundary(std::string_view boundary) {
  constexpr std::string_view kOthers = "'+_-.";
  const bool good = std::all_of(boundary.begin(), boundary.end(), [&](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           kOthers.find(c) != std::string_view::npos;
  });
  if (!good || boundary.size() > 70) throw std::invalid_argument("not a multipart boundary");
}

void append_header(std::string_view name, std::string_view value, std::string& out) {
  constexpr std::string_view kBreaks("\r\n\0", 3);
  if (name.empty() || name.find_first_of("\r\n: ") != std::string_view::npos ||
      value.find_first_of(kBreaks) != std::string_view::npos) {
    throw std::invalid_argument("not a header of a multipart body");
  }
  out.append(name).append(": ").append(value).append("\r\n");
}

void append_part(const Part& part, std::string& out) {
  out += "Content-Disposition: form-data; name=";
  append_quoted(part.name, out);
  if (part.filename) {
    out += "; filename=";
    append_quoted(*part.filename, out);
  }
  out += "\r\n";
  if (!part.content_type.empty()) append_header("Content-Type", part.content_type, out);
  for (const auto& [name, value] : part.headers) append_header(name, value, out);
  out.append("\r\n").append(part.data).append("\r\n");
}

}  // namespace

MultipartBody encode_multipart(const std::vector<Part>& parts, std::string_view boundary) {
  check_boundary(boundary);
  const std::string separator = boundary.empty() ? random_hex(16) : std::string(boundary);
  MultipartBody result{"multipart/form-data; boundary=" + separator, {}};
  for (const Part& part : parts) {
    result.body.append("--").append(separator).append("\r\n");
    append_part(part, result.body);
  }
  result.body.append("--").append(separator).append("--\r\n");
  return result;
}

}  // namespace locust::http
