#include "turnbuckle/net/local_addresses.hpp"

#include <ifaddrs.h>
#include <net/if.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <system_error>

#include "turnbuckle/net/file_descriptor.hpp"
#include "turnbuckle/net/socket_address.hpp"

namespace turnbuckle::net {

namespace {

FileDescriptor udp_socket(AddressFamily family) {
    return FileDescriptor(
        ::socket(family == AddressFamily::IPv4 ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0));
}

std::optional<IpAddress> ip_of(const sockaddr* address) noexcept {
    if (address == nullptr) return std::nullopt;
    SocketAddress copy{};
    switch (address->sa_family) {
        case AF_INET:
            std::memcpy(&copy, address, sizeof copy.v4);
            break;
        case AF_INET6:
            std::memcpy(&copy, address, sizeof copy.v6);
            break;
        default:
            return std::nullopt;
    }
    return to_endpoint(copy).ip;
}

// Far away and belonging to nobody (RFC 5737, RFC 3849): the default route leads there.
Endpoint documentation_endpoint(AddressFamily family) {
    if (family == AddressFamily::IPv4) return {IpAddress::v4(203, 0, 113, 1), 9};
    return {*IpAddress::parse("2001:db8::1"), 9};
}

}  // namespace

std::vector<IpAddress> local_addresses() {
    ifaddrs* list = nullptr;
    if (::getifaddrs(&list) != 0)
        throw std::system_error(errno, std::generic_category(), "getifaddrs");
    const std::unique_ptr<ifaddrs, decltype(&::freeifaddrs)> owner(list, &::freeifaddrs);

    std::vector<IpAddress> found;
    for (const ifaddrs* entry = list; entry != nullptr; entry = entry->ifa_next) {
        if ((entry->ifa_flags & IFF_UP) == 0) continue;
        const auto ip = ip_of(entry->ifa_addr);
        if (ip && std::ranges::find(found, *ip) == found.end()) found.push_back(*ip);
    }
    return found;
}

std::optional<IpAddress> default_route_address(AddressFamily family) {
    const FileDescriptor fd = udp_socket(family);
    if (!fd.valid()) return std::nullopt;
    SocketAddress address{};
    const socklen_t length = to_socket_address(documentation_endpoint(family), address);
    if (::connect(fd.get(), &address.any, length) != 0) return std::nullopt;
    socklen_t local_length = sizeof address;
    if (::getsockname(fd.get(), &address.any, &local_length) != 0) return std::nullopt;
    const IpAddress ip = to_endpoint(address).ip;
    if (ip.is_unspecified()) return std::nullopt;
    return ip;
}

bool is_local(const IpAddress& ip) {
    const bool multicast = ip.is_v4() ? (ip.bytes()[0] & 0xf0) == 0xe0 : ip.bytes()[0] == 0xff;
    if (multicast || ip.is_unspecified()) return false;
    const FileDescriptor fd = udp_socket(ip.family());
    SocketAddress address{};
    const socklen_t length = to_socket_address({ip, 0}, address);
    if (fd.valid() && ::bind(fd.get(), &address.any, length) == 0) return true;
    // An IPv6 link-local address cannot be bound without its interface, but is ours all the same.
    const auto all = local_addresses();
    return std::ranges::find(all, ip) != all.end();
}

}  // namespace turnbuckle::net
