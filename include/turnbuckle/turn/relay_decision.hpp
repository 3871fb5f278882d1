// What to do with one relayed packet: a small value that the engine's data path returns.
//
// Trivially copyable, no heap, no ownership. The payload is named by its place in the datagram that
// was asked about; a header for the client is written into a buffer that the caller brings.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "turnbuckle/base/address.hpp"
#include "turnbuckle/turn/client_path.hpp"
#include "turnbuckle/turn/drop_reason.hpp"

namespace turnbuckle::turn {

// Room for the longest header in front of a payload: a Data indication with an IPv6
// XOR-PEER-ADDRESS (20 + 4 + 20) and the DATA attribute's header (4).
using RelayHeader = std::array<std::uint8_t, 48>;

enum class RelayAction : std::uint8_t {
    Drop,      // `reason` says why; already counted
    ToPeer,    // send the payload from `relay` to `endpoint`
    ToClient,  // send header, payload and padding on `link` to `endpoint`
};

struct RelayDecision {
    RelayAction action = RelayAction::Drop;
    DropReason reason = DropReason::None;
    std::uint8_t header_length = 0;  // ToClient: bytes written into the RelayHeader
    std::uint8_t padding = 0;        // ToClient: zero bytes behind the payload
    bool own_endpoint = false;       // ToPeer: `endpoint` is a relayed transport address of ours
    bool dont_fragment = false;      // ToPeer: the client asked for DF (RFC 8656 section 14)
    std::uint32_t payload_offset = 0;
    std::uint32_t payload_length = 0;
    RelayHandle relay{};
    LinkId link{};
    Endpoint endpoint;  // where to: the peer, or the client
    IpAddress source;   // ToClient: the server address that the client talks to

    [[nodiscard]] static RelayDecision drop(DropReason why) noexcept {
        RelayDecision decision;
        decision.reason = why;
        return decision;
    }
};

static_assert(std::is_trivially_copyable_v<RelayDecision>);

}  // namespace turnbuckle::turn
