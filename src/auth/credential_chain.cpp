#include "turnbuckle/auth/credential_chain.hpp"

#include <algorithm>
#include <utility>

namespace turnbuckle::auth {

namespace {

using turn::CredentialError;
using Sources = std::shared_ptr<const std::vector<std::shared_ptr<CredentialSource>>>;

// How much an error says; the more telling one of two stores is the chain's answer.
int weight(CredentialError error) {
    switch (error) {
        case CredentialError::NoSuchUser:
            return 0;
        case CredentialError::Expired:
            return 1;
        case CredentialError::Unavailable:
            return 2;
    }
    return 0;
}

// One lookup on its way along the chain; kept alive by the store that it waits for.
class Walk : public std::enable_shared_from_this<Walk> {
public:
    Walk(Sources sources, turn::CredentialQuery query, WallTime now, CredentialSource::Done done)
        : sources_(std::move(sources)),
          query_(std::move(query)),
          now_(now),
          done_(std::move(done)) {}

    void ask_next() {
        if (next_ == sources_->size()) return done_(std::unexpected(worst_));
        CredentialSource& source = *(*sources_)[next_++];
        source.lookup(query_, now_, [self = shared_from_this()](turn::CredentialResult result) {
            self->on_answer(std::move(result));
        });
    }

private:
    void on_answer(turn::CredentialResult result) {
        if (result) return done_(std::move(result));
        worst_ = std::max(worst_, result.error(), [](CredentialError a, CredentialError b) {
            return weight(a) < weight(b);
        });
        ask_next();
    }

    Sources sources_;
    turn::CredentialQuery query_;
    WallTime now_;
    CredentialSource::Done done_;
    std::size_t next_ = 0;
    CredentialError worst_ = CredentialError::NoSuchUser;
};

}  // namespace

CredentialChain::CredentialChain(std::vector<std::shared_ptr<CredentialSource>> sources)
    : sources_(std::make_shared<const std::vector<std::shared_ptr<CredentialSource>>>(
          std::move(sources))) {}

void CredentialChain::lookup(const turn::CredentialQuery& query, WallTime now, Done done) {
    std::make_shared<Walk>(sources_, query, now, std::move(done))->ask_next();
}

}  // namespace turnbuckle::auth
