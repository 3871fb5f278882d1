#include "turnbuckle/net/gso_policy.hpp"

namespace turnbuckle::net {

// A datagram joins if
//   [allowed]  the socket does GSO, and it is no datagram that must go alone: an empty one would
//              vanish in a message, a larger one than the MTU would make the kernel refuse it;
//   [segments] the message has room for one more piece, and
//   [bytes]    for its bytes;
//   [address]  both ends are the same;
//   [size]     it is as large as the first one, or shorter and so the last.
GsoDecision decide_gso(const GsoBatch& batch, const GsoCandidate& next) noexcept {
    const std::size_t bound = next.destination.ip.is_v4() ? kMaxSegmentV4 : kMaxSegmentV6;
    const bool alone = !next.gso_allowed || next.length == 0 || next.length > bound;  // [allowed]
    if (batch.segments == 0) return {true, alone};

    const bool join = !alone && batch.segments < kMaxGsoSegments &&  // [segments]
                      batch.bytes + next.length <= kMaxGsoBytes &&   // [bytes]
                      next.length <= batch.segment_size &&           // [size]
                      next.destination == batch.destination &&       // [address]
                      next.source == batch.source;
    const bool full = batch.segments + 1 == kMaxGsoSegments;  // [segments]
    const bool tail = next.length < batch.segment_size;       // [size]
    return {join, join && (full || tail)};
}

void append_gso(GsoBatch& batch, const GsoCandidate& next) noexcept {
    if (batch.segments == 0) {
        batch.segment_size = next.length;
        batch.destination = next.destination;
        batch.source = next.source;
    }
    ++batch.segments;
    batch.bytes += next.length;
}

}  // namespace turnbuckle::net
