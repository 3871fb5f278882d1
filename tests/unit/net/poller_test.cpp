#include "turnbuckle/net/poller.hpp"

#include <sys/eventfd.h>
#include <sys/socket.h>

#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "turnbuckle/net/socket_address.hpp"

#include "unit/net/loopback.hpp"

namespace turnbuckle::net {
namespace {

using namespace std::chrono_literals;

TEST(Poller, reports_the_token_of_what_is_readable_for_as_long_as_it_is) {
    Poller poller;
    const FileDescriptor quiet(::eventfd(0, EFD_NONBLOCK));
    const FileDescriptor loud(::eventfd(1, EFD_NONBLOCK));
    poller.add(quiet.get(), 7);
    poller.add(loud.get(), 0xdead'beef'0000'0001);
    for (int round = 0; round < 3; ++round) {
        const auto ready = poller.wait(5s);
        ASSERT_EQ(ready.size(), 1u) << "level-triggered: unread input is reported again";
        EXPECT_EQ(ready[0].token, 0xdead'beef'0000'0001u);
        EXPECT_TRUE(ready[0].readable);
        EXPECT_FALSE(ready[0].error);
    }
    eventfd_t value = 0;
    ASSERT_EQ(::eventfd_read(loud.get(), &value), 0);
    EXPECT_TRUE(poller.wait(0s).empty());
}

TEST(Poller, does_not_report_what_was_removed) {
    Poller poller;
    const FileDescriptor fd(::eventfd(1, EFD_NONBLOCK));
    poller.add(fd.get(), 1);
    ASSERT_EQ(poller.wait(5s).size(), 1u);
    poller.remove(fd.get());
    EXPECT_TRUE(poller.wait(0s).empty());
    poller.add(fd.get(), 2);
    ASSERT_EQ(poller.wait(5s).size(), 1u);
}

TEST(Poller, reports_what_the_interest_names_and_nothing_else) {
    Poller poller;
    int pair[2] = {};
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
    const FileDescriptor ours(pair[0]);
    FileDescriptor theirs(pair[1]);
    ASSERT_EQ(::send(theirs.get(), "x", 1, 0), 1);
    poller.add(ours.get(), 1, Interest{});
    EXPECT_TRUE(poller.wait(0s).empty());

    poller.change(ours.get(), 2, Interest{.write = true});
    auto ready = poller.wait(5s);
    ASSERT_EQ(ready.size(), 1u);
    EXPECT_EQ(ready[0].token, 2u);
    EXPECT_TRUE(ready[0].writable);
    EXPECT_FALSE(ready[0].readable);

    poller.change(ours.get(), 3, Interest{.hang_up = true});
    EXPECT_TRUE(poller.wait(0s).empty());
    ASSERT_EQ(::shutdown(theirs.get(), SHUT_WR), 0);
    ready = poller.wait(5s);
    ASSERT_EQ(ready.size(), 1u);
    EXPECT_TRUE(ready[0].hung_up);
    EXPECT_FALSE(ready[0].readable) << "what it sent before is still unread, and may stay so";
}

TEST(Poller, refuses_a_descriptor_it_cannot_watch) {
    Poller poller;
    EXPECT_THROW(poller.add(-1, 1), std::system_error);
}

TEST(Poller, reports_the_error_of_a_socket) {
    const UdpSocket socket = test::open_or_throw(test::on("127.0.0.1"));
    Endpoint closed;
    { closed = test::open_or_throw(test::on("127.0.0.9")).local(); }
    SocketAddress address{};
    const socklen_t length = to_socket_address(closed, address);
    ASSERT_EQ(::connect(socket.fd(), &address.any, length), 0);
    Poller poller;
    poller.add(socket.fd(), 3);
    ASSERT_EQ(::send(socket.fd(), "x", 1, 0), 1);
    const auto ready = poller.wait(5s);
    ASSERT_EQ(ready.size(), 1u);
    EXPECT_TRUE(ready[0].error);
}

TEST(Poller, is_woken_by_another_thread_and_stays_asleep_after) {
    Poller poller;
    std::jthread other([&] { poller.wake(); });
    const auto ready = poller.wait(std::nullopt);
    EXPECT_TRUE(poller.woken());
    EXPECT_TRUE(ready.empty()) << "the wake is no socket";
    other.join();
    EXPECT_TRUE(poller.wait(0s).empty());
    EXPECT_FALSE(poller.woken());
}

TEST(Poller, counts_several_wakes_before_a_wait_as_one) {
    Poller poller;
    std::vector<std::jthread> others;
    for (int i = 0; i < 4; ++i)
        others.emplace_back([&] {
            for (int n = 0; n < 100; ++n)
                poller.wake();
        });
    others.clear();
    EXPECT_TRUE(poller.wait(0s).empty());
    EXPECT_TRUE(poller.woken());
    EXPECT_TRUE(poller.wait(0s).empty());
    EXPECT_FALSE(poller.woken());
}

TEST(Poller, reports_a_wake_and_a_socket_of_the_same_wait) {
    Poller poller;
    const FileDescriptor fd(::eventfd(1, EFD_NONBLOCK));
    poller.add(fd.get(), 5);
    poller.wake();
    EXPECT_EQ(poller.wait(5s).size(), 1u);
    EXPECT_TRUE(poller.woken());
}

TEST(Poller, never_returns_before_the_timeout) {
    Poller poller;
    for (const Duration timeout : {Duration(1), Duration(999us), Duration(3ms)}) {
        const Time start = monotonic_now();
        EXPECT_TRUE(poller.wait(timeout).empty());
        EXPECT_GE(monotonic_now() - start, timeout);
    }
}

TEST(Poller, does_not_wait_for_a_time_that_has_passed) {
    Poller poller;
    const Time start = monotonic_now();
    EXPECT_TRUE(poller.wait(-1h).empty());
    EXPECT_LT(monotonic_now() - start, 1s);
}

}  // namespace
}  // namespace turnbuckle::net
