#include "turnbuckle/base/random.hpp"

#include <set>

#include <gtest/gtest.h>

namespace turnbuckle {
namespace {

TEST(SecureRandom, DoesNotRepeatAcrossBlocks) {
    SecureRandom random;
    std::set<std::array<std::uint8_t, 12>> seen;
    for (int i = 0; i < 2000; ++i) {
        std::array<std::uint8_t, 12> id{};
        random.fill(id);
        EXPECT_TRUE(seen.insert(id).second);
    }
}

TEST(Random, BelowStaysInRangeAndReachesEveryValue) {
    SecureRandom random;
    std::set<std::uint32_t> seen;
    for (int i = 0; i < 1000; ++i) seen.insert(random.below(7));
    EXPECT_EQ(seen.size(), 7u);
    EXPECT_EQ(*seen.rbegin(), 6u);
}

}  // namespace
}  // namespace turnbuckle
