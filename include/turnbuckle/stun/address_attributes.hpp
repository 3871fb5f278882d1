// The attributes that hold a transport address, plain and XORed: RFC 8489 sections 14.1 and 14.2.
//
//     |0 0 0 0 0 0 0 0|    Family     |           Port                |
//     |                 Address (32 bits or 128 bits)                 |
//
// XORed: the port with the upper 16 bits of the cookie, the address with the cookie followed (for
// IPv6) by the transaction id. A length that does not fit the family, and any other family, is
// malformed; the first byte is ignored.
#pragma once

#include <cstddef>
#include <optional>

#include "turnbuckle/base/address.hpp"
#include "turnbuckle/base/bytes.hpp"
#include "turnbuckle/stun/attribute.hpp"
#include "turnbuckle/stun/types.hpp"

namespace turnbuckle::stun {

[[nodiscard]] std::optional<Endpoint> decode_address(ByteView value) noexcept;
[[nodiscard]] std::optional<Endpoint> decode_xor_address(ByteView value,
                                                         const TransactionId& id) noexcept;
[[nodiscard]] std::size_t encoded_address_size(const Endpoint& endpoint) noexcept;
// `out` has encoded_address_size(endpoint) bytes.
void encode_address(const Endpoint& endpoint, MutableBytes out) noexcept;
void encode_xor_address(const Endpoint& endpoint, MutableBytes out,
                        const TransactionId& id) noexcept;

template <AttributeType Type>
struct PlainAddress {
    static constexpr AttributeType kType = Type;
    Endpoint endpoint;

    [[nodiscard]] static std::optional<PlainAddress> decode(ByteView value,
                                                            const TransactionId&) noexcept {
        const auto endpoint = decode_address(value);
        if (!endpoint) return std::nullopt;
        return PlainAddress{*endpoint};
    }
    [[nodiscard]] std::size_t encoded_size() const noexcept {
        return encoded_address_size(endpoint);
    }
    void encode(MutableBytes out, const TransactionId&) const noexcept {
        encode_address(endpoint, out);
    }
    friend bool operator==(const PlainAddress&, const PlainAddress&) noexcept = default;
};

template <AttributeType Type>
struct XorAddress {
    static constexpr AttributeType kType = Type;
    Endpoint endpoint;

    [[nodiscard]] static std::optional<XorAddress> decode(ByteView value,
                                                          const TransactionId& id) noexcept {
        const auto endpoint = decode_xor_address(value, id);
        if (!endpoint) return std::nullopt;
        return XorAddress{*endpoint};
    }
    [[nodiscard]] std::size_t encoded_size() const noexcept {
        return encoded_address_size(endpoint);
    }
    void encode(MutableBytes out, const TransactionId& id) const noexcept {
        encode_xor_address(endpoint, out, id);
    }
    friend bool operator==(const XorAddress&, const XorAddress&) noexcept = default;
};

using MappedAddress = PlainAddress<AttributeType::MappedAddress>;
using AlternateServer = PlainAddress<AttributeType::AlternateServer>;
using ResponseOrigin = PlainAddress<AttributeType::ResponseOrigin>;  // RFC 5780 section 7.3
using OtherAddress = PlainAddress<AttributeType::OtherAddress>;      // RFC 5780 section 7.4
using SourceAddress = PlainAddress<AttributeType::SourceAddress>;    // RFC 3489 section 11.2.5
using ChangedAddress = PlainAddress<AttributeType::ChangedAddress>;  // RFC 3489 section 11.2.3
using XorMappedAddress = XorAddress<AttributeType::XorMappedAddress>;
using XorPeerAddress = XorAddress<AttributeType::XorPeerAddress>;        // RFC 8656 section 18.3
using XorRelayedAddress = XorAddress<AttributeType::XorRelayedAddress>;  // RFC 8656 section 18.5

}  // namespace turnbuckle::stun
