// What addresses this machine has, and which of them the world outside would see.
//
// For start-up and reload, not for packets: each call asks the kernel anew. Nothing is sent.
// Throws std::system_error if the kernel cannot be asked at all.
#pragma once

#include <optional>
#include <vector>

#include "turnbuckle/base/address.hpp"

namespace turnbuckle::net {

// Of all interfaces that are up, loopback included, without duplicates, in the kernel's order.
[[nodiscard]] std::vector<IpAddress> local_addresses();

// The source address that the kernel would choose for the Internet; nothing without a route there.
[[nodiscard]] std::optional<IpAddress> default_route_address(AddressFamily family);

// Whether a socket can be bound to it, which also covers 127/8 and addresses that only a local
// route makes ours. With net.ipv4.ip_nonlocal_bind that is every unicast address.
[[nodiscard]] bool is_local(const IpAddress& ip);

}  // namespace turnbuckle::net
