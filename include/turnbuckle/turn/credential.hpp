// What the engine asks a credential store, and what it gets back: values only.
//
// The engine emits a query as an effect and goes on; the answer may come at once or much later
// (Engine::on_credential). A store never sees a packet, and the engine never sees a store.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <vector>

#include "turnbuckle/base/secret.hpp"
#include "turnbuckle/base/time.hpp"

namespace turnbuckle::turn {

// RFC 8489 section 18.5: which digest makes the long-term key.
enum class PasswordAlgorithm : std::uint8_t { Md5, Sha256 };

struct CredentialQuery {
    std::string username;  // as sent, after OpaqueString
    std::string realm;
    PasswordAlgorithm algorithm = PasswordAlgorithm::Md5;
};

struct Credential {
    // Who is charged: the stable name behind the username ("alice" of "1767225600:alice").
    std::string user;
    // Candidate long-term keys, the likeliest first: one per secret while secrets are rotated.
    std::vector<Secret> keys;
    // After this the credential opens nothing new; sessions that it opened go on.
    std::optional<WallTime> expires;
};

enum class CredentialError : std::uint8_t {
    NoSuchUser,
    Expired,
    Unavailable,  // the store cannot answer: 500, never 401, so that clients keep good passwords
};

using CredentialResult = std::expected<Credential, CredentialError>;

}  // namespace turnbuckle::turn
