// Time-limited credentials of the "TURN REST API" (draft-uberti-behave-turn-rest-00 section 2.2):
// the pure arithmetic that the store (rest_secrets.hpp) and the minter share.
//
// username = expiry [separator name], expiry being decimal seconds since 1970;
// password = base64(HMAC(secret, username)), with HMAC-SHA1 as every deployed service does it, or
// with HMAC-SHA256.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "turnbuckle/base/secret.hpp"
#include "turnbuckle/base/time.hpp"

namespace turnbuckle::auth {

enum class RestDigest : std::uint8_t { Sha1, Sha256 };

struct RestUsername {
    WallTime expires;
    std::string_view name;  // empty: the username is the expiry alone
};

// Nothing unless the text before the first separator is all digits and no later than the year
// 9999. The name is what follows the first separator, so it may contain more of them.
[[nodiscard]] std::optional<RestUsername> parse_rest_username(std::string_view username,
                                                              std::string_view separator);

[[nodiscard]] Secret rest_password(const Secret& secret, std::string_view username,
                                   RestDigest digest);

}  // namespace turnbuckle::auth
