// The vocabulary of the STUN wire format: classes, methods, attribute types, error codes, sizes.
//
// RFC 8489 sections 5 and 14 (STUN), RFC 8656 sections 17 to 19 (TURN), RFC 6062, 5780, 7635, 7982,
// 8016 and 8445 for what they add. Plain values, no state. All multi-byte fields on the wire are
// big-endian; the layouts of the three frames stand here, once:
//
// STUN message header (RFC 8489 section 5), 20 bytes; Length counts what follows it:
//     0                   1                   2                   3
//    |0 0|  Message Type (14 bits)   |       Message Length          |
//    |                 Magic Cookie 0x2112A442                       |
//    |            Transaction ID (96 bits, three words)              |
// Message Type interleaves class (C) and method (M): M11-M7 C1 M6-M4 C0 M3-M0. Before RFC 5389
// (RFC 3489) there was no cookie: those 32 bits are the head of a 128-bit transaction ID.
//
// Attribute (section 14), Length without the padding to 4 bytes:
//    |            Type               |            Length             |
//    |               Value, then 0 to 3 bytes of padding             |
//
// ChannelData (RFC 8656 section 12.4), Length without the padding (streams only):
//    |     Channel Number            |            Length             |
//    |               Application Data                                |
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string_view>

#include "turnbuckle/base/bytes.hpp"

namespace turnbuckle::stun {

inline constexpr std::uint32_t kMagicCookie = 0x2112A442;
inline constexpr std::size_t kHeaderSize = 20;
inline constexpr std::size_t kAttributeHeaderSize = 4;
inline constexpr std::size_t kChannelHeaderSize = 4;
inline constexpr std::size_t kTransactionIdSize = 12;
// The Length field of a message is a multiple of 4, so its largest value is 65532.
inline constexpr std::size_t kMaxMessageSize = kHeaderSize + 65532;

enum class MessageClass : std::uint8_t { Request, Indication, SuccessResponse, ErrorResponse };

enum class Method : std::uint16_t {
    Binding = 0x001,
    Allocate = 0x003,
    Refresh = 0x004,
    Send = 0x006,
    Data = 0x007,
    CreatePermission = 0x008,
    ChannelBind = 0x009,
    Connect = 0x00a,
    ConnectionBind = 0x00b,
    ConnectionAttempt = 0x00c,
};

// Below 0x8000: a receiver that does not know the type must refuse the request (420).
enum class AttributeType : std::uint16_t {
    MappedAddress = 0x0001,
    ResponseAddress = 0x0002,  // RFC 3489 only, as are the others marked so
    ChangeRequest = 0x0003,
    SourceAddress = 0x0004,   // RFC 3489
    ChangedAddress = 0x0005,  // RFC 3489
    Username = 0x0006,
    Password = 0x0007,  // RFC 3489
    MessageIntegrity = 0x0008,
    ErrorCode = 0x0009,
    UnknownAttributes = 0x000a,
    ReflectedFrom = 0x000b,  // RFC 3489
    ChannelNumber = 0x000c,
    Lifetime = 0x000d,
    Bandwidth = 0x0010,  // reserved, once TURN
    XorPeerAddress = 0x0012,
    Data = 0x0013,
    Realm = 0x0014,
    Nonce = 0x0015,
    XorRelayedAddress = 0x0016,
    RequestedAddressFamily = 0x0017,
    EvenPort = 0x0018,
    RequestedTransport = 0x0019,
    DontFragment = 0x001a,
    AccessToken = 0x001b,
    MessageIntegritySha256 = 0x001c,
    PasswordAlgorithm = 0x001d,
    UserHash = 0x001e,
    XorMappedAddress = 0x0020,
    TimerVal = 0x0021,  // reserved, once TURN
    ReservationToken = 0x0022,
    Priority = 0x0024,
    UseCandidate = 0x0025,
    Padding = 0x0026,
    ResponsePort = 0x0027,
    ConnectionId = 0x002a,
    AdditionalAddressFamily = 0x8000,
    AddressErrorCode = 0x8001,
    PasswordAlgorithms = 0x8002,
    AlternateDomain = 0x8003,
    Icmp = 0x8004,
    Software = 0x8022,
    AlternateServer = 0x8023,
    TransactionTransmitCounter = 0x8025,
    CacheTimeout = 0x8027,
    Fingerprint = 0x8028,
    IceControlled = 0x8029,
    IceControlling = 0x802a,
    ResponseOrigin = 0x802b,
    OtherAddress = 0x802c,
    EcnCheck = 0x802d,
    ThirdPartyAuthorization = 0x802e,
    Origin = 0x802f,
    MobilityTicket = 0x8030,
    AdditionalAddressFamilyDraft = 0x8032,  // what clients sent before RFC 8656 fixed 0x8000
};

[[nodiscard]] constexpr bool is_comprehension_required(AttributeType type) noexcept {
    return static_cast<std::uint16_t>(type) < 0x8000;
}

enum class ErrorCode : std::uint16_t {
    TryAlternate = 300,
    BadRequest = 400,
    Unauthenticated = 401,
    Forbidden = 403,
    MobilityForbidden = 405,
    UnknownAttribute = 420,
    AllocationMismatch = 437,
    StaleNonce = 438,
    AddressFamilyNotSupported = 440,
    WrongCredentials = 441,
    UnsupportedTransport = 442,
    PeerAddressFamilyMismatch = 443,
    ConnectionAlreadyExists = 446,
    ConnectionTimeoutOrFailure = 447,
    AllocationQuotaReached = 486,
    ServerError = 500,
    InsufficientCapacity = 508,
};

// The reason phrase that the RFC recommends; empty for a code not listed above.
[[nodiscard]] std::string_view reason_phrase(ErrorCode code) noexcept;

// Channel numbers that can be bound (RFC 8656 section 12). RFC 5766 went up to 0x7FFF, and clients
// written for it still do.
inline constexpr std::uint16_t kMinChannel = 0x4000;
inline constexpr std::uint16_t kMaxChannel = 0x4fff;
inline constexpr std::uint16_t kMaxLegacyChannel = 0x7fff;

[[nodiscard]] constexpr bool is_channel(std::uint16_t number) noexcept {
    return number >= kMinChannel && number <= kMaxChannel;
}

[[nodiscard]] constexpr bool is_legacy_channel(std::uint16_t number) noexcept {
    return number > kMaxChannel && number <= kMaxLegacyChannel;
}

struct TransactionId {
    std::array<std::uint8_t, kTransactionIdSize> bytes{};

