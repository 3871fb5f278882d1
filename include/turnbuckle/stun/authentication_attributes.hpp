// ERROR-CODE, UNKNOWN-ATTRIBUTES and what RFC 8489 adds for authentication: USERHASH,
// PASSWORD-ALGORITHM(S). RFC 8489 sections 14.4, 14.8, 14.11 to 14.13.
//
// Lists are bounded arrays, never the heap: a message can name thousands of types, an answer
// repeats the first few. MESSAGE-INTEGRITY(-SHA256) and FINGERPRINT are not here: the view checks
// and the builder makes them.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "turnbuckle/base/bytes.hpp"
#include "turnbuckle/stun/attribute.hpp"
#include "turnbuckle/stun/types.hpp"

namespace turnbuckle::stun {

//    |           Reserved, should be 0         |Class|     Number    |
//    |      Reason Phrase (variable)                                 |
// Class 3 to 6, Number 0 to 99: anything else is malformed.
struct ErrorCodeAttribute {
    static constexpr AttributeType kType = AttributeType::ErrorCode;
    ErrorCode code{};
    std::string_view reason;  // at most 508 bytes are sent

    [[nodiscard]] static std::optional<ErrorCodeAttribute> decode(ByteView value,
                                                                  const TransactionId&) noexcept;
    [[nodiscard]] std::size_t encoded_size() const noexcept;
    void encode(MutableBytes out, const TransactionId&) const noexcept;
    friend bool operator==(const ErrorCodeAttribute&, const ErrorCodeAttribute&) noexcept = default;
};

// A bounded set of attribute types: what arrives after it is full is dropped.
class AttributeTypeList {
public:
    static constexpr std::size_t kCapacity = 16;

    constexpr void push_back(AttributeType type) noexcept {
        if (size_ < kCapacity) types_[size_++] = type;
    }
    [[nodiscard]] constexpr std::size_t size() const noexcept { return size_; }
    [[nodiscard]] constexpr bool empty() const noexcept { return size_ == 0; }
    [[nodiscard]] constexpr bool contains(AttributeType type) const noexcept {
        for (const AttributeType t : *this) {
            if (t == type) return true;
        }
        return false;
    }
    [[nodiscard]] constexpr const AttributeType* begin() const noexcept { return types_.data(); }
    [[nodiscard]] constexpr const AttributeType* end() const noexcept {
        return types_.data() + size_;
    }
    friend constexpr bool operator==(const AttributeTypeList&,
                                     const AttributeTypeList&) noexcept = default;

private:
    std::array<AttributeType, kCapacity> types_{};
    std::size_t size_ = 0;
};

// 16 bits per type.
struct UnknownAttributes {
    static constexpr AttributeType kType = AttributeType::UnknownAttributes;
    AttributeTypeList types;

    [[nodiscard]] static std::optional<UnknownAttributes> decode(ByteView value,
                                                                 const TransactionId&) noexcept;
    [[nodiscard]] std::size_t encoded_size() const noexcept { return types.size() * 2; }
    void encode(MutableBytes out, const TransactionId&) const noexcept;
    friend bool operator==(const UnknownAttributes&, const UnknownAttributes&) noexcept = default;
};

// SHA-256 of username ":" realm.
struct UserHash {
    static constexpr AttributeType kType = AttributeType::UserHash;
    std::array<std::uint8_t, 32> hash{};

    [[nodiscard]] static std::optional<UserHash> decode(ByteView value,
                                                        const TransactionId&) noexcept;
    [[nodiscard]] std::size_t encoded_size() const noexcept { return hash.size(); }
    void encode(MutableBytes out, const TransactionId&) const noexcept;
    friend bool operator==(const UserHash&, const UserHash&) noexcept = default;
};

// RFC 8489 section 18.5. Both have no parameters.
enum class PasswordAlgorithmNumber : std::uint16_t { Md5 = 1, Sha256 = 2 };

//    |          Algorithm            |  Algorithm Parameters Length  |
//    |                    Algorithm Parameters, padded to 4          |
struct PasswordAlgorithm {
    static constexpr AttributeType kType = AttributeType::PasswordAlgorithm;
    PasswordAlgorithmNumber algorithm{};
    ByteView parameters;

    [[nodiscard]] static std::optional<PasswordAlgorithm> decode(ByteView value,
                                                                 const TransactionId&) noexcept;
    [[nodiscard]] std::size_t encoded_size() const noexcept;
    void encode(MutableBytes out, const TransactionId&) const noexcept;
};

// PASSWORD-ALGORITHM entries one after the other. A server compares what a client echoes with what
// it sent byte by byte (MessageView::find), so entries beyond kCapacity are dropped here.
struct PasswordAlgorithms {
    static constexpr AttributeType kType = AttributeType::PasswordAlgorithms;
    static constexpr std::size_t kCapacity = 8;
    std::array<PasswordAlgorithm, kCapacity> entries{};
    std::size_t count = 0;

    [[nodiscard]] std::span<const PasswordAlgorithm> view() const noexcept {
        return {entries.data(), count};
    }
    [[nodiscard]] static std::optional<PasswordAlgorithms> decode(ByteView value,
                                                                  const TransactionId&) noexcept;
    [[nodiscard]] std::size_t encoded_size() const noexcept;
    void encode(MutableBytes out, const TransactionId&) const noexcept;
};

}  // namespace turnbuckle::stun
