#include "turnbuckle/stun/turn_attributes.hpp"

#include <algorithm>
#include <limits>

#include "error_code_value.hpp"

namespace turnbuckle::stun {
namespace {

constexpr std::size_t kWord = 4;
constexpr std::uint8_t kReserveNextBit = 0x80;
constexpr std::uint8_t kChangeIpBit = 0x04;
constexpr std::uint8_t kChangePortBit = 0x02;

std::optional<AddressFamily> family_of(std::uint8_t number) noexcept {
    switch (static_cast<AddressFamily>(number)) {
        case AddressFamily::IPv4:
        case AddressFamily::IPv6:
            return static_cast<AddressFamily>(number);
    }
    return std::nullopt;
}

// A number in the top bits of a word whose other bits are reserved.
void encode_top_byte(std::uint8_t number, MutableBytes out) noexcept {
    store_be32(out.data(), std::uint32_t{number} << 24);
}

void encode_family(std::optional<AddressFamily> family, MutableBytes out) noexcept {
    encode_top_byte(family ? static_cast<std::uint8_t>(*family) : std::uint8_t{0}, out);
}

void encode_top_half(std::uint16_t number, MutableBytes out) noexcept {
    store_be32(out.data(), std::uint32_t{number} << 16);
}

}  // namespace

std::optional<ChannelNumber> ChannelNumber::decode(ByteView value, const TransactionId&) noexcept {
    if (value.size() != kWord) return std::nullopt;
    return ChannelNumber{load_be16(value.data())};
}

void ChannelNumber::encode(MutableBytes out, const TransactionId&) const noexcept {
    encode_top_half(number, out);
}

std::optional<Lifetime> Lifetime::decode(ByteView value, const TransactionId&) noexcept {
    if (value.size() != kWord) return std::nullopt;
    return Lifetime{std::chrono::seconds{load_be32(value.data())}};
}

void Lifetime::encode(MutableBytes out, const TransactionId&) const noexcept {
    constexpr std::int64_t kMax = std::numeric_limits<std::uint32_t>::max();
    store_be32(out.data(),
               static_cast<std::uint32_t>(std::clamp<std::int64_t>(seconds.count(), 0, kMax)));
}

std::optional<RequestedAddressFamily> RequestedAddressFamily::decode(
    ByteView value, const TransactionId&) noexcept {
    if (value.size() != kWord) return std::nullopt;
    return RequestedAddressFamily{family_of(value[0])};
}

void RequestedAddressFamily::encode(MutableBytes out, const TransactionId&) const noexcept {
    encode_family(family, out);
}

std::optional<AdditionalAddressFamily> AdditionalAddressFamily::decode(
    ByteView value, const TransactionId&) noexcept {
    if (value.size() != kWord) return std::nullopt;
    return AdditionalAddressFamily{family_of(value[0])};
}

void AdditionalAddressFamily::encode(MutableBytes out, const TransactionId&) const noexcept {
    encode_family(family, out);
}

std::optional<EvenPort> EvenPort::decode(ByteView value, const TransactionId&) noexcept {
    if (value.size() != 1) return std::nullopt;
    return EvenPort{(value[0] & kReserveNextBit) != 0};
}

void EvenPort::encode(MutableBytes out, const TransactionId&) const noexcept {
    out[0] = reserve_next ? kReserveNextBit : std::uint8_t{0};
}

std::optional<RequestedTransport> RequestedTransport::decode(ByteView value,
                                                             const TransactionId&) noexcept {
    if (value.size() != kWord) return std::nullopt;
    return RequestedTransport{value[0]};
}

void RequestedTransport::encode(MutableBytes out, const TransactionId&) const noexcept {
    encode_top_byte(protocol, out);
}

std::optional<ReservationToken> ReservationToken::decode(ByteView value,
                                                         const TransactionId&) noexcept {
    ReservationToken result;
    if (value.size() != result.token.size()) return std::nullopt;
    std::ranges::copy(value, result.token.begin());
    return result;
}

void ReservationToken::encode(MutableBytes out, const TransactionId&) const noexcept {
    std::ranges::copy(token, out.begin());
}

std::optional<AddressErrorCode> AddressErrorCode::decode(ByteView value,
                                                         const TransactionId&) noexcept {
    const std::optional<ErrorCodeValue> decoded = decode_error_code(value);
    if (!decoded) return std::nullopt;
    const std::optional<AddressFamily> family = family_of(value[0]);
    if (!family) return std::nullopt;
    return AddressErrorCode{*family, decoded->code, decoded->reason};
}

std::size_t AddressErrorCode::encoded_size() const noexcept {
    return kReasonOffset + sendable_reason(reason).size();
}

void AddressErrorCode::encode(MutableBytes out, const TransactionId&) const noexcept {
    out[0] = static_cast<std::uint8_t>(family);
    out[1] = 0;
    encode_error_code(code, reason, out);
}

std::optional<Icmp> Icmp::decode(ByteView value, const TransactionId&) noexcept {
    if (value.size() != 2 * kWord) return std::nullopt;
    const std::uint16_t word = load_be16(value.data() + 2);
    return Icmp{static_cast<std::uint8_t>(word >> 9), static_cast<std::uint16_t>(word & 0x01ff),
                load_be32(value.data() + kWord)};
}

void Icmp::encode(MutableBytes out, const TransactionId&) const noexcept {
    store_be16(out.data(), 0);
    store_be16(out.data() + 2,
               static_cast<std::uint16_t>(((type & 0x7fU) << 9) | (code & 0x01ffU)));
    store_be32(out.data() + kWord, data);
}

std::optional<ChangeRequest> ChangeRequest::decode(ByteView value, const TransactionId&) noexcept {
    if (value.size() != kWord) return std::nullopt;
    return ChangeRequest{(value[3] & kChangeIpBit) != 0, (value[3] & kChangePortBit) != 0};
}

void ChangeRequest::encode(MutableBytes out, const TransactionId&) const noexcept {
    store_be32(out.data(), (change_ip ? kChangeIpBit : 0U) | (change_port ? kChangePortBit : 0U));
}

std::optional<ResponsePort> ResponsePort::decode(ByteView value, const TransactionId&) noexcept {
    if (value.size() != 2 && value.size() != kWord) return std::nullopt;
    return ResponsePort{load_be16(value.data())};
}

void ResponsePort::encode(MutableBytes out, const TransactionId&) const noexcept {
    encode_top_half(port, out);
}

void Padding::encode(MutableBytes out, const TransactionId&) const noexcept {
    std::ranges::fill(out, std::uint8_t{0});
}

std::optional<ConnectionId> ConnectionId::decode(ByteView value, const TransactionId&) noexcept {
    if (value.size() != kWord) return std::nullopt;
    return ConnectionId{load_be32(value.data())};
}

void ConnectionId::encode(MutableBytes out, const TransactionId&) const noexcept {
    store_be32(out.data(), id);
}

std::optional<TransactionTransmitCounter> TransactionTransmitCounter::decode(
    ByteView value, const TransactionId&) noexcept {
    if (value.size() != kWord) return std::nullopt;
    return TransactionTransmitCounter{value[2], value[3]};
}

void TransactionTransmitCounter::encode(MutableBytes out, const TransactionId&) const noexcept {
    store_be16(out.data(), 0);
    out[2] = requests;
    out[3] = responses;
}

}  // namespace turnbuckle::stun
