#include "turnbuckle/server/connection_limits.hpp"

#include <vector>

#include <gtest/gtest.h>

namespace turnbuckle::server {
namespace {

using Refusal = ConnectionLimits::Refusal;

IpAddress ip(const char* text) {
    return *IpAddress::parse(text);
}

TEST(ConnectionLimits, CountsByPrefixOfTheSource) {
    ConnectionLimits limits({.per_prefix = 2, .total = 100});
    const auto first = limits.admit(ip("192.0.2.1"));
    const auto second = limits.admit(ip("192.0.2.200"));
    ASSERT_TRUE(first && second);
    const auto third = limits.admit(ip("192.0.2.3"));
    ASSERT_FALSE(third);
    EXPECT_EQ(third.error(), Refusal::Prefix);
    EXPECT_TRUE(limits.admit(ip("192.0.3.1")));
    EXPECT_TRUE(limits.admit(ip("2001:db8::1")));
}

TEST(ConnectionLimits, ATicketGivesItsPlaceBackOnce) {
    ConnectionLimits limits({.per_prefix = 1, .total = 1});
    auto ticket = limits.admit(ip("192.0.2.1"));
    ASSERT_TRUE(ticket);
    ConnectionLimits::Ticket moved = std::move(*ticket);
    EXPECT_TRUE(moved.held());
    EXPECT_EQ(limits.open(), 1U);
    moved.release();
    moved.release();
    EXPECT_EQ(limits.open(), 0U);
    EXPECT_TRUE(limits.admit(ip("192.0.2.1")));
    EXPECT_EQ(limits.open(), 0U);
}

TEST(ConnectionLimits, RefusesBeyondTheTotal) {
    ConnectionLimits limits({.per_prefix = 10, .total = 2});
    const auto first = limits.admit(ip("192.0.2.1"));
    const auto second = limits.admit(ip("198.51.100.1"));
    ASSERT_TRUE(first && second);
    const auto third = limits.admit(ip("203.0.113.1"));
    ASSERT_FALSE(third);
    EXPECT_EQ(third.error(), Refusal::Total);
}

TEST(ConnectionLimits, NobodyMakesRoomForAPrefixThatHasAllItMayHave) {
    ConnectionLimits limits({.per_prefix = 1, .total = 2});
    const auto first = limits.admit(ip("192.0.2.1"));
    const auto second = limits.admit(ip("198.51.100.1"));
    ASSERT_TRUE(first && second);
    EXPECT_EQ(limits.admit(ip("192.0.2.2")).error(), Refusal::Prefix);
}

TEST(ConnectionLimits, TellsTheCompanyOfASource) {
    ConnectionLimits limits({.per_prefix = 10, .total = 10});
    const auto first = limits.admit(ip("192.0.2.1"));
    auto second = limits.admit(ip("192.0.2.2"));
    EXPECT_EQ(limits.held_beside(ip("192.0.2.3")), 2U);
    EXPECT_EQ(limits.held_beside(ip("192.0.3.3")), 0U);
    second->release();
    EXPECT_EQ(limits.held_beside(ip("192.0.2.3")), 1U);
}

TEST(ConnectionLimits, ALowerLimitLeavesThoseWhoAreThere) {
    ConnectionLimits limits({.per_prefix = 3, .total = 3});
    std::vector<ConnectionLimits::Ticket> tickets;
    for (int i = 0; i < 3; ++i)
        tickets.push_back(*limits.admit(ip("192.0.2.1")));
    limits.set_limits({.per_prefix = 1, .total = 100});
    EXPECT_EQ(limits.open(), 3U);
    EXPECT_FALSE(limits.admit(ip("192.0.2.1")));
    tickets.clear();
    EXPECT_TRUE(limits.admit(ip("192.0.2.1")));
}

}  // namespace
}  // namespace turnbuckle::server
