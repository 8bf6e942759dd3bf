// Bodies of multipart/form-data (RFC 7578), as requests' `files=` and `data=` make them.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "http/request.h"

namespace locust::http {

struct Part {
  std::string name;
  std::string data;
  std::optional<std::string> filename;
  std::string content_type;  // empty: none is sent
  Headers headers;           // further ones
};

struct MultipartBody {
  std::string content_type;  // for the request's Content-Type: names the boundary
  std::string body;
};

// In the order given (requests puts plain fields before files). Without a boundary a random one of
// 128 bits is made. Throws std::invalid_argument for a boundary or a header that would break the
// message apart.
MultipartBody encode_multipart(const std::vector<Part>& parts, std::string_view boundary = {});

}  // namespace locust::http
