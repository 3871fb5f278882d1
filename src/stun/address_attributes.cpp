#include "turnbuckle/stun/address_attributes.hpp"

#include <algorithm>
#include <array>

namespace turnbuckle::stun {
namespace {

constexpr std::size_t kFamilyOffset = 1;
constexpr std::size_t kPortOffset = 2;
constexpr std::size_t kIpOffset = 4;
constexpr auto kPortMask = static_cast<std::uint16_t>(kMagicCookie >> 16);

// RFC 8489 section 14.2: the cookie, then the transaction id.
std::array<std::uint8_t, 16> ip_mask(const TransactionId& id) noexcept {
    std::array<std::uint8_t, 16> mask{};
    store_be32(mask.data(), kMagicCookie);
    std::ranges::copy(id.bytes, mask.begin() + 4);
    return mask;
}

}  // namespace

std::optional<Endpoint> decode_address(ByteView value) noexcept {
    if (value.size() < kIpOffset) return std::nullopt;
    std::size_t ip_size = 0;
    switch (static_cast<AddressFamily>(value[kFamilyOffset])) {
        case AddressFamily::IPv4:
            ip_size = 4;
            break;
        case AddressFamily::IPv6:
            ip_size = 16;
            break;
        default:
            return std::nullopt;
    }
    if (value.size() != kIpOffset + ip_size) return std::nullopt;
    return Endpoint{IpAddress::from_bytes(value.subspan(kIpOffset)),
                    load_be16(value.data() + kPortOffset)};
}

std::optional<Endpoint> decode_xor_address(ByteView value, const TransactionId& id) noexcept {
    std::optional<Endpoint> endpoint = decode_address(value);
    if (!endpoint) return std::nullopt;
    const std::array<std::uint8_t, 16> mask = ip_mask(id);
    std::array<std::uint8_t, 16> ip{};
    const ByteView masked = value.subspan(kIpOffset);
    for (std::size_t i = 0; i < masked.size(); ++i) {
        ip[i] = static_cast<std::uint8_t>(masked[i] ^ mask[i]);
    }
    endpoint->ip = IpAddress::from_bytes(ByteView{ip}.first(masked.size()));
    endpoint->port = static_cast<std::uint16_t>(endpoint->port ^ kPortMask);
    return endpoint;
}

std::size_t encoded_address_size(const Endpoint& endpoint) noexcept {
    return kIpOffset + endpoint.ip.bytes().size();
}

void encode_address(const Endpoint& endpoint, MutableBytes out) noexcept {
    out[0] = 0;
    out[kFamilyOffset] = static_cast<std::uint8_t>(endpoint.ip.family());
    store_be16(out.data() + kPortOffset, endpoint.port);
    std::ranges::copy(endpoint.ip.bytes(), out.data() + kIpOffset);
}

void encode_xor_address(const Endpoint& endpoint, MutableBytes out,
                        const TransactionId& id) noexcept {
    encode_address(endpoint, out);
    store_be16(out.data() + kPortOffset, endpoint.port ^ kPortMask);
    const std::array<std::uint8_t, 16> mask = ip_mask(id);
    for (std::size_t i = kIpOffset; i < encoded_address_size(endpoint); ++i) {
        out[i] = static_cast<std::uint8_t>(out[i] ^ mask[i - kIpOffset]);
    }
}

}  // namespace turnbuckle::stun
