#include "turnbuckle/net/tcp_socket.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

#include "turnbuckle/net/socket_address.hpp"

namespace turnbuckle::net {

namespace {

std::error_code last_error() {
    return {errno, std::system_category()};
}

bool set_option(int fd, int level, int name, int value) noexcept {
    return ::setsockopt(fd, level, name, &value, sizeof value) == 0;
}

// Bound, and nothing else yet.
std::expected<FileDescriptor, std::error_code> open_bound(const Endpoint& local, bool reuse_address,
                                                          bool reuse_port) {
    const bool v4 = local.ip.is_v4();
    FileDescriptor fd(
        ::socket(v4 ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!fd.valid()) return std::unexpected(last_error());
    if ((!v4 && !set_option(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, 1)) ||
        (reuse_address && !set_option(fd.get(), SOL_SOCKET, SO_REUSEADDR, 1)) ||
        (reuse_port && !set_option(fd.get(), SOL_SOCKET, SO_REUSEPORT, 1)))
        return std::unexpected(last_error());
    SocketAddress address;
    const socklen_t length = to_socket_address(local, address);
    if (::bind(fd.get(), &address.any, length) != 0) return std::unexpected(last_error());
    return fd;
}

std::expected<Endpoint, std::error_code> local_of(int fd) noexcept {
    SocketAddress address;
    socklen_t length = sizeof address;
    if (::getsockname(fd, &address.any, &length) != 0) return std::unexpected(last_error());
    return to_endpoint(address);
}

}  // namespace

std::expected<TcpListener, std::error_code> open_tcp_listener(const Endpoint& local,
                                                              const TcpListenerOptions& options) {
    auto fd = open_bound(local, options.reuse_address, options.reuse_port);
    if (!fd) return std::unexpected(fd.error());
    if (::listen(fd->get(), options.backlog) != 0) return std::unexpected(last_error());
    const auto bound = local_of(fd->get());
    if (!bound) return std::unexpected(bound.error());

    TcpListener listener;
    listener.fd_ = std::move(*fd);
    listener.local_ = *bound;
    listener.wildcard_ = local.ip.is_unspecified();
    return listener;
}

AcceptPolicy accept_policy(int error) noexcept {
    switch (error) {
        case EAGAIN:
            return AcceptPolicy::Nothing;
        // accept(2): what has happened to the connection while it waited comes back as an error of
        // the call, and the next one may be fine. EPERM is a firewall's rule against that one.
        case EINTR:
        case ECONNABORTED:
        case EPROTO:
        case EPERM:
        case ENETDOWN:
        case ENETUNREACH:
        case ENOPROTOOPT:
        case EHOSTDOWN:
        case EHOSTUNREACH:
        case ENONET:
        case EOPNOTSUPP:
        case ETIMEDOUT:
            return AcceptPolicy::Next;
        default:  // EMFILE, ENFILE, ENOBUFS, ENOMEM; and what should not happen must not spin
            return AcceptPolicy::BackOff;
    }
}

std::expected<AcceptedStream, AcceptPolicy> accept_stream(const TcpListener& listener) noexcept {
    SocketAddress address;
    socklen_t length = sizeof address;
    AcceptedStream stream;
    stream.fd.reset(::accept4(listener.fd(), &address.any, &length, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (!stream.fd.valid()) return std::unexpected(accept_policy(errno));
    stream.remote = to_endpoint(address);
    stream.local = listener.local();
    if (listener.is_wildcard()) {
        const auto local = local_of(stream.fd.get());
        if (!local) return std::unexpected(AcceptPolicy::Next);
        stream.local = *local;
    }
    return stream;
}

std::expected<FileDescriptor, std::error_code> start_connect(const Endpoint& local,
                                                             const Endpoint& peer) {
    auto fd = open_bound(local, true, true);
    if (!fd) return fd;
    SocketAddress address;
    const socklen_t length = to_socket_address(peer, address);
    if (::connect(fd->get(), &address.any, length) != 0 && errno != EINPROGRESS)
        return std::unexpected(last_error());
    return fd;
}

std::error_code connect_result(int fd) noexcept {
    int error = 0;
    socklen_t length = sizeof error;
    if (::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length) != 0) return last_error();
    return {error, std::system_category()};
}

void tune_stream(int fd, std::chrono::milliseconds user_timeout) noexcept {
    set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
    set_option(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
    if (user_timeout.count() <= 0) return;
    const auto timeout = std::min<std::chrono::milliseconds::rep>(user_timeout.count(), 3'600'000);
    // TCP_USER_TIMEOUT decides for unanswered probes as well (tcp(7)), so their number is none of
    // our business; three in the second half survive the loss of two.
    const int seconds = std::max(1, static_cast<int>(timeout / 2'000));
    set_option(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, static_cast<int>(timeout));
    set_option(fd, IPPROTO_TCP, TCP_KEEPIDLE, seconds);
    set_option(fd, IPPROTO_TCP, TCP_KEEPINTVL, std::max(1, seconds / 3));
}

void limit_unsent(int fd, std::size_t bytes) noexcept {
    const auto limit = static_cast<int>(bytes);
    ::setsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &limit, sizeof limit);
}

}  // namespace turnbuckle::net
