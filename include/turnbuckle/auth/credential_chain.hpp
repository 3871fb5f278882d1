// Several credential stores as one: asked in order, the first that knows the user answers.
//
// A store that is down does not hide the later ones; but if none of those knows the user either,
// the answer is Unavailable, because the silent store might have known. Otherwise Expired, if one
// said so, tells more than NoSuchUser. Immutable; answers on the thread of the last store asked.
#pragma once

#include <memory>
#include <vector>

#include "turnbuckle/auth/credential_source.hpp"

namespace turnbuckle::auth {

class CredentialChain final : public CredentialSource {
public:
    explicit CredentialChain(std::vector<std::shared_ptr<CredentialSource>> sources);

    void lookup(const turn::CredentialQuery& query, WallTime now, Done done) override;

private:
    // Shared with the lookups under way, which may outlive the chain.
    std::shared_ptr<const std::vector<std::shared_ptr<CredentialSource>>> sources_;
};

}  // namespace turnbuckle::auth
