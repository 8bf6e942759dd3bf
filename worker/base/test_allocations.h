// Counts what a test program takes from the heap, for tests of paths that promise to do without.
// To be included by one file of a program: it replaces operators new and delete for all of it.
#pragma once

#include <cstddef>
#include <cstdlib>
#include <new>

namespace locust {

// Those of the thread that asks, since it began.
inline thread_local std::size_t allocations = 0;

}  // namespace locust

// Not inlined: GCC would see malloc() on one side of a pair and `delete` on the other, and warn.
// The form that does not throw is among them because the address sanitizer brings its own one
// otherwise and finds that its memory (std::stable_sort's) is given back to this file's delete.
// NOLINTBEGIN(misc-definitions-in-headers): replacements may not be inline
[[gnu::noinline]] void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  ++locust::allocations;
  return std::malloc(size);
}
[[gnu::noinline]] void* operator new(std::size_t size) {
  if (void* memory = operator new(size, std::nothrow)) return memory;
  throw std::bad_alloc();
}
[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
// NOLINTEND(misc-definitions-in-headers)
