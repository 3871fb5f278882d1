// The network that a sender counts as where limits are kept: /24 of IPv4, /56 of IPv6.
//
// A host can take any address of its network, so a limit for each address would be none.
#pragma once

#include <cstdint>

#include "turnbuckle/base/address.hpp"

namespace turnbuckle::turn {

// As one number, told apart by family and never 0. A source that spells an IPv4 address counts as
// it: otherwise all of NAT64 would be one network.
[[nodiscard]] std::uint64_t source_prefix(const IpAddress& source) noexcept;

}  // namespace turnbuckle::turn
