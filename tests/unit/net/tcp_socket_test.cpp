#include "turnbuckle/net/tcp_socket.hpp"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <cerrno>
#include <stdexcept>

#include <gtest/gtest.h>

#include "turnbuckle/net/socket_address.hpp"

namespace turnbuckle::net {
namespace {

Endpoint on(const char* ip, std::uint16_t port = 0) {
    return {*IpAddress::parse(ip), port};
}

TcpListener listen_or_throw(const Endpoint& local, const TcpListenerOptions& options = {}) {
    auto listener = open_tcp_listener(local, options);
    if (!listener) throw std::runtime_error(listener.error().message());
    return std::move(*listener);
}

// Whether one of `events` shows before patience ends.
bool wait_for(int fd, short events) {
    pollfd entry{fd, events, 0};
    return ::poll(&entry, 1, 5000) == 1;
}

int option(int fd, int level, int name) {
    int value = -1;
    socklen_t length = sizeof value;
    return ::getsockopt(fd, level, name, &value, &length) == 0 ? value : -1;
}

Endpoint local_of(int fd) {
    SocketAddress address;
    socklen_t length = sizeof address;
    EXPECT_EQ(::getsockname(fd, &address.any, &length), 0);
    return to_endpoint(address);
}

AcceptedStream accept_one(const TcpListener& listener) {
    EXPECT_TRUE(wait_for(listener.fd(), POLLIN));
    auto stream = accept_stream(listener);
    EXPECT_TRUE(stream);
    return stream ? std::move(*stream) : AcceptedStream{};
}

TEST(TcpSocket, accepts_what_connects_and_tells_both_ends) {
    for (const char* ip : {"127.0.0.1", "::1"}) {
        const TcpListener listener = listen_or_throw(on(ip));
        EXPECT_NE(listener.local().port, 0);
        const auto client = start_connect(on(ip), listener.local());
        ASSERT_TRUE(client);
        const AcceptedStream stream = accept_one(listener);
        EXPECT_EQ(stream.remote, local_of(client->get()));
        EXPECT_EQ(stream.local, listener.local());
        EXPECT_TRUE(::fcntl(stream.fd.get(), F_GETFL) & O_NONBLOCK);
        EXPECT_TRUE(::fcntl(stream.fd.get(), F_GETFD) & FD_CLOEXEC);
        EXPECT_TRUE(wait_for(client->get(), POLLOUT));
        EXPECT_FALSE(connect_result(client->get()));
    }
}

TEST(TcpSocket, on_a_wildcard_tells_the_address_that_the_client_used) {
    const TcpListener listener = listen_or_throw(on("0.0.0.0"));
    EXPECT_TRUE(listener.is_wildcard());
    const Endpoint used = on("127.0.0.7", listener.local().port);
    const auto client = start_connect(on("127.0.0.1"), used);
    ASSERT_TRUE(client);
    EXPECT_EQ(accept_one(listener).local, used);
}

TEST(TcpSocket, on_both_wildcards_stands_side_by_side) {
    const TcpListener v4 = listen_or_throw(on("0.0.0.0"));
    EXPECT_TRUE(open_tcp_listener(on("::", v4.local().port)));
}

TEST(TcpSocket, with_nobody_waiting_has_nothing_to_accept) {
    const TcpListener listener = listen_or_throw(on("127.0.0.1"));
    EXPECT_EQ(accept_stream(listener).error(), AcceptPolicy::Nothing);
}

TEST(TcpSocket, reports_a_port_in_use_as_a_value) {
    const TcpListener first = listen_or_throw(on("127.0.0.1"));
    const auto second = open_tcp_listener(first.local());
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error(), std::errc::address_in_use);
}

TEST(TcpSocket, shares_its_port_only_on_request) {
    const TcpListener first = listen_or_throw(on("127.0.0.1"), {.reuse_port = true});
    EXPECT_TRUE(open_tcp_listener(first.local(), {.reuse_port = true}));
    EXPECT_FALSE(open_tcp_listener(first.local()));
}

TEST(TcpSocket, connects_from_the_port_of_a_listener) {
    const TcpListener relay = listen_or_throw(on("127.0.0.1"), {.reuse_port = true});
    const TcpListener peer = listen_or_throw(on("127.0.0.2"));
    const auto connection = start_connect(relay.local(), peer.local());
    ASSERT_TRUE(connection) << connection.error().message();
    EXPECT_EQ(accept_one(peer).remote, relay.local());
    // The listener still takes what others connect to it.
    const auto other = start_connect(on("127.0.0.3"), relay.local());
    ASSERT_TRUE(other);
    EXPECT_EQ(accept_one(relay).remote, local_of(other->get()));
}

TEST(TcpSocket, tells_how_a_connection_went) {
    Endpoint nobody;
    { nobody = listen_or_throw(on("127.0.0.1")).local(); }
    const auto connection = start_connect(on("127.0.0.1"), nobody);
    const std::error_code refused = std::make_error_code(std::errc::connection_refused);
    if (!connection) {
        EXPECT_EQ(connection.error(), refused);
        return;
    }
    ASSERT_TRUE(wait_for(connection->get(), POLLOUT));
    EXPECT_EQ(connect_result(connection->get()), std::errc::connection_refused);
}

TEST(TcpSocket, does_not_connect_across_families) {
    EXPECT_FALSE(start_connect(on("127.0.0.1"), on("::1", 9)));
    EXPECT_FALSE(start_connect(on("203.0.113.1"), on("127.0.0.1", 9)));
}

TEST(TcpSocket, tunes_streams_for_small_messages_and_dead_peers) {
    const TcpListener listener = listen_or_throw(on("127.0.0.1"));
    const auto client = start_connect(on("127.0.0.1"), listener.local());
    ASSERT_TRUE(client);
    tune_stream(client->get(), std::chrono::seconds(30));
    EXPECT_EQ(option(client->get(), IPPROTO_TCP, TCP_NODELAY), 1);
    EXPECT_EQ(option(client->get(), IPPROTO_TCP, TCP_USER_TIMEOUT), 30'000);
    EXPECT_EQ(option(client->get(), SOL_SOCKET, SO_KEEPALIVE), 1);
    EXPECT_EQ(option(client->get(), IPPROTO_TCP, TCP_KEEPIDLE), 15);
    EXPECT_EQ(option(client->get(), IPPROTO_TCP, TCP_KEEPINTVL), 5);
}

TEST(TcpSocket, leaves_the_systems_timeouts_where_none_is_given) {
    const TcpListener listener = listen_or_throw(on("127.0.0.1"));
    const auto client = start_connect(on("127.0.0.1"), listener.local());
    ASSERT_TRUE(client);
    const int before = option(client->get(), IPPROTO_TCP, TCP_KEEPIDLE);
    tune_stream(client->get(), std::chrono::milliseconds(0));
    EXPECT_EQ(option(client->get(), IPPROTO_TCP, TCP_NODELAY), 1);
    EXPECT_EQ(option(client->get(), IPPROTO_TCP, TCP_USER_TIMEOUT), 0);
    EXPECT_EQ(option(client->get(), IPPROTO_TCP, TCP_KEEPIDLE), before);
}

TEST(TcpSocket, backs_off_without_descriptors_and_then_accepts) {
    const TcpListener listener = listen_or_throw(on("127.0.0.1"));
    const auto client = start_connect(on("127.0.0.1"), listener.local());
    ASSERT_TRUE(client);
    ASSERT_TRUE(wait_for(listener.fd(), POLLIN));
    rlimit before{};
    ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
    rlimit none = before;
    none.rlim_cur = 0;
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
    const auto refused = accept_stream(listener);
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error(), AcceptPolicy::BackOff);
    EXPECT_TRUE(accept_stream(listener));
}

TEST(AcceptPolicy, knows_what_concerns_one_connection_only) {
    EXPECT_EQ(accept_policy(EAGAIN), AcceptPolicy::Nothing);
    for (const int error : {EINTR, ECONNABORTED, EPROTO, EPERM, ENETDOWN, ENETUNREACH, ENOPROTOOPT,
                            EHOSTDOWN, EHOSTUNREACH, ENONET, EOPNOTSUPP})
        EXPECT_EQ(accept_policy(error), AcceptPolicy::Next) << error;
    for (const int error : {EMFILE, ENFILE, ENOBUFS, ENOMEM, EINVAL, EBADF, ENOTSOCK})
        EXPECT_EQ(accept_policy(error), AcceptPolicy::BackOff) << error;
}

}  // namespace
}  // namespace turnbuckle::net
