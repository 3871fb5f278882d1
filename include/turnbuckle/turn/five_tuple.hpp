// RFC 8656 section 2.2: what tells one client from another, and so one allocation from another.
//
// A value: client and server transport address and the transport between them. TLS over TCP and
// DTLS over UDP count as transports of their own, so a plain and an encrypted client that share the
// same two addresses on different listeners are never mistaken for each other.
#pragma once

#include <cstddef>
#include <functional>

#include "turnbuckle/base/address.hpp"
#include "turnbuckle/turn/statistics.hpp"

namespace turnbuckle::turn {

// Whether bytes arrive in order and without bounds, so that nothing is retransmitted.
[[nodiscard]] constexpr bool is_stream(Transport transport) noexcept {
    return transport == Transport::Tcp || transport == Transport::Tls;
}

// Whether a client has shown that it receives at its address before its first message is read: by a
// handshake or a cookie.
[[nodiscard]] constexpr bool proves_address(Transport transport) noexcept {
    return transport != Transport::Udp;
}

struct FiveTuple {
    Endpoint client;
    Endpoint server;
    Transport transport = Transport::Udp;

    friend constexpr bool operator==(const FiveTuple&, const FiveTuple&) noexcept = default;
};

// Mixes well enough for open addressing; identity is always operator==, never the hash.
[[nodiscard]] inline std::size_t hash_value(const FiveTuple& t) noexcept {
    // The server side takes few values, so it only perturbs; the odd factor keeps client and server
    // from cancelling each other when they are equal.
    return hash_value(t.client) ^ (hash_value(t.server) * 0x9e3779b97f4a7c15ULL +
                                   static_cast<std::size_t>(t.transport) * 0xc2b2ae3d27d4eb4fULL);
}

}  // namespace turnbuckle::turn

template <>
struct std::hash<turnbuckle::turn::FiveTuple> {
    std::size_t operator()(const turnbuckle::turn::FiveTuple& t) const noexcept {
        return turnbuckle::turn::hash_value(t);
    }
};