    // `view` has 12 elements.
    [[nodiscard]] static constexpr TransactionId from_bytes(ByteView view) noexcept {
        TransactionId id;
        for (std::size_t i = 0; i < kTransactionIdSize; ++i)
            id.bytes[i] = view[i];
        return id;
    }
    friend constexpr auto operator<=>(const TransactionId&,
                                      const TransactionId&) noexcept = default;
};

// The sender chose the bytes: enough for a table of one client's transactions, not a defence.
[[nodiscard]] std::size_t hash_value(const TransactionId& id) noexcept;

// The 128-bit transaction id of RFC 3489: the place of the cookie and the 12 bytes after it.
using LegacyTransactionId = std::array<std::uint8_t, 16>;

// Message Type of class and method (RFC 8489 section 5).
[[nodiscard]] constexpr std::uint16_t message_type(MessageClass cls, Method method) noexcept {
    const auto m = static_cast<unsigned>(method);
    const auto c = static_cast<unsigned>(cls);
    return static_cast<std::uint16_t>((m & 0x000f) | ((m & 0x0070) << 1) | ((m & 0x0f80) << 2) |
                                      ((c & 1) << 4) | ((c & 2) << 7));
}

[[nodiscard]] constexpr MessageClass class_of(std::uint16_t type) noexcept {
    return static_cast<MessageClass>(((type >> 4) & 1) | ((type >> 7) & 2));
}

[[nodiscard]] constexpr Method method_of(std::uint16_t type) noexcept {
    return static_cast<Method>((type & 0x000f) | ((type >> 1) & 0x0070) | ((type >> 2) & 0x0f80));
}

}  // namespace turnbuckle::stun

template <>
struct std::hash<turnbuckle::stun::TransactionId> {
    std::size_t operator()(const turnbuckle::stun::TransactionId& id) const noexcept {
        return turnbuckle::stun::hash_value(id);
    }
};
