// A request body from a file, read while it is sent.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "http/body_source.h"

namespace locust::http {

class FileSource final : public BodySource {
 public:
  // The whole of a regular file. Throws std::invalid_argument with one sentence where there is none
  // that can be read.
  explicit FileSource(std::string path);
  // `size` bytes of it, from `offset` on.
  FileSource(std::string path, std::uint64_t offset, std::uint64_t size);

  // As it was when the source was made: what is appended later is not sent, and a file that has
  // become shorter is a failure.
  std::optional<std::uint64_t> size() const override { return size_; }
  std::unique_ptr<BodyReader> open() const override;

 private:
  std::string path_;
  std::uint64_t offset_ = 0;
  std::uint64_t size_ = 0;
};

}  // namespace locust::http
