#include "turnbuckle/stun/message_builder.hpp"

#include <algorithm>

#include "turnbuckle/stun/integrity.hpp"

namespace turnbuckle::stun {
namespace {

TransactionId tail_of(const LegacyTransactionId& id) noexcept {
    return TransactionId::from_bytes(ByteView{id}.subspan(4));
}

}  // namespace

MessageBuilder::MessageBuilder(MutableBytes out, MessageClass cls, Method method,
                               const TransactionId& id) noexcept
    : MessageBuilder(out, cls, method, kMagicCookie, id) {}

MessageBuilder::MessageBuilder(MutableBytes out, MessageClass cls, Method method,
                               const LegacyTransactionId& id) noexcept
    : MessageBuilder(out, cls, method, load_be32(id.data()), tail_of(id)) {}

MessageBuilder::MessageBuilder(MutableBytes out, MessageClass cls, Method method,
                               std::uint32_t cookie, const TransactionId& id) noexcept
    : out_(out.first(std::min(out.size(), kMaxMessageSize))), id_(id) {
    if (out_.size() < kHeaderSize) {
        ok_ = false;
        return;
    }
    store_be16(out_.data(), message_type(cls, method));
    store_be16(out_.data() + 2, 0);
    store_be32(out_.data() + 4, cookie);
    std::ranges::copy(id.bytes, out_.data() + 8);
    size_ = kHeaderSize;
}

MutableBytes MessageBuilder::append(AttributeType type, std::size_t size, Stage stage) noexcept {
    const bool in_order = stage == Stage::Body ? stage_ == Stage::Body : stage_ < stage;
    const std::size_t room = out_.size() - size_;
    // `room` is at most a message, so a size that passes the first test cannot wrap in the second.
    if (!ok_ || !in_order || size > room || kAttributeHeaderSize + padded_to_4(size) > room) {
        fail();
        return {};
    }
    std::uint8_t* at = out_.data() + size_;
    store_be16(at, static_cast<std::uint16_t>(type));
    store_be16(at + 2, static_cast<std::uint16_t>(size));
    const MutableBytes value = out_.subspan(size_ + kAttributeHeaderSize, size);
    std::fill_n(value.data() + size, padded_to_4(size) - size, std::uint8_t{0});
    size_ += kAttributeHeaderSize + padded_to_4(size);
    store_be16(out_.data() + 2, static_cast<std::uint16_t>(size_ - kHeaderSize));
    stage_ = stage;
    return value;
}

MessageBuilder& MessageBuilder::add_raw(AttributeType type, ByteView value) noexcept {
    const MutableBytes out = append(type, value.size(), Stage::Body);
    if (ok_) std::ranges::copy(value, out.begin());
    return *this;
}

MessageBuilder& MessageBuilder::add_message_integrity(ByteView key) noexcept {
    const std::size_t before = size_;
    const MutableBytes value =
        append(AttributeType::MessageIntegrity, Sha1Digest{}.size(), Stage::Integrity);
    if (ok_) std::ranges::copy(hmac_sha1(key, out_.first(before)), value.begin());
    return *this;
}

MessageBuilder& MessageBuilder::add_message_integrity_sha256(ByteView key,
                                                             std::size_t truncate_to) noexcept {
    if (truncate_to < 16 || truncate_to > 32 || truncate_to % 4 != 0) return fail();
    const std::size_t before = size_;
    const MutableBytes value =
        append(AttributeType::MessageIntegritySha256, truncate_to, Stage::IntegritySha256);
    if (ok_) {
        const Sha256Digest digest = hmac_sha256(key, out_.first(before));
        std::ranges::copy(ByteView{digest}.first(truncate_to), value.begin());
    }
    return *this;
}

MessageBuilder& MessageBuilder::add_fingerprint() noexcept {
    const std::size_t before = size_;
    const MutableBytes value =
        append(AttributeType::Fingerprint, sizeof(std::uint32_t), Stage::Fingerprint);
    if (ok_) store_be32(value.data(), fingerprint(out_.first(before)));
    return *this;
}

ByteView MessageBuilder::finish() const noexcept {
    return ok_ ? ByteView{out_.first(size_)} : ByteView{};
}

}  // namespace turnbuckle::stun
