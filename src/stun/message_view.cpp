#include "turnbuckle/stun/message_view.hpp"

#include <algorithm>
#include <array>

#include "turnbuckle/base/secret.hpp"
#include "turnbuckle/stun/integrity.hpp"

namespace turnbuckle::stun {
namespace {

constexpr std::size_t kSha1Size = 20;
constexpr std::size_t kMinSha256Size = 16;
constexpr std::size_t kMaxSha256Size = 32;
constexpr std::size_t kFingerprintSize = 4;

// RFC 8489 section 14.5: the header is digested as if the message ended with this attribute.
std::array<std::uint8_t, kHeaderSize> header_ending_at(const std::uint8_t* message,
                                                       std::size_t end) noexcept {
    std::array<std::uint8_t, kHeaderSize> header{};
    std::copy_n(message, kHeaderSize, header.begin());
    store_be16(header.data() + 2, static_cast<std::uint16_t>(end - kHeaderSize));
    return header;
}

}  // namespace

std::expected<MessageView, ParseError> MessageView::parse(ByteView bytes) noexcept {
    if (bytes.size() < kHeaderSize) return std::unexpected(ParseError::TooShort);
    if ((bytes[0] & 0xc0) != 0) return std::unexpected(ParseError::NotStun);
    const std::size_t length = load_be16(bytes.data() + 2);
    if (length % 4 != 0) return std::unexpected(ParseError::UnalignedLength);
    if (length != bytes.size() - kHeaderSize) return std::unexpected(ParseError::LengthMismatch);

    MessageView view{bytes};
    // The whole message is a multiple of 4 and so is every step: a header that begins before the
    // end lies wholly before it.
    std::uint32_t at = kHeaderSize;
    while (at < view.size_) {
        const std::uint32_t next = view.after(at);
        if (next > view.size_) return std::unexpected(ParseError::AttributeOverrun);
        const bool body = view.integrity_ == 0 && view.integrity_sha256_ == 0;
        switch (view.fingerprint_ == 0 ? view.type_at(at) : AttributeType{}) {
            case AttributeType::MessageIntegrity:
                if (body) view.integrity_ = at;
                break;
            case AttributeType::MessageIntegritySha256:
                if (view.integrity_sha256_ == 0) view.integrity_sha256_ = at;
                break;
            case AttributeType::Fingerprint:
                view.fingerprint_ = at;
                break;
            default:
                if (body && view.fingerprint_ == 0) view.body_end_ = next;
                break;
        }
        at = next;
    }
    return view;
}

LegacyTransactionId MessageView::legacy_transaction_id() const noexcept {
    LegacyTransactionId id;
    std::copy_n(data_ + 4, id.size(), id.begin());
    return id;
}

std::optional<ByteView> MessageView::find(AttributeType type) const noexcept {
    std::uint32_t found = 0;
    switch (type) {
        case AttributeType::MessageIntegrity:
            found = integrity_;
            break;
        case AttributeType::MessageIntegritySha256:
            found = integrity_sha256_;
            break;
        case AttributeType::Fingerprint:
            found = fingerprint_;
            break;
        default:
            for (std::uint32_t at = kHeaderSize; at < body_end_ && found == 0; at = after(at)) {
                if (type_at(at) == type) found = at;
            }
            break;
    }
    if (found == 0) return std::nullopt;
    return value_at(found);
}

FingerprintState MessageView::fingerprint_state() const noexcept {
    if (fingerprint_ == 0) return FingerprintState::Absent;
    const ByteView value = value_at(fingerprint_);
    if (value.size() != kFingerprintSize || after(fingerprint_) != size_ ||
        load_be32(value.data()) != fingerprint({data_, fingerprint_})) {
        return FingerprintState::Invalid;
    }
    return FingerprintState::Valid;
}

std::size_t MessageView::integrity_sha256_size() const noexcept {
    return integrity_sha256_ == 0 ? 0 : value_at(integrity_sha256_).size();
}

bool MessageView::verify_integrity(ByteView key) const noexcept {
    if (integrity_ == 0) return false;
    const ByteView value = value_at(integrity_);
    if (value.size() != kSha1Size) return false;
    const auto header = header_ending_at(data_, after(integrity_));
    const Sha1Digest digest =
        hmac_sha1(key, header, bytes().subspan(kHeaderSize, integrity_ - kHeaderSize));
    return constant_time_equal(digest, value);
}

bool MessageView::verify_integrity_sha256(ByteView key, std::size_t min_size) const noexcept {
    if (integrity_sha256_ == 0) return false;
    const ByteView value = value_at(integrity_sha256_);
    if (value.size() < std::max(min_size, kMinSha256Size) || value.size() > kMaxSha256Size ||
        value.size() % 4 != 0) {
        return false;
    }
    const auto header = header_ending_at(data_, after(integrity_sha256_));
    const Sha256Digest digest =
        hmac_sha256(key, header, bytes().subspan(kHeaderSize, integrity_sha256_ - kHeaderSize));
    return constant_time_equal(ByteView{digest}.first(value.size()), value);
}

}  // namespace turnbuckle::stun
