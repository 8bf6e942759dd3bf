// Read buffers of one shard. A connection holds one only while a response is expected, so that idle
// connections cost none; the last one given back is the next one lent, so that it is in the cache.
#pragma once

#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

namespace locust::http {

class BufferPool;

// A lent buffer; gives itself back. Not longer than its pool.
class Buffer {
 public:
  Buffer() = default;
  Buffer(Buffer&& other) noexcept
      : pool_(std::exchange(other.pool_, nullptr)), bytes_(std::move(other.bytes_)) {}
  Buffer& operator=(Buffer&& other) noexcept;
  ~Buffer() { give_back(); }

  explicit operator bool() const { return pool_ != nullptr; }
  char* data() { return bytes_.get(); }
  const char* data() const { return bytes_.get(); }

 private:
  friend class BufferPool;
  Buffer(BufferPool& pool, std::unique_ptr<char[]> bytes)
      : pool_(&pool), bytes_(std::move(bytes)) {}
  void give_back();

  BufferPool* pool_ = nullptr;
  std::unique_ptr<char[]> bytes_;
};

class BufferPool {
 public:
  static constexpr std::size_t kBufferSize = 8192;  // bytes

  BufferPool() = default;
  BufferPool(const BufferPool&) = delete;
  BufferPool& operator=(const BufferPool&) = delete;

  Buffer lend() {
    if (free_.empty()) return {*this, std::unique_ptr<char[]>(new char[kBufferSize])};
    Buffer buffer(*this, std::move(free_.back()));
    free_.pop_back();
    return buffer;
  }

 private:
  friend class Buffer;
  // What a burst needed is kept up to this; the rest is freed.
  static constexpr std::size_t kMostFree = 1024;
  std::vector<std::unique_ptr<char[]>> free_;
};

inline void Buffer::give_back() {
  if (pool_ == nullptr) return;
  BufferPool& pool = *std::exchange(pool_, nullptr);
  if (pool.free_.size() < BufferPool::kMostFree) {
    pool.free_.push_back(std::move(bytes_));
  } else {
    bytes_.reset();
  }
}

inline Buffer& Buffer::operator=(Buffer&& other) noexcept {
  if (this != &other) {
    give_back();
    pool_ = std::exchange(other.pool_, nullptr);
    bytes_ = std::move(other.bytes_);
  }
  return *this;
}

}  // namespace locust::http
