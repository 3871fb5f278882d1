#include "turnbuckle/server/memory_return.hpp"

#include <gtest/gtest.h>

namespace turnbuckle::server {
namespace {

using namespace std::chrono_literals;

constexpr Time kStart{1h};

TEST(MemoryReturn, IsDoneOnceWhenManyConnectionsHaveGone) {
    MemoryReturn memory;
    EXPECT_FALSE(memory.follow(5000, kStart));
    EXPECT_FALSE(memory.follow(2501, kStart + 1s));
    EXPECT_FALSE(memory.follow(2501, kStart + 9s));
    EXPECT_FALSE(memory.follow(2500, kStart + 10s));
    EXPECT_TRUE(memory.follow(2500, kStart + 15s));
    EXPECT_FALSE(memory.follow(2500, kStart + 16s));
}

TEST(MemoryReturn, WaitsUntilNoMoreAreGoing) {
    MemoryReturn memory;
    std::size_t connections = 5000;
    Time now = kStart;
    for (; connections > 0; connections -= 100, now += 1s)
        EXPECT_FALSE(memory.follow(connections, now));
    EXPECT_FALSE(memory.follow(0, now));
    EXPECT_FALSE(memory.follow(3, now + 4s));
    EXPECT_TRUE(memory.follow(3, now + 5s));
}

TEST(MemoryReturn, IsNotWorthItForAFew) {
    MemoryReturn memory;
    EXPECT_FALSE(memory.follow(999, kStart));
    EXPECT_FALSE(memory.follow(0, kStart + 1s));
    EXPECT_FALSE(memory.follow(0, kStart + 1h));
}

}  // namespace
}  // namespace turnbuckle::server
