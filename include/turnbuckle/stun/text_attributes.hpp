// The attributes that are text or opaque bytes: views, owned by whoever owns the message.
//
// RFC 8489 sections 14.3, 14.9, 14.10, 14.14, 14.16; RFC 8656 section 18.4; RFC 7635, 8016. A
// sender keeps text below 509 bytes (127 characters of four bytes), a receiver accepts up to 763.
// Text that is not UTF-8 is malformed, except NONCE: a nonce that is not ours is stale (438),
// whatever it is made of.
#pragma once

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string_view>

#include "turnbuckle/base/bytes.hpp"
#include "turnbuckle/stun/attribute.hpp"
#include "turnbuckle/stun/types.hpp"

namespace turnbuckle::stun {

inline constexpr std::size_t kMaxTextSent = 508;
inline constexpr std::size_t kMaxTextReceived = 763;

enum class TextRule : std::uint8_t { Utf8, AnyBytes };

template <AttributeType Type, TextRule Rule = TextRule::Utf8>
struct Text {
    static constexpr AttributeType kType = Type;
    static constexpr std::size_t kMaxSize = kMaxTextSent;
    std::string_view value;

    [[nodiscard]] static std::optional<Text> decode(ByteView bytes, const TransactionId&) noexcept {
        if (bytes.size() > kMaxTextReceived) return std::nullopt;
        if (Rule == TextRule::Utf8 && !is_valid_utf8(bytes)) return std::nullopt;
        return Text{as_text(bytes)};
    }
    [[nodiscard]] std::size_t encoded_size() const noexcept { return value.size(); }
    void encode(MutableBytes out, const TransactionId&) const noexcept {
        std::ranges::copy(as_bytes(value), out.begin());
    }
    friend bool operator==(const Text&, const Text&) noexcept = default;
};

template <AttributeType Type>
struct Opaque {
    static constexpr AttributeType kType = Type;
    ByteView value;

    [[nodiscard]] static std::optional<Opaque> decode(ByteView bytes,
                                                      const TransactionId&) noexcept {
        return Opaque{bytes};
    }
    [[nodiscard]] std::size_t encoded_size() const noexcept { return value.size(); }
    void encode(MutableBytes out, const TransactionId&) const noexcept {
        std::ranges::copy(value, out.begin());
    }
};

using Username = Text<AttributeType::Username>;
using Realm = Text<AttributeType::Realm>;
using Nonce = Text<AttributeType::Nonce, TextRule::AnyBytes>;
using Software = Text<AttributeType::Software>;
using AlternateDomain = Text<AttributeType::AlternateDomain>;
using ThirdPartyAuthorization = Text<AttributeType::ThirdPartyAuthorization>;
using Data = Opaque<AttributeType::Data>;
using MobilityTicket = Opaque<AttributeType::MobilityTicket>;
using AccessToken = Opaque<AttributeType::AccessToken>;

}  // namespace turnbuckle::stun
