#include "turnbuckle/net/udp_receiver.hpp"

#include <netinet/udp.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <numeric>

#include <gtest/gtest.h>

#include "unit/net/loopback.hpp"

namespace turnbuckle::net {
namespace {

using test::Bytes;
using test::copy;
using test::on;
using test::open_or_throw;
using test::pattern;
using test::wait_for;

void send_to(const UdpSocket& from, const Endpoint& to, const Bytes& bytes) {
    SocketAddress address{};
    const socklen_t length = to_socket_address(to, address);
    ASSERT_EQ(::sendto(from.fd(), bytes.data(), bytes.size(), 0, &address.any, length),
              static_cast<ssize_t>(bytes.size()));
}

// All of `bytes` in one call, to be cut into datagrams of `segment` bytes.
void send_joined(const UdpSocket& from, const Endpoint& to, const Bytes& bytes, int segment) {
    ASSERT_EQ(::setsockopt(from.fd(), IPPROTO_UDP, UDP_SEGMENT, &segment, sizeof segment), 0);
    send_to(from, to, bytes);
}

class UdpReceiverTest : public testing::Test {
protected:
    Statistics statistics_;
    UdpReceiver receiver_{statistics_};
};

TEST_F(UdpReceiverTest, tells_source_destination_and_bytes) {
    for (const char* ip : {"127.0.0.1", "::1"}) {
        UdpSocket socket = open_or_throw(on(ip));
        const UdpSocket peer = open_or_throw(on(ip));
        send_to(peer, socket.local(), pattern(160, 1));
        ASSERT_TRUE(wait_for(socket));
        const auto datagrams = receiver_.receive(socket);
        ASSERT_EQ(datagrams.size(), 1u);
        EXPECT_EQ(datagrams[0].source, peer.local());
        EXPECT_EQ(datagrams[0].destination, socket.local().ip);
        EXPECT_EQ(copy(datagrams[0].data), pattern(160, 1));
    }
    EXPECT_EQ(statistics_.receive_calls.value(), 2u);
    EXPECT_EQ(statistics_.received_datagrams.value(), 2u);
    EXPECT_EQ(statistics_.received_bytes.value(), 320u);
}

TEST_F(UdpReceiverTest, tells_which_address_of_a_wildcard_was_used) {
    UdpSocket v4 = open_or_throw(on("0.0.0.0"));
    const UdpSocket peer4 = open_or_throw(on("127.0.0.1"));
    send_to(peer4, {IpAddress::v4(127, 0, 0, 5), v4.local().port}, pattern(20, 1));
    send_to(peer4, {IpAddress::v4(127, 0, 0, 6), v4.local().port}, pattern(20, 2));
    ASSERT_TRUE(wait_for(v4));
    const auto datagrams = receiver_.receive(v4);
    ASSERT_EQ(datagrams.size(), 2u);
    EXPECT_EQ(datagrams[0].destination, IpAddress::v4(127, 0, 0, 5));
    EXPECT_EQ(datagrams[1].destination, IpAddress::v4(127, 0, 0, 6));

    UdpSocket v6 = open_or_throw(on("::"));
    send_to(open_or_throw(on("::1")), {*IpAddress::parse("::1"), v6.local().port}, pattern(20, 3));
    ASSERT_TRUE(wait_for(v6));
    const auto of_v6 = receiver_.receive(v6);
    ASSERT_EQ(of_v6.size(), 1u);
    EXPECT_EQ(of_v6[0].destination, *IpAddress::parse("::1"));
}

TEST_F(UdpReceiverTest, takes_an_empty_datagram_for_a_datagram) {
    UdpSocket socket = open_or_throw(on("127.0.0.1"), {.gro = true});
    send_to(open_or_throw(on("127.0.0.1")), socket.local(), {});
    ASSERT_TRUE(wait_for(socket));
    const auto datagrams = receiver_.receive(socket);
    ASSERT_EQ(datagrams.size(), 1u);
    EXPECT_TRUE(datagrams[0].data.empty());
}

TEST_F(UdpReceiverTest, takes_the_largest_datagram_whole) {
    UdpSocket socket = open_or_throw(on("::1"), {.gro = true});
    const UdpSocket peer = open_or_throw(on("::1"));
    send_to(peer, socket.local(), pattern(65'527, 1));
    ASSERT_TRUE(wait_for(socket));
    const auto datagrams = receiver_.receive(socket);
    ASSERT_EQ(datagrams.size(), 1u);
    EXPECT_EQ(copy(datagrams[0].data), pattern(65'527, 1));
}

TEST_F(UdpReceiverTest, splits_what_gro_has_joined) {
    for (const char* ip : {"127.0.0.1", "::1"}) {
        UdpSocket socket = open_or_throw(on(ip), {.gro = true});
        const UdpSocket peer = open_or_throw(on(ip));
        const Bytes all = pattern(40 * 1200 + 77, 1);
        send_joined(peer, socket.local(), all, 1200);
        ASSERT_TRUE(wait_for(socket));
        const auto datagrams = receiver_.receive(socket);
        ASSERT_EQ(datagrams.size(), 41u);
        EXPECT_EQ(receiver_.free_slots(), UdpReceiver::kSlots - 1) << "it came as one buffer";
        Bytes joined;
        for (const Datagram& datagram : datagrams) {
            EXPECT_EQ(datagram.source, peer.local());
            EXPECT_EQ(datagram.destination, socket.local().ip);
            joined.insert(joined.end(), datagram.data.begin(), datagram.data.end());
        }
        EXPECT_EQ(datagrams.front().data.size(), 1200u);
        EXPECT_EQ(datagrams.back().data.size(), 77u);
        EXPECT_EQ(joined, all);
        receiver_.recycle();
    }
    EXPECT_EQ(statistics_.received_datagrams.value(), 82u);
    EXPECT_EQ(statistics_.received_bytes.value(), 2u * (40 * 1200 + 77));
}

TEST_F(UdpReceiverTest, splits_slots_full_of_the_smallest_datagrams) {
    UdpSocket socket = open_or_throw(on("127.0.0.1"), {.gro = true});
    const UdpSocket peer = open_or_throw(on("127.0.0.1"));
    for (std::size_t slot = 0; slot < UdpReceiver::kSlots; ++slot)
        send_joined(peer, socket.local(), pattern(64, static_cast<unsigned>(slot)), 1);
    std::size_t received = 0;
    while (received < 64 * UdpReceiver::kSlots && wait_for(socket))
        for (const Datagram& datagram : receiver_.receive(socket)) {
            ASSERT_EQ(datagram.data.size(), 1u);
            const auto expected = pattern(64, static_cast<unsigned>(received / 64));
            ASSERT_EQ(datagram.data[0], expected[received % 64]);
            ++received;
        }
    EXPECT_EQ(received, 64 * UdpReceiver::kSlots);
    EXPECT_EQ(receiver_.free_slots(), 0u);
    EXPECT_EQ(statistics_.receive_errors.value(), 0u);
}

TEST_F(UdpReceiverTest, keeps_what_it_handed_out_until_recycled) {
    UdpSocket a = open_or_throw(on("127.0.0.1"));
    UdpSocket b = open_or_throw(on("127.0.0.1"));
    const UdpSocket peer = open_or_throw(on("127.0.0.1"));
    send_to(peer, a.local(), pattern(100, 1));
    send_to(peer, b.local(), pattern(200, 2));
    ASSERT_TRUE(wait_for(a));
    ASSERT_TRUE(wait_for(b));
    const auto from_a = receiver_.receive(a);
    const auto from_b = receiver_.receive(b);
    ASSERT_EQ(from_a.size(), 1u);
    ASSERT_EQ(from_b.size(), 1u);
    EXPECT_EQ(copy(from_a[0].data), pattern(100, 1));
    EXPECT_EQ(copy(from_b[0].data), pattern(200, 2));
    EXPECT_EQ(receiver_.free_slots(), UdpReceiver::kSlots - 2);
    receiver_.recycle();
    EXPECT_EQ(receiver_.free_slots(), UdpReceiver::kSlots);
}

TEST_F(UdpReceiverTest, reads_no_more_than_asked_for_and_than_it_has_room_for) {
    UdpSocket socket = open_or_throw(on("127.0.0.1"));
    const UdpSocket peer = open_or_throw(on("127.0.0.1"));
    for (unsigned i = 0; i < UdpReceiver::kSlots + 10; ++i)
        send_to(peer, socket.local(), pattern(50, i));
    ASSERT_TRUE(wait_for(socket));
    EXPECT_EQ(receiver_.receive(socket, 3).size(), 3u);
    EXPECT_EQ(receiver_.receive(socket).size(), UdpReceiver::kSlots - 3);
    const auto calls = statistics_.receive_calls.value();
    EXPECT_TRUE(receiver_.receive(socket).empty());
    EXPECT_EQ(statistics_.receive_calls.value(), calls) << "without room it does not even ask";
    receiver_.recycle();
    const auto rest = receiver_.receive(socket);
    ASSERT_EQ(rest.size(), 10u);
    EXPECT_EQ(copy(rest[0].data), pattern(50, UdpReceiver::kSlots)) << "nothing was skipped";
}

TEST_F(UdpReceiverTest, counts_no_error_where_nothing_has_come) {
    UdpSocket socket = open_or_throw(on("127.0.0.1"));
    EXPECT_TRUE(receiver_.receive(socket).empty());
    EXPECT_EQ(statistics_.receive_errors.value(), 0u);
    EXPECT_EQ(receiver_.free_slots(), UdpReceiver::kSlots);
}

TEST_F(UdpReceiverTest, counts_what_a_full_buffer_lost) {
    UdpSocket socket = open_or_throw(on("127.0.0.1"), {.drops = true, .receive_buffer = 1});
    const UdpSocket peer = open_or_throw(on("127.0.0.1"));
    std::uint64_t received = 0;
    std::uint64_t sent = 0;
    for (int round = 0; round < 2; ++round) {
        for (unsigned i = 0; i < 100; ++i, ++sent)
            send_to(peer, socket.local(), pattern(500, i));
        ASSERT_TRUE(wait_for(socket));
        received += receiver_.receive(socket).size();
        // The kernel tells with the next datagram that it can store.
        send_to(peer, socket.local(), pattern(10, 0));
        ++sent;
        ASSERT_TRUE(wait_for(socket));
        received += receiver_.receive(socket).size();
        receiver_.recycle();
        EXPECT_GT(sent, received);
        EXPECT_EQ(statistics_.kernel_drops.value(), sent - received);
    }
}

TEST_F(UdpReceiverTest, counts_an_icmp_error_and_goes_on) {
    UdpSocket socket = open_or_throw(on("127.0.0.1"));
    Endpoint peer_address;
    { peer_address = open_or_throw(on("127.0.0.9")).local(); }
    SocketAddress address{};
    const socklen_t length = to_socket_address(peer_address, address);
    ASSERT_EQ(::connect(socket.fd(), &address.any, length), 0);
    send_to(socket, peer_address, pattern(10, 1));
    ASSERT_TRUE(wait_for(socket));
    const UdpSocket peer = open_or_throw(peer_address);
    send_to(peer, socket.local(), pattern(10, 2));
    EXPECT_TRUE(receiver_.receive(socket).empty());
    EXPECT_EQ(statistics_.receive_errors.value(), 1u);
    ASSERT_TRUE(wait_for(socket));
    ASSERT_EQ(receiver_.receive(socket).size(), 1u);
}

TEST(ReceivePolicy, counts_everything_but_the_absence_of_a_datagram) {
    for (const int error : {EAGAIN, EWOULDBLOCK, EINTR})
        EXPECT_EQ(receive_policy(error), ReceivePolicy::Nothing) << std::strerror(error);
    for (const int error : {ECONNREFUSED, EHOSTUNREACH, ENETUNREACH, EHOSTDOWN, ENETDOWN, EMSGSIZE,
                            EPROTO, ENOPROTOOPT, EACCES, ENOMEM, ENOBUFS, EBADF})
        EXPECT_EQ(receive_policy(error), ReceivePolicy::Count) << std::strerror(error);
}

}  // namespace
}  // namespace turnbuckle::net
