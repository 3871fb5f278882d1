#include "turnbuckle/net/local_addresses.hpp"

#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace turnbuckle::net {
namespace {

TEST(LocalAddresses, contain_loopback_once) {
    const auto addresses = local_addresses();
    EXPECT_THAT(addresses, testing::Contains(IpAddress::v4(127, 0, 0, 1)).Times(1));
    const std::set<IpAddress> distinct(addresses.begin(), addresses.end());
    EXPECT_EQ(distinct.size(), addresses.size());
}

TEST(LocalAddresses, are_all_local) {
    for (const IpAddress& ip : local_addresses())
        EXPECT_TRUE(is_local(ip)) << ip.to_string();
}

TEST(LocalAddresses, include_the_one_towards_the_internet) {
    for (const AddressFamily family : {AddressFamily::IPv4, AddressFamily::IPv6}) {
        const auto ip = default_route_address(family);
        if (!ip) continue;  // this machine has no such route
        EXPECT_EQ(ip->family(), family);
        EXPECT_THAT(local_addresses(), testing::Contains(*ip));
    }
}

TEST(IsLocal, knows_all_of_the_loopback_block) {
    EXPECT_TRUE(is_local(IpAddress::v4(127, 200, 3, 4)));
    EXPECT_TRUE(is_local(*IpAddress::parse("::1")));
}

TEST(IsLocal, denies_what_is_not_an_address_of_this_machine) {
    for (const char* text : {"203.0.113.1", "0.0.0.0", "224.0.0.1", "2001:db8::1", "::", "ff02::1"})
        EXPECT_FALSE(is_local(*IpAddress::parse(text))) << text;
}

}  // namespace
}  // namespace turnbuckle::net
