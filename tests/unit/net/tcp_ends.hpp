// Two ends of a TCP connection over loopback: one for the code under test, one for the test itself.
#pragma once

#include <poll.h>
#include <sys/socket.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <stdexcept>
#include <vector>

#include "turnbuckle/net/socket_address.hpp"
#include "turnbuckle/net/tcp_socket.hpp"

namespace turnbuckle::net::test {

struct TcpEnds {
    FileDescriptor inner;  // non-blocking
    FileDescriptor outer;  // likewise

    // Small buffers, so that a side that does not read is felt soon.
    explicit TcpEnds(int buffer = 0) {
        // The kernel cannot be told not to raise it when it splices.
        std::signal(SIGPIPE, SIG_IGN);
        const auto listener =
            open_tcp_listener({IpAddress::v4(127, 0, 0, 1), 0}, {.backlog = 1}).value();
        if (buffer != 0) ::setsockopt(listener.fd(), SOL_SOCKET, SO_RCVBUF, &buffer, sizeof buffer);
        auto connecting = start_connect({IpAddress::v4(127, 0, 0, 1), 0}, listener.local());
        outer = std::move(connecting.value());
        if (buffer != 0)
            for (const int name : {SO_SNDBUF, SO_RCVBUF})
                ::setsockopt(outer.get(), SOL_SOCKET, name, &buffer, sizeof buffer);
        pollfd wait{.fd = listener.fd(), .events = POLLIN, .revents = 0};
        if (::poll(&wait, 1, 5000) != 1) throw std::runtime_error("nobody connects");
        inner = std::move(accept_stream(listener).value().fd);
        if (buffer != 0) ::setsockopt(inner.get(), SOL_SOCKET, SO_SNDBUF, &buffer, sizeof buffer);
    }
};

// What the socket takes at once.
inline std::size_t write_some(int fd, ByteView bytes) {
    const ssize_t n = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    return n > 0 ? static_cast<std::size_t>(n) : 0;
}

enum class End : std::uint8_t { None, Fin, Reset };

// What the socket has, and how its stream has ended.
inline End read_some(int fd, std::vector<std::uint8_t>& into) {
    std::uint8_t buffer[65536];
    for (;;) {
        const ssize_t n = ::recv(fd, buffer, sizeof buffer, MSG_DONTWAIT);
        if (n == 0) return End::Fin;
        if (n < 0) return errno == EAGAIN ? End::None : End::Reset;
        into.insert(into.end(), buffer, buffer + n);
    }
}

}  // namespace turnbuckle::net::test
