#include "turnbuckle/net/udp_sender.hpp"

#include <netinet/ip.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <thread>
#include <utility>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "turnbuckle/net/udp_receiver.hpp"

#include "support/allocation_counter.hpp"
#include "unit/net/loopback.hpp"
#include "unit/net/system_calls.hpp"

namespace turnbuckle::net {
namespace {

using test::Bytes;
using test::copy;
using test::fail;
using test::fail_joined;
using test::on;
using test::open_or_throw;
using test::pattern;
using test::receive_exactly;
using test::send_only;
using test::SendScript;
using test::wait_for;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;

class UdpSenderTest : public testing::Test {
protected:
    // The bytes stay in arena_ until the test ends.
    SendItem item(UdpSocket& from, const Endpoint& to, Bytes bytes, std::uint64_t cookie = 0) {
        arena_.push_back(std::move(bytes));
        SendItem item;
        item.socket = &from;
        item.destination = to;
        item.payload = arena_.back();
        item.cookie = cookie;
        return item;
    }

    std::vector<std::pair<SendError, std::uint64_t>> losses_;  // with the cookie
    Statistics statistics_;
    std::unique_ptr<UdpSender> sender_ =
        std::make_unique<UdpSender>(statistics_, [this](SendError error, const SendItem& lost) {
            losses_.emplace_back(error, lost.cookie);
        });
    UdpReceiver receiver_{statistics_};
    UdpSocket from_ = open_or_throw(on("127.0.0.1"));
    UdpSocket to_ = open_or_throw(on("127.0.0.1"));

private:
    std::deque<Bytes> arena_;
};

TEST_F(UdpSenderTest, sends_header_payload_and_zero_padding_as_one_datagram) {
    SendItem one = item(from_, to_.local(), pattern(101, 1));
    one.header[0] = 0x40;
    one.header[3] = 101;
    one.header_length = 4;
    one.padding = 3;
    sender_->queue(one);
    EXPECT_EQ(sender_->pending(), 1u);
    sender_->flush();
    EXPECT_EQ(sender_->pending(), 0u);

    Bytes expected(one.header.begin(), one.header.begin() + 4);
    const Bytes payload = pattern(101, 1);
    expected.insert(expected.end(), payload.begin(), payload.end());
    expected.insert(expected.end(), 3, 0);
    EXPECT_THAT(receive_exactly(receiver_, to_, 1), ElementsAre(expected));
    EXPECT_EQ(statistics_.sent_datagrams.value(), 1u);
    EXPECT_EQ(statistics_.sent_bytes.value(), 108u);
}

TEST_F(UdpSenderTest, sends_an_empty_datagram) {
    sender_->queue(item(from_, to_.local(), {}));
    sender_->flush();
    EXPECT_THAT(receive_exactly(receiver_, to_, 1), ElementsAre(Bytes{}));
}

TEST_F(UdpSenderTest, answers_from_the_address_that_was_used) {
    for (const auto& [wildcard, local] :
         {std::pair{"0.0.0.0", "127.0.0.5"}, std::pair{"::", "::1"}}) {
        UdpSocket server = open_or_throw(on(wildcard));
        UdpSocket client = open_or_throw(on(local == std::string("::1") ? "::1" : "127.0.0.1"));
        sender_->queue(item(client, on(local, server.local().port), pattern(20, 1)));
        sender_->flush();
        ASSERT_TRUE(wait_for(server));
        const auto request = receiver_.receive(server);
        ASSERT_EQ(request.size(), 1u);
        for (unsigned i = 0; i < 2; ++i) {  // two, so that they are joined with UDP_SEGMENT as well
            SendItem answer = item(server, request[0].source, pattern(30, i));
            answer.source = request[0].destination;
            sender_->queue(answer);
        }
        receiver_.recycle();
        sender_->flush();
        ASSERT_TRUE(wait_for(client));
        const auto answers = receiver_.receive(client);
        ASSERT_EQ(answers.size(), 2u);
        for (const Datagram& answer : answers)
            EXPECT_EQ(answer.source, on(local, server.local().port));
        receiver_.recycle();
    }
    EXPECT_THAT(losses_, IsEmpty());
}

TEST_F(UdpSenderTest, ignores_the_source_on_a_socket_that_has_no_choice) {
    SendItem one = item(from_, to_.local(), pattern(20, 1));
    one.source = IpAddress::v4(203, 0, 113, 9);
    sender_->queue(one);
    sender_->flush();
    EXPECT_EQ(receive_exactly(receiver_, to_, 1).size(), 1u);
}

TEST_F(UdpSenderTest, joins_a_burst_into_one_message_byte_for_byte) {
    for (const char* ip : {"127.0.0.1", "::1"}) {
        for (const bool gro : {true, false}) {
            UdpSocket from = open_or_throw(on(ip));
            UdpSocket to = open_or_throw(on(ip), {.gro = gro});
            std::vector<Bytes> burst;
            for (unsigned i = 0; i < 40; ++i)
                burst.push_back(pattern(1200, i));
            burst.push_back(pattern(333, 40));
            const SendScript calls;
            for (const Bytes& bytes : burst) {
                SendItem one = item(from, to.local(), copy(std::span(bytes).subspan(4)));
                std::copy_n(bytes.begin(), 4, one.header.begin());
                one.header_length = 4;
                sender_->queue(one);
            }
            sender_->flush();
            EXPECT_EQ(calls.single_calls(), 1u);
            EXPECT_EQ(calls.batch_calls(), 0u);
            EXPECT_EQ(receive_exactly(receiver_, to, burst.size()), burst);
        }
    }
    EXPECT_EQ(statistics_.sent_datagrams.value(), 4u * 41);
    EXPECT_THAT(losses_, IsEmpty());
}

TEST_F(UdpSenderTest, sends_different_destinations_of_one_socket_in_one_call) {
    UdpSocket other = open_or_throw(on("127.0.0.1"));
    const SendScript calls;
    for (unsigned i = 0; i < 10; ++i)
        sender_->queue(item(from_, i % 2 == 0 ? to_.local() : other.local(), pattern(160, i)));
    sender_->flush();
    EXPECT_EQ(calls.batch_calls(), 1u);
    EXPECT_EQ(calls.single_calls(), 0u);
    EXPECT_THAT(receive_exactly(receiver_, to_, 5),
                ElementsAre(pattern(160, 0), pattern(160, 2), pattern(160, 4), pattern(160, 6),
                            pattern(160, 8)));
    EXPECT_EQ(receive_exactly(receiver_, other, 5).size(), 5u);
}

TEST_F(UdpSenderTest, sends_by_each_socket_what_is_its_own) {
    UdpSocket other = open_or_throw(on("127.0.0.1"));
    sender_->queue(item(from_, to_.local(), pattern(160, 1)));
    sender_->queue(item(other, to_.local(), pattern(160, 2)));
    sender_->queue(item(from_, to_.local(), pattern(160, 3)));
    sender_->flush();
    ASSERT_TRUE(wait_for(to_));
    const auto datagrams = receiver_.receive(to_);
    ASSERT_EQ(datagrams.size(), 3u);
    EXPECT_EQ(datagrams[0].source, from_.local());
    EXPECT_EQ(datagrams[1].source, other.local());
    EXPECT_EQ(datagrams[2].source, from_.local());
}

TEST_F(UdpSenderTest, makes_room_by_itself_when_full) {
    for (unsigned i = 0; i <= UdpSender::kCapacity; ++i)
        sender_->queue(item(from_, to_.local(), pattern(100, i)));
    EXPECT_EQ(sender_->pending(), 1u);
    sender_->flush();
    const auto received = receive_exactly(receiver_, to_, UdpSender::kCapacity + 1);
    ASSERT_EQ(received.size(), UdpSender::kCapacity + 1);
    for (unsigned i = 0; i < received.size(); ++i)
        ASSERT_EQ(received[i], pattern(100, i));
}

TEST_F(UdpSenderTest, loses_only_the_datagram_that_fails) {
    sender_->queue(item(from_, to_.local(), pattern(100, 1), 1));
    sender_->queue(item(from_, {to_.local().ip, 0}, pattern(100, 2), 2));  // EINVAL
    sender_->queue(item(from_, to_.local(), pattern(100, 3), 3));
    sender_->queue(item(from_, to_.local(), pattern(65'508, 4), 4));            // EMSGSIZE
    sender_->queue(item(from_, on("255.255.255.255", 9), pattern(100, 5), 5));  // EACCES
    sender_->queue(item(from_, to_.local(), pattern(100, 6), 6));
    sender_->flush();
    EXPECT_THAT(receive_exactly(receiver_, to_, 3),
                ElementsAre(pattern(100, 1), pattern(100, 3), pattern(100, 6)));
    EXPECT_THAT(losses_, ElementsAre(Pair(SendError::Other, 2), Pair(SendError::MessageTooLong, 4),
                                     Pair(SendError::Unreachable, 5)));
    EXPECT_EQ(statistics_.sent_datagrams.value(), 3u);
}

TEST_F(UdpSenderTest, does_not_lose_a_datagram_to_an_earlier_ones_icmp_error) {
    Endpoint closed;
    { closed = open_or_throw(on("127.0.0.9")).local(); }
    SocketAddress address{};
    const socklen_t length = to_socket_address(closed, address);
    // Only a connected socket is told of it without IP_RECVERR.
    ASSERT_EQ(::connect(from_.fd(), &address.any, length), 0);
    sender_->queue(item(from_, closed, pattern(100, 1)));
    sender_->flush();
    ASSERT_TRUE(wait_for(from_));

    sender_->queue(item(from_, to_.local(), pattern(100, 2)));
    sender_->flush();
    EXPECT_THAT(losses_, IsEmpty());
    EXPECT_THAT(receive_exactly(receiver_, to_, 1), ElementsAre(pattern(100, 2)));
    EXPECT_EQ(statistics_.send_calls.value(), 3u) << "the second one took two";
}

TEST_F(UdpSenderTest, gives_up_after_one_retry) {
    const SendScript script({fail(ECONNREFUSED), fail(ECONNREFUSED)});
    sender_->queue(item(from_, to_.local(), pattern(100, 1), 1));
    sender_->queue(item(from_, to_.local(), pattern(101, 2), 2));
    sender_->flush();
    EXPECT_THAT(losses_, ElementsAre(Pair(SendError::Unreachable, 1)));
    EXPECT_THAT(receive_exactly(receiver_, to_, 1), ElementsAre(pattern(101, 2)));
}

TEST_F(UdpSenderTest, resumes_a_partial_batch_at_the_first_that_is_unsent) {
    UdpSocket other = open_or_throw(on("127.0.0.1"));
    const SendScript script({send_only(2), fail(ENOBUFS), send_only(1)});
    for (unsigned i = 0; i < 6; ++i)
        sender_->queue(item(from_, i % 2 == 0 ? to_.local() : other.local(), pattern(100, i), i));
    sender_->flush();
    EXPECT_TRUE(script.played_to_the_end());
    EXPECT_THAT(losses_, ElementsAre(Pair(SendError::WouldBlock, 2)));
    EXPECT_THAT(receive_exactly(receiver_, to_, 2), ElementsAre(pattern(100, 0), pattern(100, 4)));
    EXPECT_THAT(receive_exactly(receiver_, other, 3),
                ElementsAre(pattern(100, 1), pattern(100, 3), pattern(100, 5)));
    EXPECT_TRUE(receiver_.receive(to_).empty()) << "nothing leaves twice";
    EXPECT_TRUE(receiver_.receive(other).empty());
    EXPECT_EQ(statistics_.sent_datagrams.value(), 5u);
}

TEST_F(UdpSenderTest, loses_the_rest_of_a_full_socket_but_not_of_the_others) {
    UdpSocket other = open_or_throw(on("127.0.0.1"));
    const SendScript script({fail(EAGAIN)});
    for (unsigned i = 0; i < 3; ++i)
        sender_->queue(item(from_, to_.local(), pattern(100 + i, i), i));
    sender_->queue(item(other, to_.local(), pattern(100, 3), 3));
    sender_->flush();
    EXPECT_THAT(losses_, ElementsAre(Pair(SendError::WouldBlock, 0), Pair(SendError::WouldBlock, 1),
                                     Pair(SendError::WouldBlock, 2)));
    EXPECT_THAT(receive_exactly(receiver_, to_, 1), ElementsAre(pattern(100, 3)));
}

TEST_F(UdpSenderTest, stops_joining_on_a_socket_whose_device_cannot) {
    UdpSocket other = open_or_throw(on("127.0.0.1"));
    const SendScript script({fail_joined(EIO)});
    for (int round = 0; round < 2; ++round) {
        sender_->queue(item(from_, other.local(), pattern(90, 9)));  // leaves before the failure
        for (unsigned i = 0; i < 5; ++i)
            sender_->queue(item(from_, to_.local(), pattern(100, i)));
        sender_->flush();
        EXPECT_TRUE(script.played_to_the_end());
        EXPECT_FALSE(from_.gso_enabled());
        EXPECT_THAT(receive_exactly(receiver_, to_, 5),
                    ElementsAre(pattern(100, 0), pattern(100, 1), pattern(100, 2), pattern(100, 3),
                                pattern(100, 4)));
        EXPECT_THAT(receive_exactly(receiver_, other, 1), ElementsAre(pattern(90, 9)));
        EXPECT_TRUE(receiver_.receive(to_).empty()) << "nothing leaves twice";
        EXPECT_TRUE(receiver_.receive(other).empty());
    }
    EXPECT_EQ(script.batch_calls(), 3u) << "the partial one, and one per round";
    EXPECT_EQ(script.single_calls(), 1u) << "the refused one";
    EXPECT_EQ(statistics_.gso_disabled.value(), 1u);
    EXPECT_EQ(statistics_.sent_datagrams.value(), 12u);
    EXPECT_THAT(losses_, IsEmpty());
}

TEST_F(UdpSenderTest, sends_a_refused_message_plainly_and_joins_the_next_again) {
    for (const int error : {EMSGSIZE, EINVAL}) {
        const SendScript script({fail_joined(error)});
        UdpSocket other = open_or_throw(on("127.0.0.1"));
        for (unsigned i = 0; i < 5; ++i)
            sender_->queue(item(from_, to_.local(), pattern(1400, i)));
        for (unsigned i = 0; i < 5; ++i)
            sender_->queue(item(from_, other.local(), pattern(1400, i)));
        sender_->flush();
        EXPECT_TRUE(script.played_to_the_end());
        EXPECT_TRUE(from_.gso_enabled());
        EXPECT_EQ(receive_exactly(receiver_, to_, 5).size(), 5u);
        EXPECT_EQ(receive_exactly(receiver_, other, 5).size(), 5u);
        EXPECT_TRUE(receiver_.receive(to_).empty());
    }
    EXPECT_THAT(losses_, IsEmpty());
    EXPECT_EQ(statistics_.gso_disabled.value(), 0u);
}

TEST_F(UdpSenderTest, gets_through_where_the_mtu_is_smaller_than_the_segments) {
    bool own_network = false;
    std::vector<Bytes> received;
    // The namespace is this thread's alone, and goes with it and its sockets.
    std::jthread([&] {
        own_network = test::enter_network_of_mtu(1300);
        if (!own_network) return;
        UdpSocket from = open_or_throw(on("127.0.0.1"));
        UdpSocket to = open_or_throw(on("127.0.0.1"));
        for (unsigned i = 0; i < 3; ++i)
            sender_->queue(item(from, to.local(), pattern(1400, i)));
        sender_->flush();
        received = receive_exactly(receiver_, to, 3);
    }).join();
    if (!own_network) GTEST_SKIP() << "a network namespace takes CAP_SYS_ADMIN";
    EXPECT_THAT(received, ElementsAre(pattern(1400, 0), pattern(1400, 1), pattern(1400, 2)));
    EXPECT_THAT(losses_, IsEmpty());
    EXPECT_EQ(statistics_.send_calls.value(), 2u) << "refused as one, then sent in a batch";
}

TEST_F(UdpSenderTest, sets_df_where_it_is_asked_for_and_only_there) {
    const FileDescriptor raw(::socket(AF_INET, SOCK_RAW | SOCK_NONBLOCK, IPPROTO_UDP));
    if (!raw.valid()) GTEST_SKIP() << "reading IP headers takes CAP_NET_RAW";
    const std::array<bool, 4> asked{false, true, true, false};
    for (std::size_t i = 0; i < asked.size(); ++i) {
        SendItem one = item(from_, to_.local(), pattern(100 + i, 1));  // growing: nothing is joined
        one.dont_fragment = asked[i];
        sender_->queue(one);
    }
    sender_->flush();
    std::vector<bool> seen;
    std::array<std::uint8_t, 65536> packet;
    pollfd entry{raw.get(), POLLIN, 0};
    while (seen.size() < asked.size() && ::poll(&entry, 1, test::kPatienceMilliseconds) == 1) {
        const ssize_t n = ::recv(raw.get(), packet.data(), packet.size(), 0);
        if (n < 28 || load_be16(&packet[22]) != to_.local().port) continue;  // a stranger's
        seen.push_back((load_be16(&packet[6]) & IP_DF) != 0);
    }
    EXPECT_THAT(seen, ElementsAre(false, true, true, false));
}

TEST_F(UdpSenderTest, takes_no_memory_once_it_runs) {
    if (!turnbuckle::test::kCountsAllocations) GTEST_SKIP() << "the heap belongs to the sanitizer";
    UdpSocket gro = open_or_throw(on("127.0.0.1"), {.gro = true});
    const Bytes payload = pattern(160, 1);
    std::size_t received = 0;
    std::size_t before = 0;
    for (int round = 0; round < 20; ++round) {
        if (round == 1) before = turnbuckle::test::allocations_of_this_thread();
        for (unsigned i = 0; i < 32; ++i) {
            SendItem one;
            one.socket = &from_;
            one.destination = i % 8 < 4 ? to_.local() : gro.local();
            one.payload = payload;
            one.header_length = 4;
            sender_->queue(one);
        }
        sender_->flush();
        wait_for(to_);
        received += receiver_.receive(to_).size();
        wait_for(gro);
        received += receiver_.receive(gro).size();
        receiver_.recycle();
    }
    EXPECT_EQ(turnbuckle::test::allocations_of_this_thread(), before);
    EXPECT_EQ(received, 20u * 32);
}

TEST(SendPolicy, has_a_written_answer_to_every_errno) {
    using enum SendPolicy::Action;
    struct Row {
        int error;
        SendError reported;
        SendPolicy::Action action;
    };
    for (const Row& row :
         {Row{EAGAIN, SendError::WouldBlock, LoseRun}, Row{ENOBUFS, SendError::WouldBlock, LoseOne},
          Row{ENOMEM, SendError::WouldBlock, LoseOne}, Row{EINTR, SendError::WouldBlock, RetryOnce},
          Row{ECONNREFUSED, SendError::Unreachable, RetryOnce},
          Row{ENETUNREACH, SendError::Unreachable, LoseOne},
          Row{EHOSTUNREACH, SendError::Unreachable, LoseOne},
          Row{ENETDOWN, SendError::Unreachable, LoseOne},
          Row{EHOSTDOWN, SendError::Unreachable, LoseOne},
          Row{EADDRNOTAVAIL, SendError::Unreachable, LoseOne},
          Row{EACCES, SendError::Unreachable, LoseOne}, Row{EPERM, SendError::Unreachable, LoseOne},
          Row{EMSGSIZE, SendError::MessageTooLong, PlainOnce},
          Row{EINVAL, SendError::Other, PlainOnce}, Row{EIO, SendError::Other, DisableGso},
          Row{EBADF, SendError::Other, LoseOne}}) {
        const SendPolicy policy = send_policy(row.error);
        EXPECT_EQ(policy.error, row.reported) << std::strerror(row.error);
        EXPECT_EQ(policy.action, row.action) << std::strerror(row.error);
    }
}

}  // namespace
}  // namespace turnbuckle::net
