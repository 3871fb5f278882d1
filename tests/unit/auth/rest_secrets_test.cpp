#include "turnbuckle/auth/rest_secrets.hpp"

#include <stdexcept>

#include <gmock/gmock.h>

#include "unit/auth/ask.hpp"
#include "unit/auth/hex.hpp"

namespace turnbuckle::auth {
namespace {

using testing::ElementsAre;
using turn::CredentialError;
using turn::PasswordAlgorithm;

constexpr auto kRealm = "example.org";
constexpr WallTime kExpiry{std::chrono::seconds(1767225600)};
constexpr WallTime kBefore = kExpiry - std::chrono::seconds(1);

std::vector<std::string> hex_keys(const turn::CredentialResult& result) {
    std::vector<std::string> keys;
    if (result) std::ranges::transform(result->keys, std::back_inserter(keys), hex);
    return keys;
}

turn::CredentialQuery md5_query(std::string username) {
    return {std::move(username), kRealm, PasswordAlgorithm::Md5};
}

// The keys here are openssl's digest of USERNAME:example.org:PASSWORD, the password being what
// rest_credential_test.cpp shows how to compute.
TEST(RestSecrets, OffersAKeyForEachDigest) {
    RestSecrets store({Secret("north")}, ":");
    const auto md5 = ask(store, md5_query("1767225600:alice"), kBefore);
    ASSERT_TRUE(md5);
    EXPECT_EQ(md5->user, "alice");
    EXPECT_EQ(md5->expires, kExpiry);
    EXPECT_THAT(hex_keys(md5), ElementsAre("90ff6d2d54d26813ea82fa5790f5b9cc",
                                           "f941cdb30c0c71b17bd6a9ba50d05c9f"));
    const auto sha256 =
        ask(store, {"1767225600:alice", kRealm, PasswordAlgorithm::Sha256}, kBefore);
    EXPECT_THAT(hex_keys(sha256),
                ElementsAre("41695d12f6a1bff9eeefdc6281cde4f1fed5d94bbb7be6f355234f52cdf8325d",
                            "2bfec739d86fd4a9ef5279f5b9d59746eabb7e2b85e4c98953fa48f62ea02f41"));
}

TEST(RestSecrets, OffersEverySecretWhileTheyAreRotatedTheLikeliestFirst) {
    RestSecrets store({Secret("south"), Secret("north")}, ":");
    EXPECT_THAT(
        hex_keys(ask(store, md5_query("1767225600:alice"), kBefore)),
        ElementsAre("4d5c8ca62493d12ac65dc228391e9a19", "90ff6d2d54d26813ea82fa5790f5b9cc",
                    "897d7769d0710ad163940ed062325800", "f941cdb30c0c71b17bd6a9ba50d05c9f"));
}

TEST(RestSecrets, ChargesTheWholeUsernameIfThereIsNoName) {
    RestSecrets store({Secret("north")}, ":");
    const auto alone = ask(store, md5_query("1767225600"), kBefore);
    ASSERT_TRUE(alone);
    EXPECT_EQ(alone->user, "1767225600");
    EXPECT_EQ(hex_keys(alone).at(0), "43704c4c6eeb3cb70cbff4d539fd98e4");
    EXPECT_EQ(ask(store, md5_query("1767225600:"), kBefore)->user, "1767225600:");
}

TEST(RestSecrets, SplitsAtTheSeparatorThatIsConfigured) {
    RestSecrets store({Secret("north")}, "|");
    const auto found = ask(store, md5_query("1767225600|alice"), kBefore);
    ASSERT_TRUE(found);
    EXPECT_EQ(found->user, "alice");
    EXPECT_EQ(hex_keys(found).at(0), "72efe47440c9c8aebee00a563ed12dce");
    EXPECT_EQ(error_of(ask(store, md5_query("1767225600:alice"), kBefore)),
              CredentialError::NoSuchUser);
}

TEST(RestSecrets, TakesNamesOfAnyAlphabet) {
    RestSecrets store({Secret("north")}, ":");
    const auto found = ask(store, md5_query("1767225600:Zo\u00eb"), kBefore);
    ASSERT_TRUE(found);
    EXPECT_EQ(found->user, "Zo\u00eb");
    EXPECT_EQ(hex_keys(found).at(0), "346d7607f22cd8aa213059c64cfe6d27");
}

TEST(RestSecrets, ExpiresInTheSecondThatTheUsernameNames) {
    RestSecrets store({Secret("north")}, ":");
    EXPECT_TRUE(ask(store, md5_query("1767225600:alice"), kBefore));
    EXPECT_EQ(error_of(ask(store, md5_query("1767225600:alice"), kExpiry)),
              CredentialError::Expired);
    EXPECT_EQ(error_of(ask(store, md5_query("1767225600:alice"), kExpiry + std::chrono::hours(1))),
              CredentialError::Expired);
    EXPECT_EQ(error_of(ask(store, md5_query("0:alice"), kBefore)), CredentialError::Expired);
}

TEST(RestSecrets, DoesNotKnowUsernamesOfAnotherForm) {
    RestSecrets store({Secret("north")}, ":");
    for (const std::string& username :
         {std::string(), std::string(":"), std::string("alice"), std::string("-1:alice"),
          std::string("1e30:alice"), "1" + std::string(30, '0') + ":alice",
          std::string("\0"
                      "1:alice",
                      8)}) {
        EXPECT_EQ(error_of(ask(store, md5_query(username), kBefore)), CredentialError::NoSuchUser)
            << username;
    }
}

TEST(RestSecrets, DoesNotKnowAnyoneWithoutASecret) {
    RestSecrets store({}, ":");
    EXPECT_EQ(error_of(ask(store, md5_query("1767225600:alice"), kBefore)),
              CredentialError::NoSuchUser);
}

TEST(RestSecrets, RefusesSecretsThatEveryoneKnows) {
    EXPECT_THROW(RestSecrets({Secret("north"), Secret("")}, ":"), std::invalid_argument);
    EXPECT_THROW(RestSecrets({Secret("north")}, ""), std::invalid_argument);
}

}  // namespace
}  // namespace turnbuckle::auth
