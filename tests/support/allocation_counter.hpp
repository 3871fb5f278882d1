// Counts every operator new of the test program that it is compiled into, to show that a path does
// not use the heap. By thread, so that a test's other threads do not disturb it.
//
// Clang's sanitizers bring an operator new of their own that cannot be replaced: no counting there.
#pragma once

#include <cstddef>

#if defined(__clang__) && defined(__has_feature)
#if __has_feature(thread_sanitizer) || __has_feature(address_sanitizer)
#define TURNBUCKLE_TEST_HEAP_IS_THE_SANITIZERS
#endif
#endif

namespace turnbuckle::test {

#ifdef TURNBUCKLE_TEST_HEAP_IS_THE_SANITIZERS
inline constexpr bool kCountsAllocations = false;
#else
inline constexpr bool kCountsAllocations = true;
#endif

// Since this thread started.
[[nodiscard]] std::size_t allocations_of_this_thread() noexcept;

}  // namespace turnbuckle::test
