// What can be said of a DTLS datagram before any state is spent on it (RFC 6347 sections 4.1, 4.2).
//
// Pure functions. Only the first record is looked at, and of it only what stands in the clear:
// these decide where a datagram goes, never whom it is from. No allocation; views into the
// datagram.
#pragma once

#include <cstdint>
#include <optional>

#include "turnbuckle/base/bytes.hpp"

namespace turnbuckle::net {

// RFC 7983 section 7: the first byte of DTLS among STUN, ChannelData and others.
[[nodiscard]] constexpr bool is_dtls(ByteView datagram) noexcept {
    return !datagram.empty() && datagram[0] >= 20 && datagram[0] <= 63;
}

// The opening of a ClientHello in the clear, its first fragment at least. A client may send such
// only to begin an association (section 4.2.8), so it is what tells a new one.
struct DtlsHello {
    ByteView random;  // 32 bytes; never the same in two associations
    ByteView cookie;  // empty in the first ClientHello
    // Version, random and session id, which a client repeats unchanged with its cookie (section
    // 4.2.1).
    ByteView parameters;
};
[[nodiscard]] std::optional<DtlsHello> parse_dtls_hello(ByteView datagram) noexcept;

}  // namespace turnbuckle::net
