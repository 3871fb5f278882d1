// What the tests of real sockets have in common: sockets on loopback and waiting for them.
#pragma once

#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>

#include <cstdint>
#include <cstring>
#include <span>
#include <stdexcept>
#include <vector>

#include "turnbuckle/base/address.hpp"
#include "turnbuckle/net/udp_receiver.hpp"
#include "turnbuckle/net/udp_socket.hpp"

namespace turnbuckle::net::test {

using Bytes = std::vector<std::uint8_t>;

inline constexpr int kPatienceMilliseconds = 5000;

inline Endpoint on(const char* ip, std::uint16_t port = 0) {
    return {*IpAddress::parse(ip), port};
}

inline UdpSocket open_or_throw(const Endpoint& local, const UdpSocketOptions& options = {}) {
    auto socket = open_udp(local, options);
    if (!socket) throw std::runtime_error(local.to_string() + ": " + socket.error().message());
    return std::move(*socket);
}

// Whether one of `events` (or an error) shows before patience ends.
inline bool wait_for(const UdpSocket& socket, short events = POLLIN) {
    pollfd entry{socket.fd(), events, 0};
    return ::poll(&entry, 1, kPatienceMilliseconds) == 1;
}

// Gives the calling thread a network of its own, with nothing but a loopback of this MTU. False
// without the privilege.
inline bool enter_network_of_mtu(int mtu) {
    if (::unshare(CLONE_NEWNET) != 0) return false;
    const FileDescriptor control(::socket(AF_INET, SOCK_DGRAM, 0));
    ifreq request{};
    std::strcpy(request.ifr_name, "lo");
    request.ifr_mtu = mtu;
    if (::ioctl(control.get(), SIOCSIFMTU, &request) != 0) return false;
    request.ifr_flags = IFF_UP;
    return ::ioctl(control.get(), SIOCSIFFLAGS, &request) == 0;
}

inline Bytes copy(std::span<const std::uint8_t> bytes) {
    return {bytes.begin(), bytes.end()};
}

// Recognisable content: no two positions of two datagrams are the same for long.
inline Bytes pattern(std::size_t length, unsigned seed) {
    Bytes bytes(length);
    for (std::size_t i = 0; i < length; ++i)
        bytes[i] = static_cast<std::uint8_t>(i * 31 + i / 256 + seed * 17 + 5);
    return bytes;
}

// Receives until `count` datagrams are there or patience ends; copies, and recycles.
inline std::vector<Bytes> receive_exactly(UdpReceiver& receiver, UdpSocket& socket,
                                          std::size_t count) {
    std::vector<Bytes> all;
    while (all.size() < count && wait_for(socket)) {
        for (const Datagram& datagram : receiver.receive(socket))
            all.push_back(copy(datagram.data));
        receiver.recycle();
    }
    return all;
}

}  // namespace turnbuckle::net::test
