// Which datagrams may leave as one UDP_SEGMENT message: a pure decision, without a socket.
//
// The kernel cuts the message into pieces of the first one's size, so all are equal but the last,
// which may be shorter. It refuses pieces that do not fit the device's MTU, hence the bound on the
// size (an Ethernet frame); where the path is narrower the sender falls back to plain datagrams.
// Sizes are UDP payload bytes.
#pragma once

#include <cstddef>

#include "turnbuckle/base/address.hpp"

namespace turnbuckle::net {

inline constexpr std::size_t kMaxGsoSegments = 64;  // UDP_MAX_SEGMENTS before Linux 6.9
inline constexpr std::size_t kMaxGsoBytes = 65507;  // one IPv4 datagram
inline constexpr std::size_t kMaxSegmentV4 = 1472;  // 1500 - 20 - 8
inline constexpr std::size_t kMaxSegmentV6 = 1452;  // 1500 - 40 - 8

// A datagram as far as the decision needs it. `source` is unspecified where the route decides.
struct GsoCandidate {
    std::size_t length;
    const Endpoint& destination;
    const IpAddress& source;
    bool gso_allowed;  // by the socket, and no earlier attempt with this datagram has failed
};

// The pending message, all of one socket. Default-constructed: none is pending.
struct GsoBatch {
    std::size_t segments = 0;
    std::size_t segment_size = 0;
    std::size_t bytes = 0;
    Endpoint destination;
    IpAddress source;
};

struct GsoDecision {
    bool join;         // it may be appended to the pending message
    bool flush_after;  // nothing may be appended after it

    friend bool operator==(const GsoDecision&, const GsoDecision&) = default;
};

// Anything may join an empty batch. If it may not join, ask again with an empty batch.
[[nodiscard]] GsoDecision decide_gso(const GsoBatch& batch, const GsoCandidate& next) noexcept;

// What the batch is after `next` has joined.
void append_gso(GsoBatch& batch, const GsoCandidate& next) noexcept;

}  // namespace turnbuckle::net
