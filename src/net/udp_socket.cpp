#include "turnbuckle/net/udp_socket.hpp"

#include <netinet/in.h>
#include <netinet/udp.h>
#include <sys/socket.h>

#include <atomic>
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

// With CAP_NET_ADMIN the size may pass the system's limit; without, the kernel cuts it to that.
// A capability that is not there will not come: once refused, it is not tried for every socket.
void ask_for_buffer(int fd, int force_name, int name, int bytes) noexcept {
    static std::atomic<bool> may_force{true};
    if (bytes <= 0) return;
    if (may_force.load(std::memory_order_relaxed)) {
        if (set_option(fd, SOL_SOCKET, force_name, bytes)) return;
        if (errno == EPERM) may_force.store(false, std::memory_order_relaxed);
    }
    set_option(fd, SOL_SOCKET, name, bytes);
}

int granted_buffer(int fd, int name) noexcept {
    int bytes = 0;
    socklen_t length = sizeof bytes;
    return ::getsockopt(fd, SOL_SOCKET, name, &bytes, &length) == 0 ? bytes : 0;
}

// The kernel's answer for one socket holds for all.
bool kernel_knows_gso(int fd) noexcept {
    static const bool known = [fd] {
        int segment = 0;
        socklen_t length = sizeof segment;
        return ::getsockopt(fd, IPPROTO_UDP, UDP_SEGMENT, &segment, &length) == 0;
    }();
    return known;
}

// What the socket is useless or unsafe without.
bool set_required(int fd, bool v4, const UdpSocketOptions& options, bool packet_info) noexcept {
    if (v4) {
        if (!set_option(fd, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DONT)) return false;
        if (packet_info && !set_option(fd, IPPROTO_IP, IP_PKTINFO, 1)) return false;
    } else {
        if (!set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1)) return false;
        if (!set_option(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_DONT)) return false;
        if (packet_info && !set_option(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1)) return false;
    }
    return !options.reuse_port || set_option(fd, SOL_SOCKET, SO_REUSEPORT, 1);
}

}  // namespace

std::uint32_t UdpSocket::drops_since(std::uint32_t running_total) noexcept {
    const std::uint32_t lost = running_total - last_drops_;
    last_drops_ = running_total;
    return lost;
}

std::expected<UdpSocket, std::error_code> open_udp(const Endpoint& local,
                                                   const UdpSocketOptions& options) {
    const bool v4 = local.ip.is_v4();
    UdpSocket socket;
    socket.wildcard_ = local.ip.is_unspecified();
    socket.fd_.reset(
        ::socket(v4 ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    const int fd = socket.fd();
    if (fd < 0) return std::unexpected(last_error());

    if (!set_required(fd, v4, options, options.packet_info || socket.wildcard_))
        return std::unexpected(last_error());
    // These only make it faster or better observed: a kernel without them still relays.
    if (options.gro) set_option(fd, IPPROTO_UDP, UDP_GRO, 1);
    if (options.drops) set_option(fd, SOL_SOCKET, SO_RXQ_OVFL, 1);
    socket.gso_enabled_ = options.gso && kernel_knows_gso(fd);
    ask_for_buffer(fd, SO_RCVBUFFORCE, SO_RCVBUF, options.receive_buffer);
    ask_for_buffer(fd, SO_SNDBUFFORCE, SO_SNDBUF, options.send_buffer);
    if (options.read_back) {
        socket.receive_buffer_ = granted_buffer(fd, SO_RCVBUF);
        socket.send_buffer_ = granted_buffer(fd, SO_SNDBUF);
    }

    SocketAddress address;
    const socklen_t length = to_socket_address(local, address);
    if (::bind(fd, &address.any, length) != 0) return std::unexpected(last_error());
    socket.local_ = local;
    if (local.port == 0) {
        socklen_t bound_length = sizeof address;
        if (::getsockname(fd, &address.any, &bound_length) != 0)
            return std::unexpected(last_error());
        socket.local_ = to_endpoint(address);
    }
    return socket;
}

}  // namespace turnbuckle::net
