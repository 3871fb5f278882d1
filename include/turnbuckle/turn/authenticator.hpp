// The long-term credential mechanism, server side (RFC 8489 section 9.2.4), as steps in the RFC's
// order. Pure functions over one request; what needs a store stands between step two and three.
#pragma once

#include <expected>
#include <span>

#include "turnbuckle/turn/core.hpp"

namespace turnbuckle::turn {

// What a request claims; views into the message.
struct Claim {
    std::string_view username;
    std::string_view realm;
    NonceStatus nonce{};
};

// A refusal of authentication also says what is counted; nothing where a client is merely new.
struct AuthenticationRefusal {
    Refusal refusal;
    std::optional<AuthFailure> counted;
};

// No integrity: 401. Integrity without USERNAME, REALM or NONCE: 400. A nonce that was never ours
// to this client: 438 at once, before the sender can make a store work (it has not proven its
// address). A nonce that merely expired is judged in its place, by `verify`.
[[nodiscard]] std::expected<Claim, AuthenticationRefusal> read_claim(const Core& core,
                                                                     const Request& request);

// The rest of the ladder, with the candidate keys of that user (none: no such user): 401 for a
// wrong password, then 438 for a stale nonce. Returns the index of the key that fits. Takes as long
// for an unknown user as for a wrong password.
[[nodiscard]] std::expected<std::size_t, AuthenticationRefusal> verify(
    const Request& request, const Claim& claim, std::span<const Secret> candidates);

// Counts, reports and answers.
void refuse_authentication(Core& core, const Request& request, std::string_view username,
                           const AuthenticationRefusal& refusal);

}  // namespace turnbuckle::turn
