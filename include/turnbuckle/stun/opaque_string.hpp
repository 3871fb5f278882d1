// The OpaqueString profile of PRECIS: how usernames, realms and passwords are made comparable.
//
// RFC 8265 section 4.2 over the FreeformClass of RFC 8264: other spaces become U+0020, NFC, no case
// or width mapping; controls, unassigned and ignorable code points are refused, and so is the empty
// string. Pure function, any thread. Printable ASCII, which is nearly all there is, is copied.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

namespace turnbuckle::stun {

enum class OpaqueStringError : std::uint8_t { Empty, NotUtf8, Disallowed };

[[nodiscard]] std::expected<std::string, OpaqueStringError> enforce_opaque_string(
    std::string_view text);

}  // namespace turnbuckle::stun
