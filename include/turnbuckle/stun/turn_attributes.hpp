// The fixed-size attributes of TURN (RFC 8656 section 18) and of its neighbours: RFC 5780 (NAT
// behaviour), 6062 (TCP), 7982 (transmit counter), 8445 (ICE, seen when a peer's checks are
// relayed).
//
// Each is a word or two; RFFU bits are written as zero and ignored when read. A wrong length is
// malformed. A family number that nobody assigned is not: RFC 8656 answers it with 440, so it is
// kept as "no family".
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "turnbuckle/base/address.hpp"
#include "turnbuckle/base/bytes.hpp"
#include "turnbuckle/stun/attribute.hpp"
#include "turnbuckle/stun/types.hpp"

namespace turnbuckle::stun {

// Section 18.1: 16 bits of number, 16 RFFU. Any number is decoded; is_channel() judges it.
struct ChannelNumber {
    static constexpr AttributeType kType = AttributeType::ChannelNumber;
    std::uint16_t number = 0;

    [[nodiscard]] static std::optional<ChannelNumber> decode(ByteView value,
                                                             const TransactionId&) noexcept;
    [[nodiscard]] std::size_t encoded_size() const noexcept { return 4; }
    void encode(MutableBytes out, const TransactionId&) const noexcept;
    friend bool operator==(const ChannelNumber&, const ChannelNumber&) noexcept = default;
};

// Section 18.2. Negative or above 2^32-1 seconds cannot be sent and is clamped.
struct Lifetime {
    static constexpr AttributeType kType = AttributeType::Lifetime;
    std::chrono::seconds seconds{};

    [[nodiscard]] static std::optional<Lifetime> decode(ByteView value,
                                                        const TransactionId&) noexcept;
    [[nodiscard]] std::size_t encoded_size() const noexcept { return 4; }
    void encode(MutableBytes out, const TransactionId&) const noexcept;
    friend bool operator==(const Lifetime&, const Lifetime&) noexcept = default;
};

// Section 18.6: 8 bits of family, 24 reserved.
struct RequestedAddressFamily {
    static constexpr AttributeType kType = AttributeType::RequestedAddressFamily;
    std::optional<AddressFamily> family;  // nothing: a number that is neither IPv4 nor IPv6

    [[nodiscard]] static std::optional<RequestedAddressFamily> decode(
        ByteView value, const TransactionId&) noexcept;
    [[nodiscard]] std::size_t encoded_size() const noexcept { return 4; }
    void encode(MutableBytes out, const TransactionId&) const noexcept;
    friend bool operator==(const RequestedAddressFamily&,
                           const RequestedAddressFamily&) noexcept = default;
};

// Section 18.11, laid out as the former. Also read under the number that the drafts used.
struct AdditionalAddressFamily {
    static constexpr AttributeType kType = AttributeType::AdditionalAddressFamily;
    static constexpr AttributeType kDraftType = AttributeType::AdditionalAddressFamilyDraft;
    std::optional<AddressFamily> family;

    [[nodiscard]] static std::optional<AdditionalAddressFamily> decode(
        ByteView value, const TransactionId&) noexcept;
    [[nodiscard]] std::size_t encoded_size() const noexcept { return 4; }
    void encode(MutableBytes out, const TransactionId&) const noexcept;
    friend bool operator==(const AdditionalAddressFamily&,
                           const AdditionalAddressFamily&) noexcept = default;
};

// Section 18.7: |R| RFFU (7 bits)|.
struct EvenPort {
    static constexpr AttributeType kType = AttributeType::EvenPort;
    bool reserve_next = false;

    [[nodiscard]] static std::optional<EvenPort> decode(ByteView value,
                                                        const TransactionId&) noexcept;
    [[nodiscard]] std::size_t encoded_size() const noexcept { return 1; }
    void encode(MutableBytes out, const TransactionId&) const noexcept;
    friend bool operator==(const EvenPort&, const EvenPort&) noexcept = default;
};

inline constexpr std::uint8_t kProtocolTcp = 6;  // RFC 6062
inline constexpr std::uint8_t kProtocolUdp = 17;

// Section 18.8: 8 bits of IP protocol number, 24 RFFU.
struct RequestedTransport {
    static constexpr AttributeType kType = AttributeType::RequestedTransport;
    std::uint8_t protocol = kProtocolUdp;

    [[nodiscard]] static std::optional<RequestedTransport> decode(ByteView value,
                                                                  const TransactionId&) noexcept;
    [[nodiscard]] std::size_t encoded_size() const noexcept { return 4; }
    void encode(MutableBytes out, const TransactionId&) const noexcept;
    friend bool operator==(const RequestedTransport&, const RequestedTransport&) noexcept = default;
};

// An attribute that is only there or not there: DONT-FRAGMENT (section 18.9), USE-CANDIDATE.
template <AttributeType Type>
struct Flag {
    static constexpr AttributeType kType = Type;

    [[nodiscard]] static std::optional<Flag> decode(ByteView value, const TransactionId&) noexcept {
        if (!value.empty()) return std::nullopt;
        return Flag{};
    }
    [[nodiscard]] std::size_t encoded_size() const noexcept { return 0; }
    void encode(MutableBytes, const TransactionId&) const noexcept {}
    friend bool operator==(const Flag&, const Flag&) noexcept = default;
};
using DontFragment = Flag<AttributeType::DontFragment>;
using UseCandidate = Flag<AttributeType::UseCandidate>;

// Section 18.10.
struct ReservationToken {
    static constexpr AttributeType kType = AttributeType::ReservationToken;
    std::array<std::uint8_t, 8> token{};

