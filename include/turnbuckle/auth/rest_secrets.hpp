// Time-limited credentials: anyone who knows a shared secret hands them out, and the server checks
// them without having been told (draft-uberti-behave-turn-rest-00).
//
// While secrets are rotated there are several (section 5.2), and services differ in the digest; so
// a credential carries one candidate key per secret and digest, and the engine takes the one that
// fits. Immutable, so any number of threads may ask.
#pragma once

#include <string>
#include <vector>

#include "turnbuckle/auth/credential_source.hpp"

namespace turnbuckle::auth {

class RestSecrets final : public CredentialSource {
public:
    // The newest secret first. Throws std::invalid_argument for an empty secret or separator.
    RestSecrets(std::vector<Secret> secrets, std::string separator);

    // A username of another form is NoSuchUser; one whose second of expiry has come is Expired.
    void lookup(const turn::CredentialQuery& query, WallTime now, Done done) override;

private:
    std::vector<Secret> secrets_;
    std::string separator_;
};

}  // namespace turnbuckle::auth
