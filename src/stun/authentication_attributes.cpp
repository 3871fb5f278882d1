#include "turnbuckle/stun/authentication_attributes.hpp"

#include <algorithm>

#include "error_code_value.hpp"

namespace turnbuckle::stun {
namespace {

constexpr std::size_t kAlgorithmHeaderSize = 4;

// One entry from the front of `bytes`; its padding may be cut off at the end of the attribute.
std::optional<PasswordAlgorithm> decode_algorithm(ByteView bytes) noexcept {
    if (bytes.size() < kAlgorithmHeaderSize) return std::nullopt;
    const std::size_t length = load_be16(bytes.data() + 2);
    if (length > bytes.size() - kAlgorithmHeaderSize) return std::nullopt;
    return PasswordAlgorithm{static_cast<PasswordAlgorithmNumber>(load_be16(bytes.data())),
                             bytes.subspan(kAlgorithmHeaderSize, length)};
}

}  // namespace

std::optional<ErrorCodeAttribute> ErrorCodeAttribute::decode(ByteView value,
                                                             const TransactionId&) noexcept {
    const std::optional<ErrorCodeValue> decoded = decode_error_code(value);
    if (!decoded) return std::nullopt;
    return ErrorCodeAttribute{decoded->code, decoded->reason};
}

std::size_t ErrorCodeAttribute::encoded_size() const noexcept {
    return kReasonOffset + sendable_reason(reason).size();
}

void ErrorCodeAttribute::encode(MutableBytes out, const TransactionId&) const noexcept {
    store_be16(out.data(), 0);
    encode_error_code(code, reason, out);
}

std::optional<UnknownAttributes> UnknownAttributes::decode(ByteView value,
                                                           const TransactionId&) noexcept {
    if (value.size() % 2 != 0) return std::nullopt;
    UnknownAttributes unknown;
    for (std::size_t i = 0; i < value.size(); i += 2) {
        unknown.types.push_back(static_cast<AttributeType>(load_be16(value.data() + i)));
    }
    return unknown;
}

void UnknownAttributes::encode(MutableBytes out, const TransactionId&) const noexcept {
    std::uint8_t* p = out.data();
    for (const AttributeType type : types) {
        store_be16(p, static_cast<std::uint16_t>(type));
        p += 2;
    }
}

std::optional<UserHash> UserHash::decode(ByteView value, const TransactionId&) noexcept {
    UserHash result;
    if (value.size() != result.hash.size()) return std::nullopt;
    std::ranges::copy(value, result.hash.begin());
    return result;
}

void UserHash::encode(MutableBytes out, const TransactionId&) const noexcept {
    std::ranges::copy(hash, out.begin());
}

std::optional<PasswordAlgorithm> PasswordAlgorithm::decode(ByteView value,
                                                           const TransactionId&) noexcept {
    const std::optional<PasswordAlgorithm> entry = decode_algorithm(value);
    if (!entry || value.size() > entry->encoded_size()) return std::nullopt;
    return entry;
}

std::size_t PasswordAlgorithm::encoded_size() const noexcept {
    return kAlgorithmHeaderSize + padded_to_4(parameters.size());
}

void PasswordAlgorithm::encode(MutableBytes out, const TransactionId&) const noexcept {
    std::ranges::fill(out, std::uint8_t{0});
    store_be16(out.data(), static_cast<std::uint16_t>(algorithm));
    store_be16(out.data() + 2, static_cast<std::uint16_t>(parameters.size()));
    std::ranges::copy(parameters, out.data() + kAlgorithmHeaderSize);
}

std::optional<PasswordAlgorithms> PasswordAlgorithms::decode(ByteView value,
                                                             const TransactionId&) noexcept {
    PasswordAlgorithms list;
    while (!value.empty()) {
        const std::optional<PasswordAlgorithm> entry = decode_algorithm(value);
        if (!entry) return std::nullopt;
        if (list.count < kCapacity) list.entries[list.count++] = *entry;
        value = value.subspan(std::min(entry->encoded_size(), value.size()));
    }
    return list;
}

std::size_t PasswordAlgorithms::encoded_size() const noexcept {
    std::size_t size = 0;
    for (const PasswordAlgorithm& entry : view())
        size += entry.encoded_size();
    return size;
}

void PasswordAlgorithms::encode(MutableBytes out, const TransactionId& id) const noexcept {
    for (const PasswordAlgorithm& entry : view()) {
        entry.encode(out.first(entry.encoded_size()), id);
        out = out.subspan(entry.encoded_size());
    }
}

}  // namespace turnbuckle::stun
