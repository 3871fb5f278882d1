// A walk through an engine's states that bytes decide: datagrams (right, damaged, garbage), closing
// connections, TCP peers, time, late answers, failures, reloads. A test feeds it bytes of a fixed
// seed, the fuzzer whatever finds new paths. Throws BrokenInvariant if something does not hold that
// always must.
#pragma once

#include <cstdint>

#include "turnbuckle/base/bytes.hpp"

namespace turnbuckle::test {

struct WalkSummary {
    std::uint64_t created = 0;  // allocations
    std::uint64_t relayed = 0;  // packets, both ways
    std::uint64_t answers = 0;  // responses of any kind
    std::uint64_t bound = 0;    // data connections of RFC 6062
};

WalkSummary walk(ByteView decisions);

}  // namespace turnbuckle::test
