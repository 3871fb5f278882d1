#include "turnbuckle/auth/credential_minter.hpp"

#include <boost/json.hpp>

#include "turnbuckle/auth/rest_secrets.hpp"
#include "turnbuckle/stun/integrity.hpp"

#include "unit/auth/ask.hpp"

namespace turnbuckle::auth {
namespace {

constexpr WallTime kNow{std::chrono::seconds(1767222000)};

TEST(CredentialMinter, MakesTheUsernameAndPasswordOfTheDraft) {
    const auto minted = mint_credential(Secret("north"), "alice", std::chrono::hours(1), kNow);
    EXPECT_EQ(minted.username, "1767225600:alice");
    EXPECT_EQ(minted.password.reveal(), "qnVCfmDqv+5N7tpxKH0liO/huIU=");
    EXPECT_EQ(minted.expires, kNow + std::chrono::hours(1));
}

TEST(CredentialMinter, LeavesTheSeparatorOutIfThereIsNoName) {
    EXPECT_EQ(mint_credential(Secret("north"), "", std::chrono::hours(1), kNow).username,
              "1767225600");
}

TEST(CredentialMinter, MakesWhatTheStoreAccepts) {
    for (const RestDigest digest : {RestDigest::Sha1, RestDigest::Sha256}) {
        const auto minted =
            mint_credential(Secret("south"), "Zo\u00eb", std::chrono::hours(1), kNow, "|", digest);
        RestSecrets store({Secret("north"), Secret("south")}, "|");
        const auto found =
            ask(store, {minted.username, "example.org", turn::PasswordAlgorithm::Md5}, kNow);
        ASSERT_TRUE(found);
        EXPECT_EQ(found->user, "Zo\u00eb");
        EXPECT_EQ(found->expires, minted.expires);
        const auto key =
            stun::long_term_key_md5(minted.username, "example.org", minted.password.reveal());
        EXPECT_TRUE(std::ranges::any_of(found->keys, [&](const Secret& candidate) {
            return candidate.reveal() == as_text(key);
        }));
    }
}

TEST(CredentialMinter, WritesWhatABrowserTakes) {
    const std::vector<std::string> uris{"turn:turn.example.org:3478",
                                        "turns:turn.example.org:443?transport=tcp"};
    EXPECT_EQ(
        ice_servers_json(uris, "1:a", "p+/="),
        R"({"iceServers":[{"urls":["turn:turn.example.org:3478",)"
        R"("turns:turn.example.org:443?transport=tcp"],"username":"1:a","credential":"p+/="}]})");
}

TEST(CredentialMinter, EscapesWhateverTheNameHolds) {
    const std::string name = "\"}],\\ \n\x01 </script> Zo\u00eb";
    const auto json = boost::json::parse(ice_servers_json({}, name, "x"));
    EXPECT_EQ(json.at("iceServers").at(0).at("username").as_string(), name);
    EXPECT_TRUE(json.at("iceServers").at(0).at("urls").as_array().empty());
}

}  // namespace
}  // namespace turnbuckle::auth
