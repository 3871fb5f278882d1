#include "turnbuckle/turn/five_tuple.hpp"

#include <unordered_set>

#include <gtest/gtest.h>

namespace turnbuckle::turn {
namespace {

FiveTuple sample() {
    return {{IpAddress::v4(192, 0, 2, 1), 50000},
            {IpAddress::v4(198, 51, 100, 1), 3478},
            Transport::Udp};
}

TEST(FiveTuple, DiffersInEveryPart) {
    std::unordered_set<FiveTuple> seen{sample()};
    EXPECT_FALSE(seen.insert(sample()).second);

    FiveTuple other = sample();
    other.client.port = 50001;
    EXPECT_TRUE(seen.insert(other).second);
    other = sample();
    other.client.ip = IpAddress::v4(192, 0, 2, 2);
    EXPECT_TRUE(seen.insert(other).second);
    other = sample();
    other.server.port = 3479;
    EXPECT_TRUE(seen.insert(other).second);
    other = sample();
    other.transport = Transport::Dtls;
    EXPECT_TRUE(seen.insert(other).second);
}

TEST(FiveTuple, SwappingTheEndsIsAnotherTuple) {
    FiveTuple swapped = sample();
    std::swap(swapped.client, swapped.server);
    EXPECT_NE(swapped, sample());
    EXPECT_NE(hash_value(swapped), hash_value(sample()));
}

TEST(FiveTuple, HashSpreadsNeighbouringClientsOverTheLowBits) {
    FiveTuple t = sample();
    std::array<int, 256> buckets{};
    for (unsigned port = 1024; port < 1024 + 256 * 64; ++port) {
        t.client.port = static_cast<std::uint16_t>(port);
        ++buckets[hash_value(t) & 255];
    }
    for (const int n : buckets) {
        EXPECT_GT(n, 16);
        EXPECT_LT(n, 160);
    }
}

}  // namespace
}  // namespace turnbuckle::turn
