#include "turnbuckle/base/log_limiter.hpp"

#include <gtest/gtest.h>

namespace turnbuckle {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr Time kStart{std::chrono::hours(1)};

IpAddress v4(int n) {
    return IpAddress::v4(10, static_cast<std::uint8_t>(n >> 8), static_cast<std::uint8_t>(n), 1);
}

TEST(LogLimiter, AdmitsTheFirstFewOfEachSecond) {
    LogLimiter limiter({.per_second = 2});
    EXPECT_TRUE(limiter.admit(v4(1), kStart));
    EXPECT_TRUE(limiter.admit(v4(1), kStart + milliseconds(500)));
    EXPECT_FALSE(limiter.admit(v4(1), kStart + milliseconds(999)));
    EXPECT_TRUE(limiter.admit(v4(1), kStart + seconds(1)));
}

TEST(LogLimiter, SaysNothingWhenNothingWasSuppressed) {
    LogLimiter limiter({.per_second = 2});
    EXPECT_TRUE(limiter.admit(v4(1), kStart));
    EXPECT_EQ(limiter.due(), std::nullopt);
    EXPECT_FALSE(limiter.take_summary(kStart + std::chrono::hours(1)));
    EXPECT_FALSE(limiter.take_rest(kStart + std::chrono::hours(1)));
}

TEST(LogLimiter, SumsUpTheRestOnceAnInterval) {
    LogLimiter limiter({.per_second = 5, .interval = seconds(10)});
    int admitted = 0;
    for (int i = 0; i < 12'350; ++i)
        admitted += limiter.admit(v4(i % 17), kStart) ? 1 : 0;
    EXPECT_EQ(admitted, 5);
    EXPECT_EQ(limiter.due(), kStart + seconds(10));
    EXPECT_FALSE(limiter.take_summary(kStart + milliseconds(9'999)));
    const auto summary = limiter.take_summary(kStart + seconds(10));
    ASSERT_TRUE(summary);
    EXPECT_EQ(summary->to_string(), "12345 more in 10 s from 17 prefixes");
    EXPECT_EQ(limiter.due(), std::nullopt);
    EXPECT_FALSE(limiter.take_summary(kStart + seconds(20)));
}

TEST(LogLimiter, TheNextIntervalStartsFromNothing) {
    LogLimiter limiter({.per_second = 0, .interval = seconds(10), .max_prefixes = 1});
    EXPECT_FALSE(limiter.admit(v4(1), kStart));
    EXPECT_FALSE(limiter.admit(v4(2), kStart));
    ASSERT_TRUE(limiter.take_summary(kStart + seconds(10)));
    EXPECT_FALSE(limiter.admit(v4(3), kStart + seconds(15)));
    const auto summary = limiter.take_summary(kStart + seconds(25));
    ASSERT_TRUE(summary);
    EXPECT_EQ(summary->to_string(), "1 more in 10 s from 1 prefix");
}

TEST(LogLimiter, ASourceIsItsPrefix) {
    LogLimiter limiter({.per_second = 0});
    for (const char* address : {"192.0.2.1", "192.0.2.255", "192.0.3.1",  // two /24
                                "2001:db8:0:ff::1", "2001:db8:0:fe::1",   // one /56
                                "2001:db8:0:100::1"}) {
        EXPECT_FALSE(limiter.admit(*IpAddress::parse(address), kStart));
    }
    const auto summary = limiter.take_rest(kStart + seconds(3));
    ASSERT_TRUE(summary);
    EXPECT_EQ(summary->to_string(), "6 more in 3 s from 4 prefixes");
}

TEST(LogLimiter, MemoryIsBoundedAndTheSummarySaysSo) {
    LogLimiter limiter({.per_second = 0, .max_prefixes = 100});
    for (int i = 0; i < 5'000; ++i)
        EXPECT_FALSE(limiter.admit(v4(i), kStart));
    const auto summary = limiter.take_rest(kStart + seconds(10));
    ASSERT_TRUE(summary);
    EXPECT_EQ(summary->to_string(), "5000 more in 10 s from at least 100 prefixes");
}

}  // namespace
}  // namespace turnbuckle
