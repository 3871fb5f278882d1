// Endpoint <-> the kernel's sockaddr, without text and without allocation: it runs per packet.
//
// Families never mix: every IPv6 socket of this layer is IPV6_V6ONLY, so that listeners on 0.0.0.0
// and :: stand side by side, and a v4-mapped source address cannot occur. Scope ids are not kept
// (see base/address.hpp). Ports are in host order outside, in network order inside.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include "turnbuckle/base/address.hpp"

namespace turnbuckle::net {

// Room for either family at a quarter of the size of sockaddr_storage.
union SocketAddress {
    sockaddr any;
    sockaddr_in v4;
    sockaddr_in6 v6;
};

// Fills `out` and returns the length to pass along with it.
socklen_t to_socket_address(const Endpoint& endpoint, SocketAddress& out) noexcept;

// 0.0.0.0:0 for a family that is neither IPv4 nor IPv6.
[[nodiscard]] Endpoint to_endpoint(const SocketAddress& address) noexcept;

[[nodiscard]] in_addr to_in_addr(const IpAddress& ip) noexcept;    // ip.is_v4()
[[nodiscard]] in6_addr to_in6_addr(const IpAddress& ip) noexcept;  // ip.is_v6()
[[nodiscard]] IpAddress to_ip_address(const in_addr& address) noexcept;
[[nodiscard]] IpAddress to_ip_address(const in6_addr& address) noexcept;

}  // namespace turnbuckle::net
