// Counts every operator new of this test program, to show that a path does not use the heap.
#pragma once

#include <cstddef>

namespace turnbuckle::net::test {

[[nodiscard]] std::size_t allocations() noexcept;  // since the program started

}  // namespace turnbuckle::net::test
