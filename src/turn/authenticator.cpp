#include "turnbuckle/turn/authenticator.hpp"

#include <array>

#include "turnbuckle/stun/attributes.hpp"
#include "turnbuckle/turn/answer.hpp"

namespace turnbuckle::turn {

namespace {

constexpr Refusal kUnauthenticated{stun::ErrorCode::Unauthenticated, {}, true};
constexpr Refusal kStaleNonce{stun::ErrorCode::StaleNonce, {}, true};
constexpr Refusal kBadRequest{stun::ErrorCode::BadRequest, {}};

}  // namespace

std::expected<Claim, AuthenticationRefusal> read_claim(const Core& core, const Request& request) {
    const auto& message = request.message;
    // "If the message does not contain a MESSAGE-INTEGRITY or MESSAGE-INTEGRITY-SHA256": 401. A
    // client that does so follows the protocol, so it is not counted as a failure. (Nonces here do
    // not offer password algorithms, so MESSAGE-INTEGRITY-SHA256 alone is integrity that nobody
    // agreed on.)
    if (!message.has_integrity())
        return std::unexpected(AuthenticationRefusal{kUnauthenticated, std::nullopt});

    // "... but is missing either the USERNAME or USERHASH, REALM, or NONCE attribute": 400.
    const auto username = message.get<stun::Username>();
    const auto realm = message.get<stun::Realm>();
    const auto nonce = message.get<stun::Nonce>();
    if (!username || !realm || !nonce)
        return std::unexpected(AuthenticationRefusal{kBadRequest, AuthFailure::Malformed});

    const NonceStatus status =
        core.nonces.check(as_bytes(nonce->value), request.from.tuple.client, request.now);
    if (status == NonceStatus::Invalid)
        return std::unexpected(AuthenticationRefusal{kStaleNonce, AuthFailure::StaleNonce});
    return Claim{username->value, realm->value, status};
}

std::expected<std::size_t, AuthenticationRefusal> verify(const Request& request, const Claim& claim,
                                                         std::span<const Secret> candidates) {
    // "If the value of the USERNAME [...] is not valid": 401, after as much work as a wrong
    // password.
    if (candidates.empty()) {
        constexpr std::array<std::uint8_t, 16> kNobodysKey{};
        (void)request.message.verify_integrity(kNobodysKey);
        return std::unexpected(AuthenticationRefusal{kUnauthenticated, AuthFailure::NoSuchUser});
    }
    // "If the resulting value does not match": 401.
    std::size_t fitting = 0;
    while (fitting < candidates.size() &&
           !request.message.verify_integrity(as_bytes(candidates[fitting].reveal())))
        ++fitting;
    if (fitting == candidates.size())
        return std::unexpected(AuthenticationRefusal{kUnauthenticated, AuthFailure::WrongPassword});

    // "If the NONCE is no longer valid": 438.
    if (claim.nonce != NonceStatus::Valid)
        return std::unexpected(AuthenticationRefusal{kStaleNonce, AuthFailure::StaleNonce});
    return fitting;
}

void refuse_authentication(Core& core, const Request& request, std::string_view username,
                           const AuthenticationRefusal& refusal) {
    if (refusal.counted) {
        core.statistics.auth_failures[*refusal.counted].add();
        // A stale nonce is the protocol at work, not an intruder.
        if (*refusal.counted != AuthFailure::StaleNonce)
            request.effects.add(
                AuthenticationFailed{request.from.tuple, std::string(username), *refusal.counted});
    }
    refuse(core, request, refusal.refusal);
}

}  // namespace turnbuckle::turn
