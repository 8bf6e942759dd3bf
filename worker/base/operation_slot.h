// Memory for one pending operation of an event loop, within the object that waits for it: starting
// to read costs no allocation. Anything larger, or a second one at the same time, comes from the
// heap.
#pragma once

#include <array>
#include <cstddef>
#include <new>

namespace locust {

template <std::size_t Size>
class OperationSlot {
 public:
  // A standard allocator over the slot; the slot must outlive what it gives out.
  template <class T>
  class Allocator {
   public:
    using value_type = T;

    explicit Allocator(OperationSlot& slot) : slot_(&slot) {}
    template <class U>
    explicit Allocator(const Allocator<U>& other) : slot_(other.slot_) {}

    T* allocate(std::size_t count) {
      if (!slot_->used_ && count * sizeof(T) <= Size) {
        slot_->used_ = true;
        return reinterpret_cast<T*>(slot_->bytes_.data());
      }
      return static_cast<T*>(::operator new(count * sizeof(T)));
    }
    void deallocate(T* memory, std::size_t) {
      if (reinterpret_cast<std::byte*>(memory) == slot_->bytes_.data()) {
        slot_->used_ = false;
      } else {
        ::operator delete(memory);
      }
    }
    template <class U>
    bool operator==(const Allocator<U>& other) const {
      return slot_ == other.slot_;
    }

   private:
    template <class U>
    friend class Allocator;
    OperationSlot* slot_;
  };

 private:
  alignas(std::max_align_t) std::array<std::byte, Size> bytes_;
  bool used_ = false;
};

}  // namespace locust
