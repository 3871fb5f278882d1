// What makes a type a STUN attribute, so that MessageView reads and MessageBuilder writes it.
//
// An attribute is a small value with the code it has on the wire. Views in it (text, data) point
// into the message it was decoded from. Decoding checks all that the RFC fixes (lengths, families,
// UTF-8); "reserved, must be ignored" is ignored. Encoding writes zero into every reserved bit.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "turnbuckle/base/bytes.hpp"
#include "turnbuckle/stun/types.hpp"

namespace turnbuckle::stun {

enum class AttributeError : std::uint8_t { Absent, Malformed };

// `decode` gives nothing if the value is malformed. `encode` gets exactly `encoded_size()` bytes.
// A type may also have kMaxSize, the longest value that the RFC lets a sender send; without it the
// limit is the message. kDraftType is a second code that is accepted when read, never written.
template <class A>
concept Attribute = requires(const A& attribute, ByteView value, const TransactionId& id,
                             MutableBytes out) {
    { A::kType } -> std::convertible_to<AttributeType>;
    { A::decode(value, id) }
    noexcept->std::same_as<std::optional<A>>;
    { attribute.encoded_size() }
    noexcept->std::same_as<std::size_t>;
    { attribute.encode(out, id) }
    noexcept->std::same_as<void>;
};

// RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF.
[[nodiscard]] bool is_valid_utf8(ByteView text) noexcept;

}  // namespace turnbuckle::stun
