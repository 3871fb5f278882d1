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

struct ClientPath {
    LinkId link{};
    FiveTuple tuple;
};

}  // namespace turnbuckle::turn
