#include "turnbuckle/auth/rest_secrets.hpp"

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "turnbuckle/auth/rest_credential.hpp"
#include "turnbuckle/stun/integrity.hpp"

namespace turnbuckle::auth {

namespace {

Secret long_term_key(const turn::CredentialQuery& query, const Secret& password) {
    const auto key = [&](const auto& digest) { return Secret(std::string(as_text(digest))); };
    if (query.algorithm == turn::PasswordAlgorithm::Md5) {
        return key(stun::long_term_key_md5(query.username, query.realm, password.reveal()));
    }
    return key(stun::long_term_key_sha256(query.username, query.realm, password.reveal()));
}

}  // namespace

RestSecrets::RestSecrets(std::vector<Secret> secrets, std::string separator)
    : secrets_(std::move(secrets)), separator_(std::move(separator)) {
    if (separator_.empty()) throw std::invalid_argument("the REST separator is empty");
    if (std::ranges::any_of(secrets_, &Secret::empty)) {
        throw std::invalid_argument("a REST secret is empty: anyone could make credentials");
    }
}

void RestSecrets::lookup(const turn::CredentialQuery& query, WallTime now, Done done) {
    const auto parsed = parse_rest_username(query.username, separator_);
    if (!parsed || secrets_.empty()) {
        return done(std::unexpected(turn::CredentialError::NoSuchUser));
    }
    // draft-uberti-behave-turn-rest-00 section 4.2: valid until the expiry "has been reached".
    if (now >= parsed->expires) return done(std::unexpected(turn::CredentialError::Expired));

    turn::Credential credential;
    credential.user = parsed->name.empty() ? query.username : std::string(parsed->name);
    credential.expires = parsed->expires;
    credential.keys.reserve(secrets_.size() * 2);
    // Nearly all services use SHA-1, so every secret's SHA-1 candidate goes before any SHA-256 one.
    for (const RestDigest digest : {RestDigest::Sha1, RestDigest::Sha256}) {
        for (const Secret& secret : secrets_) {
            credential.keys.push_back(
                long_term_key(query, rest_password(secret, query.username, digest)));
        }
    }
    done(std::move(credential));
}

}  // namespace turnbuckle::auth
