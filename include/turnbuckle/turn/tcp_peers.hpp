// The connections of an allocation to its TCP peers (RFC 6062 section 5): their beginning and end.
// Not for use outside of `turn`.
//
// A connection is in its Allocation, and in two indices of the Core by its names. Whatever ends one
// comes through here, so that each is closed exactly once and each Connect is answered once.
#pragma once

#include <cstdint>
#include <utility>

#include "turnbuckle/turn/core.hpp"

namespace turnbuckle::turn {

// CONNECTION-ID (section 6.2.1): | worker (8) | random (24) |. It names the worker, because the
// ConnectionBind comes on a connection of its own, which the kernel gives to any worker.
[[nodiscard]] constexpr std::uint8_t worker_of(std::uint32_t connection_id) noexcept {
    return static_cast<std::uint8_t>(connection_id >> 24);
}

// The connection stands: it has 30 s to be bound. Gives it its CONNECTION-ID.
void await_bind(Core& core, Allocation& allocation, TcpPeer& peer, PeerConnection connection,
                Time now);

// The allocation with this connection, or nothing; what of it has expired ends here.
[[nodiscard]] Allocation* owner_of_connection(Core& core, std::uint32_t connection_id, Time now,
                                              Effects& effects);
[[nodiscard]] TcpPeer* find_connection(Allocation& allocation, std::uint32_t id) noexcept;

// The connection has ended outside. Forgets it without an effect.
void forget_peer(Core& core, Allocation& allocation, const TcpPeer& peer);

// Has it closed, or the attempt cancelled; then its Connect is answered with `code`.
void end_peer(Core& core, const TcpPeer& peer, stun::ErrorCode code, Effects& effects);

template <class Predicate>
void end_peers_if(Core& core, Allocation& allocation, stun::ErrorCode code, Effects& effects,
                  Predicate predicate) {
    std::erase_if(allocation.tcp_peers, [&](const TcpPeer& peer) {
        if (!predicate(peer)) return false;
        end_peer(core, peer, code, effects);
        return true;
    });
}

}  // namespace turnbuckle::turn
