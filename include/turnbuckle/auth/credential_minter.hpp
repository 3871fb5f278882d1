// Hands out time-limited credentials, in the form that a browser's RTCPeerConnection takes.
//
// The other half of rest_secrets.hpp: `turnbuckle credential`, the snippet printed at start and the
// admin plane use it. Pure; the time is passed in.
#pragma once

#include <chrono>
#include <span>
#include <string>
#include <string_view>

#include "turnbuckle/auth/rest_credential.hpp"

namespace turnbuckle::auth {

struct MintedCredential {
    std::string username;
    Secret password;
    WallTime expires;
};

// Valid for `ttl` from `now`; an empty name makes a username of the expiry alone.
[[nodiscard]] MintedCredential mint_credential(const Secret& secret, std::string_view name,
                                               std::chrono::seconds ttl, WallTime now,
                                               std::string_view separator = ":",
                                               RestDigest digest = RestDigest::Sha1);

// {"iceServers":[{"urls":[...],"username":"...","credential":"..."}]}, on one line.
[[nodiscard]] std::string ice_servers_json(std::span<const std::string> uris,
                                           std::string_view username, std::string_view password);

}  // namespace turnbuckle::auth
