// The engine's state machine: the input decides a walk of datagrams, time steps, late answers and
// failures under virtual time. An invariant that breaks is an exception that nobody catches.
#include <cstdint>

#include "support/engine_walk.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    // Longer walks find nothing that shorter ones do not, only slower.
    constexpr std::size_t kMaxDecisions = 4096;
    if (size <= kMaxDecisions) turnbuckle::test::walk({data, size});
    return 0;
}
