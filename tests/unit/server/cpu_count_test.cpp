#include "turnbuckle/server/cpu_count.hpp"

#include <gtest/gtest.h>

namespace turnbuckle::server {
namespace {

TEST(CpuCount, AQuotaOfTimeIsRoundedUpToWholeCpus) {
    EXPECT_EQ(cpus_of_quota("150000 100000", 8), 2u);
    EXPECT_EQ(cpus_of_quota("200000 100000", 8), 2u);
    EXPECT_EQ(cpus_of_quota("10000 100000", 8), 1u);
}

TEST(CpuCount, AQuotaNeverGrantsMoreThanThereIs) {
    EXPECT_EQ(cpus_of_quota("1600000 100000", 4), 4u);
}

TEST(CpuCount, NoLimitAndNonsenseFallBack) {
    for (const char* text : {"max 100000", "", "100000", "100000 0", "x y", "100000 "})
        EXPECT_EQ(cpus_of_quota(text, 3), 3u) << text;
}

TEST(CpuCount, ThereIsAlwaysOne) {
    EXPECT_GE(usable_cpus(), 1u);
}

}  // namespace
}  // namespace turnbuckle::server
