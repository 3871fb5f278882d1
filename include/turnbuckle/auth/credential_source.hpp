// The seam between the server and whatever knows the users: one of the project's few interfaces.
//
// lookup() is called by every worker at the same time, so an implementation is safe for concurrent
// calls. `done` is called exactly once: before lookup() returns, or later from any thread, so the
// caller posts the answer back to where it belongs. The stores of this layer answer at once. A
// source that answers later keeps itself alive until it did; the query is its own copy to make.
#pragma once

#include <functional>

#include "turnbuckle/base/time.hpp"
#include "turnbuckle/turn/credential.hpp"

namespace turnbuckle::auth {

class CredentialSource {
public:
    using Done = std::move_only_function<void(turn::CredentialResult)>;

    virtual ~CredentialSource() = default;

    // `query` is valid until the call returns.
    virtual void lookup(const turn::CredentialQuery& query, WallTime now, Done done) = 0;
};

}  // namespace turnbuckle::auth
