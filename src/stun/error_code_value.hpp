// Class and number of an error code, as ERROR-CODE and ADDRESS-ERROR-CODE both carry them in bytes
// 2 and 3 of the value, and the reason phrase behind. RFC 8489 section 14.8; private to this layer.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string_view>

#include "turnbuckle/base/bytes.hpp"
#include "turnbuckle/stun/attribute.hpp"
#include "turnbuckle/stun/text_attributes.hpp"
#include "turnbuckle/stun/types.hpp"

namespace turnbuckle::stun {

inline constexpr std::size_t kReasonOffset = 4;

struct ErrorCodeValue {
    ErrorCode code{};
    std::string_view reason;
};

[[nodiscard]] inline std::optional<ErrorCodeValue> decode_error_code(ByteView value) noexcept {
    if (value.size() < kReasonOffset) return std::nullopt;
    const unsigned hundreds = value[2] & 0x07;
    const unsigned number = value[3];
    if (hundreds < 3 || hundreds > 6 || number > 99) return std::nullopt;
    const ByteView reason = value.subspan(kReasonOffset);
    if (reason.size() > kMaxTextReceived || !is_valid_utf8(reason)) return std::nullopt;
    return ErrorCodeValue{static_cast<ErrorCode>(hundreds * 100 + number), as_text(reason)};
}

// Cut before a character that would pass the limit, never inside one.
[[nodiscard]] inline std::string_view sendable_reason(std::string_view reason) noexcept {
    if (reason.size() <= kMaxTextSent) return reason;
    std::size_t end = kMaxTextSent;
    while (end > 0 && (static_cast<std::uint8_t>(reason[end]) & 0xc0) == 0x80)
        --end;
    return reason.substr(0, end);
}

inline void encode_error_code(ErrorCode code, std::string_view reason, MutableBytes out) noexcept {
    const auto number = static_cast<unsigned>(code);
    out[2] = static_cast<std::uint8_t>((number / 100) & 0x07);
    out[3] = static_cast<std::uint8_t>(number % 100);
    std::ranges::copy(as_bytes(sendable_reason(reason)), out.data() + kReasonOffset);
}

}  // namespace turnbuckle::stun
