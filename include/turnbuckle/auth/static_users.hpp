// Users that the configuration names: long-term credentials of RFC 8489 section 9.2.
//
// Keys are derived once, for the server's realm, when the store is made; a lookup is one probe of a
// hash table and costs the same for known and unknown names to within that probe. Immutable, so
// any number of threads may ask.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <variant>

#include "turnbuckle/auth/credential_source.hpp"

namespace turnbuckle::auth {

struct Md5Key {
    Secret bytes;  // 16
};
struct Sha256Key {
    Secret bytes;  // 32
};

struct StaticUser {
    std::string name;
    // The password, or the one key that its owner derived from it.
    std::variant<Secret, Md5Key, Sha256Key> proof;
};

class StaticUsers final : public CredentialSource {
public:
    // Throws std::invalid_argument for a name or password that OpaqueString (RFC 8265) forbids, for
    // a name that occurs twice, and for a key of the wrong length.
    StaticUsers(std::span<const StaticUser> users, std::string realm);

    // A user whose only key is of the other algorithm, and a query for another realm, find nothing.
    void lookup(const turn::CredentialQuery& query, WallTime now, Done done) override;

private:
    struct Keys {
        Secret md5;  // empty: not known
        Secret sha256;
    };

    [[nodiscard]] Keys derive(const StaticUser& user, std::string_view name) const;

    std::string realm_;
    std::unordered_map<std::string, Keys> users_;
};

}  // namespace turnbuckle::auth
