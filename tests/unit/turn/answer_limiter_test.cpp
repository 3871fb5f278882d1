#include "turnbuckle/turn/answer_limiter.hpp"

#include <malloc.h>

#include <random>

#include <gtest/gtest.h>

namespace turnbuckle::turn {
namespace {

using namespace std::chrono_literals;

class RepeatableRandom final : public Random {
public:
    explicit RepeatableRandom(unsigned seed) : engine_(seed) {}
    void fill(MutableBytes out) override {
        for (std::uint8_t& byte : out)
            byte = static_cast<std::uint8_t>(engine_());
    }

private:
    std::mt19937 engine_;
};

IpAddress ip(std::string_view text) {
    return IpAddress::parse(text).value();
}

IpAddress v4(std::uint32_t number) {
    std::array<std::uint8_t, 4> bytes{};
    store_be32(bytes.data(), number);
    return IpAddress::from_bytes(bytes);
}

class AnswerLimiterTest : public ::testing::Test {
protected:
    int allowed(AnswerLimiter& limiter, const IpAddress& source, int attempts) {
        int count = 0;
        for (int i = 0; i < attempts; ++i)
            count += limiter.allow(source, now_) ? 1 : 0;
        return count;
    }

    RepeatableRandom random_{1};
    AnswerLimiter limiter_{{.answers_per_second = 20, .burst = 60}, random_};
    Time now_{1000s};
};

TEST_F(AnswerLimiterTest, GrantsTheBurstThenTheRate) {
    const IpAddress source = ip("192.0.2.1");
    EXPECT_EQ(allowed(limiter_, source, 100), 60);
    now_ += 49ms;
    EXPECT_EQ(allowed(limiter_, source, 100), 0);
    now_ += 1ms;
    EXPECT_EQ(allowed(limiter_, source, 100), 1);
    now_ += 1s;
    EXPECT_EQ(allowed(limiter_, source, 100), 20);
    now_ += 1h;
    EXPECT_EQ(allowed(limiter_, source, 100), 60);
}

TEST_F(AnswerLimiterTest, AFloodDoesNotKeepTheBucketFromRefilling) {
    const IpAddress source = ip("192.0.2.1");
    EXPECT_EQ(allowed(limiter_, source, 60), 60);
    int count = 0;
    for (int i = 0; i < 1'000'000; ++i) {
        now_ += 1us;
        count += limiter_.allow(source, now_) ? 1 : 0;
    }
    EXPECT_EQ(count, 20);
}

TEST_F(AnswerLimiterTest, AnIpv4BudgetIsForASlash24) {
    EXPECT_EQ(allowed(limiter_, ip("192.0.2.0"), 100), 60);
    EXPECT_EQ(allowed(limiter_, ip("192.0.2.255"), 100), 0);
    EXPECT_EQ(allowed(limiter_, ip("192.0.3.0"), 100), 60);
    EXPECT_EQ(allowed(limiter_, ip("192.0.1.255"), 100), 60);
}

TEST_F(AnswerLimiterTest, AnIpv6BudgetIsForASlash56) {
    EXPECT_EQ(allowed(limiter_, ip("2001:db8:0:aa00::"), 100), 60);
    EXPECT_EQ(allowed(limiter_, ip("2001:db8:0:aaff:ffff:ffff:ffff:ffff"), 100), 0);
    EXPECT_EQ(allowed(limiter_, ip("2001:db8:0:ab00::"), 100), 60);
    EXPECT_EQ(allowed(limiter_, ip("2001:db8:0:a9ff:ffff:ffff:ffff:ffff"), 100), 60);
}

TEST_F(AnswerLimiterTest, ASpelledIpv4SourceSpendsTheBudgetOfItsNetwork) {
    EXPECT_EQ(allowed(limiter_, ip("::ffff:192.0.2.7"), 30), 30);
    EXPECT_EQ(allowed(limiter_, ip("64:ff9b::192.0.2.8"), 20), 20);
    EXPECT_EQ(allowed(limiter_, ip("192.0.2.9"), 100), 10);
}

TEST_F(AnswerLimiterTest, NoIpv4NetworkIsMistakenForAnIpv6One) {
    // The upper bits of both are c000:02..: only the family tells them apart.
    EXPECT_EQ(allowed(limiter_, ip("192.0.2.1"), 100), 60);
    EXPECT_EQ(allowed(limiter_, ip("c000:200::1"), 100), 60);
    EXPECT_EQ(allowed(limiter_, ip("0.0.0.0"), 100), 60);
    EXPECT_EQ(allowed(limiter_, ip("::"), 100), 60);
}

TEST_F(AnswerLimiterTest, ARateOfZeroIsNoLimit) {
    limiter_.set_limits({.answers_per_second = 0, .burst = 1});
    EXPECT_EQ(allowed(limiter_, ip("192.0.2.1"), 10000), 10000);
    limiter_.refund(ip("192.0.2.1"), now_);
    limiter_.set_limits({.answers_per_second = 1, .burst = 0});
    EXPECT_EQ(allowed(limiter_, ip("192.0.2.1"), 10), 1);
}

TEST_F(AnswerLimiterTest, TheWidestLimitsDoNotOverflow) {
    limiter_.set_limits({.answers_per_second = 1, .burst = UINT32_MAX});
    EXPECT_EQ(allowed(limiter_, ip("192.0.2.1"), 10000), 10000);
    limiter_.set_limits({.answers_per_second = UINT32_MAX, .burst = 1});
    EXPECT_EQ(allowed(limiter_, ip("198.51.100.1"), 10), 1);
}

TEST_F(AnswerLimiterTest, ARefundGivesBackOneAnswer) {
    const IpAddress source = ip("192.0.2.1");
    EXPECT_EQ(allowed(limiter_, source, 100), 60);
    limiter_.refund(ip("192.0.2.99"), now_);  // a neighbour behind the same NAT
    EXPECT_EQ(allowed(limiter_, source, 100), 1);
}

TEST_F(AnswerLimiterTest, RefundsNeverAddUpToMoreThanTheBurst) {
    const IpAddress source = ip("192.0.2.1");
    EXPECT_TRUE(limiter_.allow(source, now_));
    for (int i = 0; i < 1000; ++i)
        limiter_.refund(source, now_);
    EXPECT_EQ(allowed(limiter_, source, 1000), 60);
    for (int i = 0; i < 1000; ++i)
        limiter_.refund(ip("198.51.100.1"), now_);  // never charged
    EXPECT_EQ(allowed(limiter_, ip("198.51.100.1"), 1000), 60);
}

TEST_F(AnswerLimiterTest, ManyClientsOfOneNetworkThatAuthenticateAreAllServed) {
    const IpAddress network = ip("192.0.2.1");
    for (int client = 0; client < 10000; ++client) {
        ASSERT_TRUE(limiter_.allow(network, now_)) << client;
        limiter_.refund(network, now_);
    }
}

TEST_F(AnswerLimiterTest, AFloodOfForgedNetworksNeitherFreesTheAttackerNorStarvesANewcomer) {
    const IpAddress attacked = ip("203.0.113.1");
    EXPECT_EQ(allowed(limiter_, attacked, 1000), 60);
    // The attacked network's bucket refills as the flood goes on; keep it drained.
    int granted = 0;
    const std::size_t heap_before = mallinfo2().uordblks;
    for (std::uint32_t i = 0; i < 1'000'000; ++i) {
        now_ += 1us;
        ASSERT_TRUE(limiter_.allow(v4(0x0b000000u + (i << 8)), now_));  // 16 M /24s, each new
        granted += limiter_.allow(attacked, now_) ? 1 : 0;
    }
    EXPECT_EQ(mallinfo2().uordblks, heap_before);
    EXPECT_EQ(granted, 20);  // its rate, and not one burst more
    EXPECT_EQ(allowed(limiter_, ip("2001:db8::1"), 1000), 60);
}

TEST_F(AnswerLimiterTest, NeighbouringNetworksSpreadOverTheTableWhateverItsKey) {
    // 4096 drained networks in 8192 entries: few sets get more than four, so few are forgotten.
    for (const unsigned seed : {1u, 2u, 3u}) {
        RepeatableRandom random(seed);
        AnswerLimiter limiter({.answers_per_second = 1, .burst = 1}, random);
        for (std::uint32_t i = 0; i < 4096; ++i)
            EXPECT_TRUE(limiter.allow(v4(i << 8), now_));
        int forgotten = 0;
        for (std::uint32_t i = 0; i < 4096; ++i)
            forgotten += limiter.allow(v4(i << 8), now_) ? 1 : 0;
        EXPECT_LT(forgotten, 500);
    }
}

TEST_F(AnswerLimiterTest, NewLimitsHoldForNetworksAlreadyKnown) {
    const IpAddress source = ip("192.0.2.1");
    EXPECT_EQ(allowed(limiter_, source, 100), 60);
    limiter_.set_limits({.answers_per_second = 100, .burst = 10});
    now_ += 10s;
    EXPECT_EQ(allowed(limiter_, source, 100), 10);
}

}  // namespace
}  // namespace turnbuckle::turn
