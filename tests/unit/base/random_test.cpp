#include "turnbuckle/base/random.hpp"

#include <algorithm>
#include <set>
#include <utility>
#include <vector>

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
    for (int i = 0; i < 1000; ++i)
        seen.insert(random.below(7));
    EXPECT_EQ(seen.size(), 7u);
    EXPECT_EQ(*seen.rbegin(), 6u);
}

class Constant final : public Random {
public:
    explicit Constant(std::vector<std::uint32_t> values) : values_(std::move(values)) {}
    void fill(MutableBytes out) override { store_be32(out.data(), values_.at(drawn_++)); }
    [[nodiscard]] std::size_t drawn() const { return drawn_; }

private:
    std::vector<std::uint32_t> values_;
    std::size_t drawn_ = 0;
};

TEST(Random, BelowDrawsAgainWhatWouldFavourSmallValues) {
    Constant random({0xffffffffu, 0xfffffffeu, 13u});
    EXPECT_EQ(random.below(10), 3u);
    EXPECT_EQ(random.drawn(), 3u);
}

TEST(SecureRandom, FillsMoreThanItsBlockToTheLastByte) {
    SecureRandom random;
    std::vector<std::uint8_t> large(10000, 0);
    std::vector<bool> touched(large.size(), false);
    // A byte stays zero 8 times in a row with probability 2^-64.
    for (int round = 0; round < 8; ++round) {
        random.fill(large);
        for (std::size_t i = 0; i < large.size(); ++i)
            if (large[i] != 0) touched[i] = true;
    }
    EXPECT_EQ(std::ranges::count(touched, false), 0);
}

}  // namespace
}  // namespace turnbuckle