    [[nodiscard]] static std::optional<ReservationToken> decode(ByteView value,
                                                                const TransactionId&) noexcept;
    [[nodiscard]] std::size_t encoded_size() const noexcept { return token.size(); }
    void encode(MutableBytes out, const TransactionId&) const noexcept;
    friend bool operator==(const ReservationToken&, const ReservationToken&) noexcept = default;
};

// Section 18.12: |Family (8)| Reserved (13)|Class (3)|Number (8)| Reason Phrase |. Sent by the
// server in the success response of a dual allocation of which one half failed.
struct AddressErrorCode {
    static constexpr AttributeType kType = AttributeType::AddressErrorCode;
    AddressFamily family = AddressFamily::IPv4;
    ErrorCode code{};
    std::string_view reason;  // at most 508 bytes are sent

    [[nodiscard]] static std::optional<AddressErrorCode> decode(ByteView value,
                                                                const TransactionId&) noexcept;
    [[nodiscard]] std::size_t encoded_size() const noexcept;
    void encode(MutableBytes out, const TransactionId&) const noexcept;
    friend bool operator==(const AddressErrorCode&, const AddressErrorCode&) noexcept = default;
};

// Section 18.13: |Reserved (16)|Type (7)|Code (9)| Error Data (32)|. The error types of ICMP and
// ICMPv6 are all below 128, so seven bits hold them.
struct Icmp {
    static constexpr AttributeType kType = AttributeType::Icmp;
    std::uint8_t type = 0;   // 0 to 127
    std::uint16_t code = 0;  // 0 to 511
    std::uint32_t data = 0;  // the next hop's MTU for "packet too big", else 0

    [[nodiscard]] static std::optional<Icmp> decode(ByteView value, const TransactionId&) noexcept;
    [[nodiscard]] std::size_t encoded_size() const noexcept { return 8; }
    void encode(MutableBytes out, const TransactionId&) const noexcept;
    friend bool operator==(const Icmp&, const Icmp&) noexcept = default;
};

// RFC 5780 section 7.2: bit 2 (A) another address, bit 1 (B) another port.
struct ChangeRequest {
    static constexpr AttributeType kType = AttributeType::ChangeRequest;
    bool change_ip = false;
    bool change_port = false;

    [[nodiscard]] static std::optional<ChangeRequest> decode(ByteView value,
                                                             const TransactionId&) noexcept;
    [[nodiscard]] std::size_t encoded_size() const noexcept { return 4; }
    void encode(MutableBytes out, const TransactionId&) const noexcept;
    friend bool operator==(const ChangeRequest&, const ChangeRequest&) noexcept = default;
};

// RFC 5780 section 7.5: a port, then two bytes of padding that some count into the length.
struct ResponsePort {
    static constexpr AttributeType kType = AttributeType::ResponsePort;
    std::uint16_t port = 0;

    [[nodiscard]] static std::optional<ResponsePort> decode(ByteView value,
                                                            const TransactionId&) noexcept;
    [[nodiscard]] std::size_t encoded_size() const noexcept { return 4; }
    void encode(MutableBytes out, const TransactionId&) const noexcept;
    friend bool operator==(const ResponsePort&, const ResponsePort&) noexcept = default;
};

// RFC 5780 section 7.6: zeros, so that the response is as long as the path must carry.
struct Padding {
    static constexpr AttributeType kType = AttributeType::Padding;
    std::size_t size = 0;

    [[nodiscard]] static std::optional<Padding> decode(ByteView value,
                                                       const TransactionId&) noexcept {
        return Padding{value.size()};
    }
    [[nodiscard]] std::size_t encoded_size() const noexcept { return size; }
    void encode(MutableBytes out, const TransactionId&) const noexcept;
    friend bool operator==(const Padding&, const Padding&) noexcept = default;
};

// RFC 6062 section 6.2.1.
struct ConnectionId {
    static constexpr AttributeType kType = AttributeType::ConnectionId;
    std::uint32_t id = 0;

    [[nodiscard]] static std::optional<ConnectionId> decode(ByteView value,
                                                            const TransactionId&) noexcept;
    [[nodiscard]] std::size_t encoded_size() const noexcept { return 4; }
    void encode(MutableBytes out, const TransactionId&) const noexcept;
    friend bool operator==(const ConnectionId&, const ConnectionId&) noexcept = default;
};

// RFC 7982 section 3: |Reserved (16)|Req (8)|Resp (8)|.
struct TransactionTransmitCounter {
    static constexpr AttributeType kType = AttributeType::TransactionTransmitCounter;
    std::uint8_t requests = 0;
    std::uint8_t responses = 0;

    [[nodiscard]] static std::optional<TransactionTransmitCounter> decode(
        ByteView value, const TransactionId&) noexcept;
    [[nodiscard]] std::size_t encoded_size() const noexcept { return 4; }
    void encode(MutableBytes out, const TransactionId&) const noexcept;
    friend bool operator==(const TransactionTransmitCounter&,
                           const TransactionTransmitCounter&) noexcept = default;
};

}  // namespace turnbuckle::stun
