#include "turnbuckle/net/socket_address.hpp"

#include <arpa/inet.h>

#include <gtest/gtest.h>

namespace turnbuckle::net {
namespace {

TEST(SocketAddress, has_the_kernels_layout_for_ipv4) {
    SocketAddress address{};
    EXPECT_EQ(to_socket_address({IpAddress::v4(192, 0, 2, 1), 3478}, address), sizeof(sockaddr_in));
    EXPECT_EQ(address.v4.sin_family, AF_INET);
    EXPECT_EQ(address.v4.sin_port, htons(3478));
    EXPECT_EQ(address.v4.sin_addr.s_addr, inet_addr("192.0.2.1"));
}

TEST(SocketAddress, has_the_kernels_layout_for_ipv6) {
    SocketAddress address{};
    EXPECT_EQ(to_socket_address({*IpAddress::parse("2001:db8::7"), 5349}, address),
              sizeof(sockaddr_in6));
    in6_addr expected{};
    ASSERT_EQ(inet_pton(AF_INET6, "2001:db8::7", &expected), 1);
    EXPECT_EQ(address.v6.sin6_family, AF_INET6);
    EXPECT_EQ(address.v6.sin6_port, htons(5349));
    EXPECT_TRUE(IN6_ARE_ADDR_EQUAL(&address.v6.sin6_addr, &expected));
    EXPECT_EQ(address.v6.sin6_scope_id, 0u);
}

TEST(SocketAddress, comes_back_as_the_same_endpoint) {
    for (const char* text : {"192.0.2.1:3478", "255.255.255.255:65535", "[2001:db8::7]:1",
                             "[::ffff:192.0.2.1]:49152", "[::]:0"}) {
        const Endpoint endpoint = *Endpoint::parse(text);
        SocketAddress address{};
        to_socket_address(endpoint, address);
        EXPECT_EQ(to_endpoint(address), endpoint) << text;
    }
}

TEST(SocketAddress, leaves_nothing_of_the_other_family_behind) {
    SocketAddress address{};
    to_socket_address({*IpAddress::parse("2001:db8:ffff:ffff:ffff:ffff:ffff:ffff"), 65535},
                      address);
    to_socket_address({IpAddress::v4(10, 0, 0, 1), 1}, address);
    EXPECT_EQ(to_endpoint(address), (Endpoint{IpAddress::v4(10, 0, 0, 1), 1}));
}

TEST(SocketAddress, of_another_family_is_no_endpoint) {
    SocketAddress address{};
    address.any.sa_family = AF_UNIX;
    EXPECT_EQ(to_endpoint(address), Endpoint{});
}

}  // namespace
}  // namespace turnbuckle::net
