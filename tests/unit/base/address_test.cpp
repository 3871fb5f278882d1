#include "turnbuckle/base/address.hpp"

#include <algorithm>
#include <array>
#include <set>

#include <gtest/gtest.h>

namespace turnbuckle {
namespace {

TEST(IpAddress, ParsesAndPrintsBothFamilies) {
    for (const char* text :
         {"0.0.0.0", "192.0.2.1", "255.255.255.255", "::", "::1", "2001:db8::1"}) {
        const auto ip = IpAddress::parse(text);
        ASSERT_TRUE(ip) << text;
        EXPECT_EQ(ip->to_string(), text);
    }
}

TEST(IpAddress, RefusesWhatIsNotAnAddress) {
    for (const char* text : {"", "1.2.3", "1.2.3.256", "1.2.3.4 ", "::g", "fe80::1%eth0", "[::1]"})
        EXPECT_FALSE(IpAddress::parse(text)) << text;
}

TEST(IpAddress, MappedAndPlainAreDifferentValues) {
    EXPECT_NE(*IpAddress::parse("::ffff:127.0.0.1"), *IpAddress::parse("127.0.0.1"));
}

TEST(IpAddress, KnowsLoopback) {
    EXPECT_TRUE(IpAddress::parse("127.8.9.1")->is_loopback());
    EXPECT_TRUE(IpAddress::parse("::1")->is_loopback());
    EXPECT_FALSE(IpAddress::parse("::2")->is_loopback());
    EXPECT_FALSE(IpAddress::parse("128.0.0.1")->is_loopback());
}

TEST(IpAddress, KnowsUnspecifiedOfBothFamiliesAndNoOther) {
    for (const auto family : {AddressFamily::IPv4, AddressFamily::IPv6}) {
        EXPECT_EQ(IpAddress::any(family).family(), family);
        EXPECT_TRUE(IpAddress::any(family).is_unspecified());
        EXPECT_FALSE(IpAddress::any(family).is_loopback());
    }
    EXPECT_NE(IpAddress::any(AddressFamily::IPv4), IpAddress::any(AddressFamily::IPv6));
    EXPECT_FALSE(IpAddress::parse("::1")->is_unspecified());
    EXPECT_FALSE(IpAddress::parse("0.0.0.1")->is_unspecified());
}

TEST(IpAddress, KeepsTheBytesItIsMadeOf) {
    const std::array<std::uint8_t, 4> four{192, 0, 2, 1};
    EXPECT_EQ(IpAddress::from_bytes(four), IpAddress::v4(192, 0, 2, 1));
    EXPECT_EQ(IpAddress::from_bytes(four).bytes().size(), 4u);
    std::array<std::uint8_t, 16> sixteen{};
    sixteen[0] = 0x20;
    sixteen[15] = 9;
    EXPECT_EQ(IpAddress::from_bytes(sixteen), *IpAddress::parse("2000::9"));
    EXPECT_TRUE(std::ranges::equal(IpAddress::from_bytes(sixteen).bytes(), sixteen));
}

TEST(IpAddress, HashTellsNeighboursAndFamiliesApart) {
    std::set<std::size_t> seen;
    for (unsigned i = 0; i < 256; ++i) {
        seen.insert(hash_value(IpAddress::v4(10, 0, 0, static_cast<std::uint8_t>(i))));
        seen.insert(hash_value(IpAddress::v4(static_cast<std::uint8_t>(i), 1, 0, 0)));
    }
    EXPECT_EQ(seen.size(), 512u);
    EXPECT_NE(hash_value(*IpAddress::parse("2001:db8::1")),
              hash_value(*IpAddress::parse("2001:db8:0:1::")));
    const Endpoint one{IpAddress::v4(10, 0, 0, 1), 1};
    const Endpoint two{IpAddress::v4(10, 0, 0, 1), 2};
    EXPECT_NE(hash_value(one), hash_value(two));
}

TEST(Endpoint, ParsesBracketsOnlyForIpv6) {
    EXPECT_EQ(Endpoint::parse("[2001:db8::1]:3478")->to_string(), "[2001:db8::1]:3478");
    EXPECT_EQ(Endpoint::parse("192.0.2.1:0")->port, 0);
    for (const char* text :
         {"2001:db8::1:3478", "[192.0.2.1]:1", "192.0.2.1", "192.0.2.1:65536", ":1"})
        EXPECT_FALSE(Endpoint::parse(text)) << text;
}

TEST(Cidr, ContainsByPrefixAndFamily) {
    const auto block = Cidr::parse("10.128.0.0/9");
    ASSERT_TRUE(block);
    EXPECT_TRUE(block->contains(*IpAddress::parse("10.128.0.1")));
    EXPECT_TRUE(block->contains(*IpAddress::parse("10.255.255.255")));
    EXPECT_FALSE(block->contains(*IpAddress::parse("10.127.255.255")));
    EXPECT_FALSE(block->contains(*IpAddress::parse("::ffff:10.128.0.1")));
    EXPECT_TRUE(Cidr::parse("::/0")->contains(*IpAddress::parse("2001:db8::1")));
    EXPECT_EQ(Cidr::parse("::1")->length(), 128u);
}

TEST(Cidr, MasksExactlyItsLength) {
    const IpAddress ones4 = *IpAddress::parse("255.255.255.255");
    EXPECT_EQ(masked(ones4, 0).to_string(), "0.0.0.0");
    EXPECT_EQ(masked(ones4, 1).to_string(), "128.0.0.0");
    EXPECT_EQ(masked(ones4, 23).to_string(), "255.255.254.0");
    EXPECT_EQ(masked(ones4, 24).to_string(), "255.255.255.0");
    EXPECT_EQ(masked(ones4, 32), ones4);
    const IpAddress ones6 = *IpAddress::parse("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff");
    EXPECT_EQ(masked(ones6, 57).to_string(), "ffff:ffff:ffff:ff80::");
    EXPECT_EQ(masked(ones6, 128), ones6);
}

TEST(Cidr, ClearsExcessBitsAndClampsItsLength) {
    EXPECT_EQ(Cidr(*IpAddress::parse("10.1.2.3"), 8).to_string(), "10.0.0.0/8");
    EXPECT_EQ(Cidr(*IpAddress::parse("10.1.2.3"), 99).to_string(), "10.1.2.3/32");
    EXPECT_EQ(Cidr(*IpAddress::parse("10.9.9.9"), 8), *Cidr::parse("10.0.0.0/8"));
}

TEST(Cidr, RefusesHostBitsAndLongPrefixes) {
    for (const char* text : {"10.0.0.1/8", "10.0.0.0/33", "::/129", "10.0.0.0/", "10.0.0.0/x"})
        EXPECT_FALSE(Cidr::parse(text)) << text;
}

}  // namespace
}  // namespace turnbuckle
