#include "base/operation_slot.h"

#include <gtest/gtest.h>

namespace locust {
namespace {

using Slot = OperationSlot<64>;

bool is_within(const void* memory, const Slot& slot) {
  const auto* at = static_cast<const std::byte*>(memory);
  const auto* start = reinterpret_cast<const std::byte*>(&slot);
  return at >= start && at < start + sizeof(slot);
}

TEST(OperationSlot, LendsItsOwnMemoryAgainAndAgain) {
  Slot slot;
  Slot::Allocator<int> allocator(slot);
  for (int i = 0; i < 3; ++i) {
    int* memory = allocator.allocate(16);
    EXPECT_TRUE(is_within(memory, slot));
    allocator.deallocate(memory, 16);
  }
}

TEST(OperationSlot, TakesFromTheHeapWhatDoesNotFitOrComesSecond) {
  Slot slot;
  Slot::Allocator<int> allocator(slot);
  int* large = allocator.allocate(17);
  EXPECT_FALSE(is_within(large, slot));
  int* first = allocator.allocate(4);
  const Slot::Allocator<char> other(allocator);
  char* second = Slot::Allocator<char>(other).allocate(4);
  EXPECT_TRUE(is_within(first, slot));
  EXPECT_FALSE(is_within(second, slot));
  Slot::Allocator<char>(other).deallocate(second, 4);
  allocator.deallocate(first, 4);
  allocator.deallocate(large, 17);
}

}  // namespace
}  // namespace locust
