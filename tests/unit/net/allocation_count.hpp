// Counts every operator new of this test program, to show that a path does not use the heap.
// Clang's sanitizers bring an operator new of their own that cannot be replaced: no counting there.
#pragma once

#include <cstddef>

#if defined(__clang__) && defined(__has_feature)
#if __has_feature(thread_sanitizer) || __has_feature(address_sanitizer)
#define TURNBUCKLE_TEST_HEAP_IS_THE_SANITIZERS
#endif
#endif

namespace turnbuckle::net::test {

#ifdef TURNBUCKLE_TEST_HEAP_IS_THE_SANITIZERS
inline constexpr bool kCountsAllocations = false;
#else
inline constexpr bool kCountsAllocations = true;
#endif

[[nodiscard]] std::size_t allocations() noexcept;  // since the program started

}  // namespace turnbuckle::net::test
