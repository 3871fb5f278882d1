#include "turnbuckle/auth/static_users.hpp"

#include <stdexcept>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "turnbuckle/stun/integrity.hpp"
#include "turnbuckle/stun/opaque_string.hpp"

namespace turnbuckle::auth {

namespace {

[[noreturn]] void refuse(std::string_view user, std::string_view why) {
    throw std::invalid_argument(fmt::format("user '{}': {}", user, why));
}

Secret as_secret(ByteView bytes) {
    return Secret(std::string(as_text(bytes)));
}

Secret checked_key(const StaticUser& user, const Secret& key, std::size_t size) {
    if (key.reveal().size() != size)
        refuse(user.name, fmt::format("the key has not {} bytes", size));
    return key;
}

}  // namespace

StaticUsers::StaticUsers(std::span<const StaticUser> users, std::string realm)
    : realm_(std::move(realm)) {
    users_.reserve(users.size());
    for (const StaticUser& user : users) {
        const auto name = stun::enforce_opaque_string(user.name);
        if (!name) refuse(user.name, "the name has characters that OpaqueString forbids");
        if (!users_.emplace(*name, derive(user, *name)).second) refuse(user.name, "named twice");
    }
}

StaticUsers::Keys StaticUsers::derive(const StaticUser& user, std::string_view name) const {
    if (const auto* key = std::get_if<Md5Key>(&user.proof)) {
        return {checked_key(user, key->bytes, sizeof(stun::Md5Digest)), {}};
    }
    if (const auto* key = std::get_if<Sha256Key>(&user.proof)) {
        return {{}, checked_key(user, key->bytes, sizeof(stun::Sha256Digest))};
    }
    // RFC 8489 section 9.2.2: the key is over texts that OpaqueString has been applied to.
    auto password = stun::enforce_opaque_string(std::get<Secret>(user.proof).reveal());
    if (!password) refuse(user.name, "the password has characters that OpaqueString forbids");
    const Secret proven(*std::move(password));
    return {as_secret(stun::long_term_key_md5(name, realm_, proven.reveal())),
            as_secret(stun::long_term_key_sha256(name, realm_, proven.reveal()))};
}

void StaticUsers::lookup(const turn::CredentialQuery& query, WallTime, Done done) {
    const auto found = users_.find(query.username);
    if (found == users_.end() || query.realm != realm_) {
        return done(std::unexpected(turn::CredentialError::NoSuchUser));
    }
    const Keys& keys = found->second;
    const Secret& key = query.algorithm == turn::PasswordAlgorithm::Md5 ? keys.md5 : keys.sha256;
    if (key.empty()) return done(std::unexpected(turn::CredentialError::NoSuchUser));
    done(turn::Credential{found->first, {key}, std::nullopt});
}

}  // namespace turnbuckle::auth
