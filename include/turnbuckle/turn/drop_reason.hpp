// Why a packet went no further. Every packet that is dropped increments exactly one of these.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace turnbuckle::turn {

enum class DropReason : std::uint8_t {
    None,
    // What arrived from a client
    Malformed,          // neither valid STUN nor valid ChannelData
    NotStun,            // first byte of another protocol (RFC 7983)
    BadFingerprint,     // FINGERPRINT present and wrong (RFC 8489 section 14.7)
    UnexpectedClass,    // a response, or an indication that no client sends
    UnsupportedMethod,  // no method of ours: silently discarded (RFC 8489 section 6.3)
    RateLimited,        // answer withheld: source prefix used up its unauthenticated answers
    Retransmission,     // the same request is still waiting for its credential or relay
    Overloaded,         // too many requests wait for an answer already
    BadSource,          // source port 0, or a source no client can have
    ClientGone,     // the request waited for something, and its connection closed or became another
    NoAssociation,  // a DTLS record of no association of ours
    NoProxyHeader,  // from a trusted proxy over UDP, neither of a known flow nor with a valid
                    // header
    // Relaying, client to peer
    NoAllocation,    // ChannelData or Send from a five-tuple without an allocation
    NoChannel,       // channel not bound, or its binding expired
    NoPermission,    // no live permission for the peer's IP address
    PeerDenied,      // the peer policy forbids this address
    FamilyMismatch,  // no relayed transport address of the peer's address family
    BadAttributes,   // Send indication without what it needs, or with unknown attributes
    WrongProtocol,   // a datagram for an allocation that relays TCP
    // Relaying, peer to client
    UnknownRelay,  // the relay was closed while the datagram was under way
    TooLarge,      // does not fit a Data indication or ChannelData
    PeerLimit,     // a TCP peer's connection: the allocation has as many as it may
    // Sending
    SendQueueFull,  // the socket would block
    SlowClient,   // a stream's client reads too slowly: the frame waited too long or found no room
    Unreachable,  // the network or host refuses: ENETUNREACH, EHOSTUNREACH, EPERM ...
    MessageTooLong,  // EMSGSIZE
    SendFailed,      // any other error of a send call
    InternalError,   // a broken invariant: only this packet is given up
    Count_
};

inline constexpr std::size_t kDropReasonCount = static_cast<std::size_t>(DropReason::Count_);

// snake_case, as the metrics label `reason` shows it.
[[nodiscard]] std::string_view name_of(DropReason reason) noexcept;

}  // namespace turnbuckle::turn
