// What the engine needs to know of this host's own addresses (docs/architecture.md, Security).
//
// On the server's own addresses only its relayed transport addresses can be reached: relay-to-relay
// is always allowed, while listeners, the admin plane or a database beside the server never are,
// unless the configuration opens them by CIDR. A permission is for an IP address, so what may be
// sent to is judged per datagram, by endpoint. Called on the data path by every worker: lock-free.
#pragma once

#include <cstdint>

#include "turnbuckle/base/address.hpp"
#include "turnbuckle/turn/client_path.hpp"

namespace turnbuckle::turn {

enum class Ownership : std::uint8_t {
    Foreign,   // not an address of this host
    Relayed,   // a relayed transport address that is in use now
    Service,   // one of Turnbuckle's own listeners: never a peer
    OtherOwn,  // any other endpoint on an address of this host
};

class OwnAddresses {
public:
    virtual ~OwnAddresses() = default;

    // The ports of UDP and of TCP are different spaces: one number may be relayed in one of them.
    [[nodiscard]] virtual Ownership of(const Endpoint& endpoint,
                                       RelayProtocol protocol) const noexcept = 0;
    // True for an address that relayed transport addresses live on (also as advertised), so that a
    // permission for it makes sense.
    [[nodiscard]] virtual bool is_relay_address(const IpAddress& ip) const noexcept = 0;
    // True for any address of this host, relay addresses as advertised included.
    [[nodiscard]] virtual bool is_own(const IpAddress& ip) const noexcept = 0;
};

}  // namespace turnbuckle::turn
