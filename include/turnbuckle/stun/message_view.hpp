// A STUN message read in place: validated once, then queried without a bounds check or a copy.
//
// Non-owning: the bytes (a receive slot) outlive the view and all that is decoded from it.
// Trivially copyable, no heap, any thread. RFC 8489 sections 5, 6.3 and 14. "Obeyed" attributes are
// those that the RFC lets a receiver act on: all up to the first MESSAGE-INTEGRITY(-SHA256); after
// MESSAGE-INTEGRITY only MESSAGE-INTEGRITY-SHA256, and FINGERPRINT only as the very last. Every
// query sees obeyed attributes only, and of several alike the first (section 14).
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <functional>
#include <optional>
#include <type_traits>

#include "turnbuckle/base/bytes.hpp"
#include "turnbuckle/stun/attribute.hpp"
#include "turnbuckle/stun/authentication_attributes.hpp"
#include "turnbuckle/stun/types.hpp"

namespace turnbuckle::stun {

enum class ParseError : std::uint8_t {
    TooShort,          // less than a header
    NotStun,           // the top two bits of the first byte are not zero
    UnalignedLength,   // the Length field is not a multiple of 4
    LengthMismatch,    // the Length field is not that of the datagram
    AttributeOverrun,  // an attribute reaches past the end of the message
};

enum class FingerprintState : std::uint8_t { Absent, Valid, Invalid };

class MessageView {
public:
    [[nodiscard]] static std::expected<MessageView, ParseError> parse(ByteView bytes) noexcept;

    [[nodiscard]] MessageClass message_class() const noexcept { return class_of(type()); }
    [[nodiscard]] Method method() const noexcept { return method_of(type()); }
    [[nodiscard]] ByteView bytes() const noexcept { return {data_, size_}; }

    // Without the cookie it is a message of RFC 3489, whose id also covers the cookie's place.
    [[nodiscard]] bool has_cookie() const noexcept { return load_be32(data_ + 4) == kMagicCookie; }
    [[nodiscard]] TransactionId transaction_id() const noexcept {
        return TransactionId::from_bytes({data_ + 8, kTransactionIdSize});
    }
    [[nodiscard]] LegacyTransactionId legacy_transaction_id() const noexcept;

    // The raw value, without padding.
    [[nodiscard]] std::optional<ByteView> find(AttributeType type) const noexcept;
    [[nodiscard]] bool has(AttributeType type) const noexcept { return find(type).has_value(); }

    // The first A, decoded. A malformed first one is not made good by a second.
    template <Attribute A>
    [[nodiscard]] std::expected<A, AttributeError> get() const noexcept;

    // Calls visit(AttributeType, ByteView value) for each obeyed attribute, in order.
    template <class Visitor>
    void for_each(Visitor&& visit) const;

    // Calls visit(const A&) for each A, in order (CreatePermission repeats XOR-PEER-ADDRESS). Stops
    // and gives false at the first malformed one.
    template <Attribute A, class Visitor>
    [[nodiscard]] bool for_each_of(Visitor&& visit) const;

    // The comprehension-required types for which `is_known(AttributeType)` is false, each once:
    // what a 420 names. The first AttributeTypeList::kCapacity of them. Integrity attributes are
    // known.
    template <class Predicate>
    [[nodiscard]] AttributeTypeList collect_unknown(Predicate&& is_known) const;

    // Invalid: wrong CRC or size, or not the last attribute.
    [[nodiscard]] FingerprintState fingerprint_state() const noexcept;

    [[nodiscard]] bool has_integrity() const noexcept { return integrity_ != 0; }
    [[nodiscard]] bool has_integrity_sha256() const noexcept { return integrity_sha256_ != 0; }
    // Length of the MESSAGE-INTEGRITY-SHA256 value; 0 if absent.
    [[nodiscard]] std::size_t integrity_sha256_size() const noexcept;

    // False if absent or of a wrong size. Constant time in the digest.
    [[nodiscard]] bool verify_integrity(ByteView key) const noexcept;
    // `min_size`: the shortest truncation to accept. RFC 8489 section 14.6 allows 16 to 32 in steps
    // of 4, but the full 32 unless the usage allows less; TURN does not.
    [[nodiscard]] bool verify_integrity_sha256(ByteView key,
                                               std::size_t min_size = 32) const noexcept;

private:
    MessageView(ByteView bytes) noexcept
        : data_(bytes.data()), size_(static_cast<std::uint32_t>(bytes.size())) {}

    [[nodiscard]] std::uint16_t type() const noexcept { return load_be16(data_); }
    [[nodiscard]] AttributeType type_at(std::uint32_t offset) const noexcept {
        return static_cast<AttributeType>(load_be16(data_ + offset));
    }
    [[nodiscard]] ByteView value_at(std::uint32_t offset) const noexcept {
        return {data_ + offset + kAttributeHeaderSize, load_be16(data_ + offset + 2)};
    }
    [[nodiscard]] std::uint32_t after(std::uint32_t offset) const noexcept {
        return offset + static_cast<std::uint32_t>(kAttributeHeaderSize +
                                                   padded_to_4(load_be16(data_ + offset + 2)));
    }

    const std::uint8_t* data_;
    std::uint32_t size_;
    std::uint32_t body_end_ =
        kHeaderSize;  // end of the attributes before any integrity, fingerprint
    // Offsets of the attribute headers; 0: absent.
    std::uint32_t integrity_ = 0;
    std::uint32_t integrity_sha256_ = 0;
    std::uint32_t fingerprint_ = 0;
};

static_assert(std::is_trivially_copyable_v<MessageView>);

template <Attribute A>
std::expected<A, AttributeError> MessageView::get() const noexcept {
    auto value = find(A::kType);
    if constexpr (requires { A::kDraftType; }) {
        if (!value) value = find(A::kDraftType);
    }
    if (!value) return std::unexpected(AttributeError::Absent);
    std::optional<A> attribute = A::decode(*value, transaction_id());
    if (!attribute) return std::unexpected(AttributeError::Malformed);
    return *attribute;
}

template <class Visitor>
void MessageView::for_each(Visitor&& visit) const {
    for (std::uint32_t at = kHeaderSize; at < body_end_; at = after(at)) {
        visit(type_at(at), value_at(at));
    }
    for (const std::uint32_t at : {integrity_, integrity_sha256_, fingerprint_}) {
        if (at != 0) visit(type_at(at), value_at(at));
    }
}

template <Attribute A, class Visitor>
bool MessageView::for_each_of(Visitor&& visit) const {
    for (std::uint32_t at = kHeaderSize; at < body_end_; at = after(at)) {
        if (type_at(at) != A::kType) continue;
        const std::optional<A> attribute = A::decode(value_at(at), transaction_id());
        if (!attribute) return false;
        visit(*attribute);
    }
    return true;
}

template <class Predicate>
AttributeTypeList MessageView::collect_unknown(Predicate&& is_known) const {
    AttributeTypeList unknown;
    for (std::uint32_t at = kHeaderSize; at < body_end_; at = after(at)) {
        const AttributeType type = type_at(at);
        if (is_comprehension_required(type) && !is_known(type) && !unknown.contains(type)) {
            unknown.push_back(type);
        }
    }
    return unknown;
}

}  // namespace turnbuckle::stun
