#include "http/file_source.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <stdexcept>
#include <system_error>
#include <utility>

#include "http/failure.h"

namespace locust::http {

namespace {

class Descriptor {
 public:
  explicit Descriptor(const std::string& path)
      : number_(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)) {}
  ~Descriptor() {
    if (number_ >= 0) ::close(number_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int number() const { return number_; }

 private:
  int number_;
};

class FileReader final : public BodyReader {
 public:
  FileReader(const std::string& path, std::uint64_t offset, std::uint64_t size)
      : file_(path), error_(file_.number() < 0 ? errno : 0), offset_(offset), left_(size) {}

  Status read(std::span<char> into, std::size_t& size) override {
    if (error_ != 0) return Status::failed;
    const std::size_t most = std::min<std::uint64_t>(into.size(), left_);
    if (most == 0) return Status::ended;
    ssize_t count = 0;
    do {
      count = ::pread(file_.number(), into.data(), most, static_cast<off_t>(offset_));
    } while (count < 0 && errno == EINTR);
    if (count < 0) {
      error_ = errno;
      return Status::failed;
    }
    if (count == 0) return Status::ended;
    size = static_cast<std::size_t>(count);
    offset_ += size;
    left_ -= size;
    return Status::some;
  }
  std::string failure() const override { return failure_of_errno(error_); }

 private:
  Descriptor file_;
  int error_;
  std::uint64_t offset_;
  std::uint64_t left_;
};

std::uint64_t size_of(const std::string& path) {
  const Descriptor file(path);
  struct stat facts {};
  if (file.number() < 0 || ::fstat(file.number(), &facts) != 0) {
    throw std::invalid_argument(fmt::format("the file '{}' cannot be read: {}", path,
                                            std::generic_category().message(errno)));
  }
  if (!S_ISREG(facts.st_mode)) {
    throw std::invalid_argument(fmt::format("'{}' is not a regular file", path));
  }
  return static_cast<std::uint64_t>(facts.st_size);
}

}  // namespace

FileSource::FileSource(std::string path) : path_(std::move(path)), size_(size_of(path_)) {}

FileSource::FileSource(std::string path, std::uint64_t offset, std::uint64_t size)
    : path_(std::move(path)), offset_(offset), size_(size) {
  const std::uint64_t whole = size_of(path_);
  if (offset > whole || size > whole - offset) {
    throw std::invalid_argument(fmt::format("the file '{}' has only {} bytes", path_, whole));
  }
}

std::unique_ptr<BodyReader> FileSource::open() const {
  return std::make_unique<FileReader>(path_, offset_, size_);
}

}  // namespace locust::http
