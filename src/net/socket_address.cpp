#include "turnbuckle/net/socket_address.hpp"

#include <arpa/inet.h>

#include <array>
#include <cstring>

namespace turnbuckle::net {

socklen_t to_socket_address(const Endpoint& endpoint, SocketAddress& out) noexcept {
    if (endpoint.ip.is_v4()) {
        out.v4 = {};
        out.v4.sin_family = AF_INET;
        out.v4.sin_port = htons(endpoint.port);
        out.v4.sin_addr = to_in_addr(endpoint.ip);
        return sizeof out.v4;
    }
    out.v6 = {};
    out.v6.sin6_family = AF_INET6;
    out.v6.sin6_port = htons(endpoint.port);
    out.v6.sin6_addr = to_in6_addr(endpoint.ip);
    return sizeof out.v6;
}

Endpoint to_endpoint(const SocketAddress& address) noexcept {
    switch (address.any.sa_family) {
        case AF_INET:
            return {to_ip_address(address.v4.sin_addr), ntohs(address.v4.sin_port)};
        case AF_INET6:
            return {to_ip_address(address.v6.sin6_addr), ntohs(address.v6.sin6_port)};
        default:
            return {};
    }
}

in_addr to_in_addr(const IpAddress& ip) noexcept {
    in_addr address;
    std::memcpy(&address, ip.bytes().data(), sizeof address);
    return address;
}

in6_addr to_in6_addr(const IpAddress& ip) noexcept {
    in6_addr address;
    std::memcpy(&address, ip.bytes().data(), sizeof address);
    return address;
}

IpAddress to_ip_address(const in_addr& address) noexcept {
    std::array<std::uint8_t, sizeof address> bytes;
    std::memcpy(bytes.data(), &address, bytes.size());
    return IpAddress::from_bytes(bytes);
}

IpAddress to_ip_address(const in6_addr& address) noexcept {
    return IpAddress::from_bytes(address.s6_addr);
}

}  // namespace turnbuckle::net
