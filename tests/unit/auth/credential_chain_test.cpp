#include "turnbuckle/auth/credential_chain.hpp"

#include <gmock/gmock.h>

#include "turnbuckle/auth/rest_secrets.hpp"
#include "turnbuckle/auth/static_users.hpp"

#include "unit/auth/ask.hpp"

namespace turnbuckle::auth {
namespace {

using turn::CredentialError;

// Gives one answer to everything: at once, or when the test says so.
class FakeSource final : public CredentialSource {
public:
    explicit FakeSource(turn::CredentialResult answer, bool later = false)
        : answer_(std::move(answer)), later_(later) {}

    void lookup(const turn::CredentialQuery& query, WallTime, Done done) override {
        asked.push_back(query.username);
        if (later_) {
            pending_ = std::move(done);
        } else {
            done(answer_);
        }
    }
    void answer_now() { std::exchange(pending_, nullptr)(answer_); }

    std::vector<std::string> asked;

private:
    turn::CredentialResult answer_;
    bool later_;
    Done pending_;
};

std::shared_ptr<FakeSource> knows(std::string user) {
    return std::make_shared<FakeSource>(turn::Credential{std::move(user), {}, std::nullopt});
}

std::shared_ptr<FakeSource> fails(CredentialError error) {
    return std::make_shared<FakeSource>(std::unexpected(error));
}

turn::CredentialResult ask_chain(std::vector<std::shared_ptr<CredentialSource>> sources) {
    CredentialChain chain(std::move(sources));
    return ask(chain, {"alice", "example.org", turn::PasswordAlgorithm::Md5});
}

TEST(CredentialChain, AnswersWithTheFirstStoreThatKnowsTheUser) {
    const auto last = knows("last");
    EXPECT_EQ(ask_chain({fails(CredentialError::NoSuchUser), knows("first"), last})->user, "first");
    EXPECT_TRUE(last->asked.empty());
}

TEST(CredentialChain, KnowsNobodyWithoutAStore) {
    EXPECT_EQ(error_of(ask_chain({})), CredentialError::NoSuchUser);
}

TEST(CredentialChain, AsksOnWhenAStoreIsDownOrTheCredentialExpired) {
    EXPECT_EQ(ask_chain({fails(CredentialError::Unavailable), knows("alice")})->user, "alice");
    EXPECT_EQ(ask_chain({fails(CredentialError::Expired), knows("alice")})->user, "alice");
}

TEST(CredentialChain, SaysUnavailableIfAStoreThatMightKnowTheUserIsDown) {
    for (const auto other : {CredentialError::NoSuchUser, CredentialError::Expired}) {
        EXPECT_EQ(error_of(ask_chain({fails(CredentialError::Unavailable), fails(other)})),
                  CredentialError::Unavailable);
        EXPECT_EQ(error_of(ask_chain({fails(other), fails(CredentialError::Unavailable)})),
                  CredentialError::Unavailable);
    }
}

TEST(CredentialChain, SaysExpiredRatherThanUnknown) {
    EXPECT_EQ(
        ask_chain({fails(CredentialError::Expired), fails(CredentialError::NoSuchUser)}).error(),
        CredentialError::Expired);
    EXPECT_EQ(
        ask_chain({fails(CredentialError::NoSuchUser), fails(CredentialError::Expired)}).error(),
        CredentialError::Expired);
}

TEST(CredentialChain, WaitsForAStoreThatAnswersLaterEvenIfTheChainIsGone) {
    const auto slow =
        std::make_shared<FakeSource>(std::unexpected(CredentialError::NoSuchUser), true);
    const auto next = knows("alice");
    std::optional<turn::CredentialResult> answer;
    {
        CredentialChain chain({slow, next});
        turn::CredentialQuery query{"alice", "example.org", turn::PasswordAlgorithm::Md5};
        chain.lookup(query, WallTime{},
                     [&](turn::CredentialResult result) { answer = std::move(result); });
        query.username = "overwritten";
    }
    EXPECT_FALSE(answer);
    EXPECT_TRUE(next->asked.empty());
    slow->answer_now();
    ASSERT_TRUE(answer && *answer);
    EXPECT_EQ((*answer)->user, "alice");
    EXPECT_THAT(next->asked, testing::ElementsAre("alice"));
}

TEST(CredentialChain, ServesUsersAndSecretsSideBySide) {
    const std::vector<StaticUser> users{{"1767225600", Secret("x")}, {"bob", Secret("y")}};
    CredentialChain chain({std::make_shared<StaticUsers>(users, "example.org"),
                           std::make_shared<RestSecrets>(std::vector{Secret("north")}, ":")});
    const auto keys_of = [&](const char* username) {
        return ask(chain, {username, "example.org", turn::PasswordAlgorithm::Md5}, WallTime{})
            .value()
            .keys.size();
    };
    EXPECT_EQ(keys_of("bob"), 1u);
    EXPECT_EQ(keys_of("1767225600:alice"), 2u);
    EXPECT_EQ(keys_of("1767225600"), 1u) << "a user whose name is a number is a user";
}

}  // namespace
}  // namespace turnbuckle::auth
