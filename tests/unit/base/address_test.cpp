#include "turnbuckle/base/address.hpp"

#include <gtest/gtest.h>

namespace turnbuckle {
namespace {

TEST(IpAddress, ParsesAndPrintsBothFamilies) {
    for (const char* text : {"0.0.0.0", "192.0.2.1", "255.255.255.255", "::", "::1", "2001:db8::1"}) {
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

TEST(Endpoint, ParsesBracketsOnlyForIpv6) {
    EXPECT_EQ(Endpoint::parse("[2001:db8::1]:3478")->to_string(), "[2001:db8::1]:3478");
    EXPECT_EQ(Endpoint::parse("192.0.2.1:0")->port, 0);
    for (const char* text : {"2001:db8::1:3478", "[192.0.2.1]:1", "192.0.2.1", "192.0.2.1:65536", ":1"})
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

TEST(Cidr, RefusesHostBitsAndLongPrefixes) {
    for (const char* text : {"10.0.0.1/8", "10.0.0.0/33", "::/129", "10.0.0.0/", "10.0.0.0/x"})
        EXPECT_FALSE(Cidr::parse(text)) << text;
}

}  // namespace
}  // namespace turnbuckle
