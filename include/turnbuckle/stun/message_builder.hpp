// Writes a STUN message straight into the caller's bytes (a send slot): header, then attributes.
//
// Non-owning, no heap, one message per builder. What does not fit latches: nothing more is written,
// and finish() gives an empty view, so that no partial message can leave. The same holds for an
// attribute longer than its RFC lets a sender send, and for one after integrity that section 14.5
// of RFC 8489 would make a receiver ignore. Padding is zero: old bytes of the slot never leak.
#pragma once

#include <cstddef>
#include <cstdint>

#include "turnbuckle/base/bytes.hpp"
#include "turnbuckle/stun/attribute.hpp"
#include "turnbuckle/stun/types.hpp"

namespace turnbuckle::stun {

class MessageBuilder {
public:
    MessageBuilder(MutableBytes out, MessageClass cls, Method method,
                   const TransactionId& id) noexcept;
    // The answer to a message without the cookie (RFC 3489). XORed addresses make no sense in it.
    MessageBuilder(MutableBytes out, MessageClass cls, Method method,
                   const LegacyTransactionId& id) noexcept;

    template <Attribute A>
    MessageBuilder& add(const A& attribute) noexcept {
        const std::size_t size = attribute.encoded_size();
        if constexpr (requires { A::kMaxSize; }) {
            if (size > A::kMaxSize) return fail();
        }
        const MutableBytes value = append(A::kType, size, Stage::Body);
        if (ok_) attribute.encode(value, id_);
        return *this;
    }
    // Any type, known or not.
    MessageBuilder& add_raw(AttributeType type, ByteView value) noexcept;

    // In this order, each at most once: RFC 8489 sections 14.5 to 14.7.
    MessageBuilder& add_message_integrity(ByteView key) noexcept;
    // `truncate_to`: 16 to 32, a multiple of 4.
    MessageBuilder& add_message_integrity_sha256(ByteView key,
                                                 std::size_t truncate_to = 32) noexcept;
    MessageBuilder& add_fingerprint() noexcept;

    // The message, in the front of the bytes given; empty if it failed.
    [[nodiscard]] ByteView finish() const noexcept;
    [[nodiscard]] bool ok() const noexcept { return ok_; }
    [[nodiscard]] std::size_t size() const noexcept { return size_; }

private:
    // What has been written last decides what may follow.
    enum class Stage : std::uint8_t { Body, Integrity, IntegritySha256, Fingerprint };

    MessageBuilder(MutableBytes out, MessageClass cls, Method method, std::uint32_t cookie,
                   const TransactionId& id) noexcept;
    MessageBuilder& fail() noexcept {
        ok_ = false;
        return *this;
    }
    // Writes the attribute's header and padding and moves the message's Length to its end. Gives
    // the place of the value; check ok_ first.
    MutableBytes append(AttributeType type, std::size_t size, Stage stage) noexcept;

    MutableBytes out_;
    TransactionId id_;
    std::size_t size_ = 0;
    Stage stage_ = Stage::Body;
    bool ok_ = true;
};

}  // namespace turnbuckle::stun
