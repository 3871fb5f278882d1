#include "turnbuckle/base/metrics.hpp"

#include <thread>

#include <gtest/gtest.h>

namespace turnbuckle {
namespace {

constexpr std::array kBounds{1.0, 10.0, 100.0};

TEST(Counter, AddsUpBeyond32Bits) {
    Counter counter;
    counter.add();
    counter.add(std::uint64_t{1} << 40);
    EXPECT_EQ(counter.value(), (std::uint64_t{1} << 40) + 1);
}

TEST(Counter, IsReadWhileItsOwnerWrites) {
    Counter counter;
    std::thread owner([&] {
        for (int i = 0; i < 100000; ++i)
            counter.add();
    });
    std::uint64_t last = 0;
    while (last < 100000) {
        const std::uint64_t value = counter.value();
        ASSERT_GE(value, last);
        last = value;
    }
    owner.join();
}

TEST(Gauge, GoesUpAndDownAndBelowZero) {
    Gauge gauge;
    gauge.set(5);
    gauge.add(-7);
    EXPECT_EQ(gauge.value(), -2);
}

TEST(Histogram, ABoundBelongsToItsOwnBucket) {
    Histogram<3> histogram(kBounds);
    for (const double value : {0.0, 1.0, 1.5, 10.0, 100.0, 100.5, 1e9})
        histogram.observe(value);
    EXPECT_EQ(histogram.count(0), 2u);
    EXPECT_EQ(histogram.count(1), 2u);
    EXPECT_EQ(histogram.count(2), 1u);
    EXPECT_EQ(histogram.count(3), 2u);
    EXPECT_DOUBLE_EQ(histogram.sum(), 1e9 + 213.0);
}

}  // namespace
}  // namespace turnbuckle
