#include "support/allocation_counter.hpp"

#include <cstdlib>
#include <new>

namespace turnbuckle::test {

namespace {

thread_local std::size_t count = 0;

[[maybe_unused]] void* allocate(std::size_t size) {
    ++count;
    if (void* memory = std::malloc(size > 0 ? size : 1)) return memory;
    throw std::bad_alloc();
}

}  // namespace

std::size_t allocations_of_this_thread() noexcept {
    return count;
}

}  // namespace turnbuckle::test

#ifndef TURNBUCKLE_TEST_HEAP_IS_THE_SANITIZERS
void* operator new(std::size_t size) {
    return turnbuckle::test::allocate(size);
}
void* operator new[](std::size_t size) {
    return turnbuckle::test::allocate(size);
}
void operator delete(void* memory) noexcept {
    std::free(memory);
}
void operator delete[](void* memory) noexcept {
    std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
    std::free(memory);
}
void operator delete[](void* memory, std::size_t) noexcept {
    std::free(memory);
}
#endif
