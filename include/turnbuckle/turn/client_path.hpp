// The way back to a client: its five-tuple, and the socket or connection that serves it.
#pragma once

#include <cstdint>

#include "turnbuckle/turn/five_tuple.hpp"

namespace turnbuckle::turn {

// A listening UDP socket or a stream connection of one worker. Given out by the driver, opaque to
// the engine, and meaningless to any other worker.
enum class LinkId : std::uint32_t {};

// A relay socket of one worker, given out by the driver, small enough to index a table with.
enum class RelayHandle : std::uint32_t {};

// What a relay speaks with peers, whatever the client speaks with the server.
enum class RelayProtocol : std::uint8_t { Udp, Tcp };

// A TCP connection between a relay of this worker and a peer (RFC 6062), made or accepted; given
// out by the driver, and named by it again only after the engine has had it closed.
enum class PeerConnection : std::uint32_t {};

struct ClientPath {
    LinkId link{};
    FiveTuple tuple;
};

}  // namespace turnbuckle::turn
