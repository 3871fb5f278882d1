// Random walks with fixed seeds: the invariants of support/engine_rig.hpp hold whatever comes, in
// whatever order.
#include "support/engine_walk.hpp"

#include <cstdint>
#include <vector>

#include <gtest/gtest.h>

#include "support/deterministic_random.hpp"
#include "support/engine_rig.hpp"

namespace turnbuckle::test {
namespace {

std::vector<std::uint8_t> decisions(std::uint64_t seed, std::size_t length) {
    std::vector<std::uint8_t> bytes(length);
    DeterministicRandom(seed).fill(bytes);
    return bytes;
}

TEST(EngineWalk, keeps_its_invariants_on_many_short_walks) {
    for (std::uint64_t seed = 1; seed <= 200; ++seed)
        ASSERT_NO_THROW(walk(decisions(seed, 500))) << "seed " << seed;
}

TEST(EngineWalk, keeps_its_invariants_on_a_few_long_walks) {
    WalkSummary all;
    for (std::uint64_t seed = 1000; seed < 1005; ++seed) {
        WalkSummary summary;
        ASSERT_NO_THROW(summary = walk(decisions(seed, 20'000))) << "seed " << seed;
        all.created += summary.created;
        all.relayed += summary.relayed;
        all.answers += summary.answers;
        all.bound += summary.bound;
    }
    // The walks get somewhere, or they would show nothing.
    EXPECT_GT(all.created, 100u);
    EXPECT_GT(all.relayed, 100u);
    EXPECT_GT(all.answers, 5000u);
    EXPECT_GT(all.bound, 20u);
}

}  // namespace
}  // namespace turnbuckle::test
