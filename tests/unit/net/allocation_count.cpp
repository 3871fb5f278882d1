#include "unit/net/allocation_count.hpp"

#include <atomic>
#include <cstdlib>
#include <new>

namespace turnbuckle::net::test {

namespace {

std::atomic<std::size_t> count{0};

[[maybe_unused]] void* allocate(std::size_t size) {
    count.fetch_add(1, std::memory_order_relaxed);
    if (void* memory = std::malloc(size > 0 ? size : 1)) return memory;
    throw std::bad_alloc();
}

}  // namespace

std::size_t allocations() noexcept {
    return count.load(std::memory_order_relaxed);
}

}  // namespace turnbuckle::net::test

#ifndef TURNBUCKLE_TEST_HEAP_IS_THE_SANITIZERS
void* operator new(std::size_t size) {
    return turnbuckle::net::test::allocate(size);
}
void* operator new[](std::size_t size) {
    return turnbuckle::net::test::allocate(size);
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
