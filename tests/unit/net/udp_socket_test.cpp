#include "turnbuckle/net/udp_socket.hpp"

#include <netinet/in.h>
#include <netinet/udp.h>
#include <sys/socket.h>

#include <gtest/gtest.h>

#include "unit/net/loopback.hpp"

namespace turnbuckle::net {
namespace {

using test::on;
using test::open_or_throw;

int option(const UdpSocket& socket, int level, int name) {
    int value = -1;
    socklen_t length = sizeof value;
    return ::getsockopt(socket.fd(), level, name, &value, &length) == 0 ? value : -1;
}

TEST(UdpSocket, tells_the_port_that_the_kernel_chose) {
    for (const char* ip : {"127.0.0.1", "::1"}) {
        const UdpSocket socket = open_or_throw(on(ip));
        EXPECT_EQ(socket.local().ip, *IpAddress::parse(ip));
        EXPECT_NE(socket.local().port, 0);
        EXPECT_FALSE(socket.is_wildcard());
    }
}

TEST(UdpSocket, on_both_wildcards_stands_side_by_side) {
    const UdpSocket v4 = open_or_throw(on("0.0.0.0"));
    const UdpSocket v6 = open_or_throw(on("::", v4.local().port));
    EXPECT_TRUE(v4.is_wildcard());
    EXPECT_TRUE(v6.is_wildcard());
    EXPECT_EQ(option(v6, IPPROTO_IPV6, IPV6_V6ONLY), 1);
}

TEST(UdpSocket, reports_a_port_in_use_as_a_value) {
    const UdpSocket first = open_or_throw(on("127.0.0.1"));
    const auto second = open_udp(first.local());
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error(), std::errc::address_in_use);
}

TEST(UdpSocket, reports_a_foreign_address_as_a_value) {
    const auto socket = open_udp(on("203.0.113.1"));
    ASSERT_FALSE(socket);
    EXPECT_EQ(socket.error(), std::errc::address_not_available);
}

TEST(UdpSocket, shares_its_port_only_on_request) {
    const UdpSocket first = open_or_throw(on("127.0.0.1"), {.reuse_port = true});
    EXPECT_TRUE(open_udp(first.local(), {.reuse_port = true}));
    EXPECT_FALSE(open_udp(first.local()));
}

TEST(UdpSocket, reads_its_buffers_back_doubled) {
    const UdpSocket socket =
        open_or_throw(on("127.0.0.1"), {.receive_buffer = 100'000, .send_buffer = 50'000});
    EXPECT_EQ(socket.receive_buffer(), 200'000);
    EXPECT_EQ(socket.send_buffer(), 100'000);
    EXPECT_EQ(socket.receive_buffer(), option(socket, SOL_SOCKET, SO_RCVBUF));
    EXPECT_EQ(socket.send_buffer(), option(socket, SOL_SOCKET, SO_SNDBUF));
}

TEST(UdpSocket, keeps_the_systems_buffers_where_none_are_asked_for) {
    const FileDescriptor plain(::socket(AF_INET, SOCK_DGRAM, 0));
    int expected = 0;
    socklen_t length = sizeof expected;
    ASSERT_EQ(::getsockopt(plain.get(), SOL_SOCKET, SO_RCVBUF, &expected, &length), 0);
    const UdpSocket socket =
        open_or_throw(on("127.0.0.1"), {.receive_buffer = 0, .send_buffer = 0});
    EXPECT_EQ(socket.receive_buffer(), expected);
}

TEST(UdpSocket, lets_its_datagrams_be_fragmented) {
    EXPECT_EQ(option(open_or_throw(on("127.0.0.1")), IPPROTO_IP, IP_MTU_DISCOVER),
              IP_PMTUDISC_DONT);
    EXPECT_EQ(option(open_or_throw(on("::1")), IPPROTO_IPV6, IPV6_MTU_DISCOVER),
              IPV6_PMTUDISC_DONT);
}

TEST(UdpSocket, asks_for_the_destination_where_it_can_differ) {
    EXPECT_EQ(option(open_or_throw(on("0.0.0.0")), IPPROTO_IP, IP_PKTINFO), 1);
    EXPECT_EQ(option(open_or_throw(on("::")), IPPROTO_IPV6, IPV6_RECVPKTINFO), 1);
    EXPECT_EQ(option(open_or_throw(on("127.0.0.1")), IPPROTO_IP, IP_PKTINFO), 0);
}

TEST(UdpSocket, has_gro_and_drop_counting_only_on_request) {
    const UdpSocket plain = open_or_throw(on("127.0.0.1"));
    EXPECT_EQ(option(plain, IPPROTO_UDP, UDP_GRO), 0);
    EXPECT_EQ(option(plain, SOL_SOCKET, SO_RXQ_OVFL), 0);
    const UdpSocket full = open_or_throw(on("127.0.0.1"), {.gro = true, .drops = true});
    EXPECT_EQ(option(full, IPPROTO_UDP, UDP_GRO), 1);
    EXPECT_EQ(option(full, SOL_SOCKET, SO_RXQ_OVFL), 1);
}

TEST(UdpSocket, does_gso_unless_told_not_to) {
    EXPECT_TRUE(open_or_throw(on("127.0.0.1")).gso_enabled());
    EXPECT_FALSE(open_or_throw(on("127.0.0.1"), {.gso = false}).gso_enabled());
}

TEST(UdpSocket, counts_drops_across_the_wrap_of_the_kernels_counter) {
    UdpSocket socket = open_or_throw(on("127.0.0.1"));
    EXPECT_EQ(socket.drops_since(0xffff'fff0), 0xffff'fff0u);
    EXPECT_EQ(socket.drops_since(0xffff'fff0), 0u);
    EXPECT_EQ(socket.drops_since(5), 21u);
}

}  // namespace
}  // namespace turnbuckle::net
