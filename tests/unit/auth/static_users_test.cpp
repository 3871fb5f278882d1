#include "turnbuckle/auth/static_users.hpp"

#include <stdexcept>

#include "unit/auth/ask.hpp"
#include "unit/auth/hex.hpp"

namespace turnbuckle::auth {
namespace {

using turn::CredentialError;
using turn::PasswordAlgorithm;

constexpr auto kRealm = "example.org";

// printf '%s' alice:example.org:secret | openssl dgst -md5 (-sha256)
constexpr auto kAliceMd5 = "543e1aec5d3614f03141652d6ada51b2";
constexpr auto kAliceSha256 = "d1659fff7a501be15962adc35514ca6a5868905695f2dd1093741f931e000a1f";

StaticUser with_password(std::string name, std::string password) {
    return {std::move(name), Secret(std::move(password))};
}

StaticUsers store_of(std::vector<StaticUser> users) {
    return StaticUsers(users, kRealm);
}

TEST(StaticUsers, DerivesBothKeysOfAPassword) {
    StaticUsers users = store_of({with_password("bob", "x"), with_password("alice", "secret")});
    const auto md5 = ask(users, {"alice", kRealm, PasswordAlgorithm::Md5});
    ASSERT_TRUE(md5);
    EXPECT_EQ(md5->user, "alice");
    EXPECT_EQ(md5->expires, std::nullopt);
    ASSERT_EQ(md5->keys.size(), 1u);
    EXPECT_EQ(hex(md5->keys[0]), kAliceMd5);
    const auto sha256 = ask(users, {"alice", kRealm, PasswordAlgorithm::Sha256});
    ASSERT_TRUE(sha256);
    ASSERT_EQ(sha256->keys.size(), 1u);
    EXPECT_EQ(hex(sha256->keys[0]), kAliceSha256);
}

TEST(StaticUsers, TakesAKeyAsItIs) {
    StaticUsers users = store_of({{"alice", Md5Key{Secret(unhex(kAliceMd5))}},
                                  {"bob", Sha256Key{Secret(unhex(kAliceSha256))}}});
    EXPECT_EQ(hex(ask(users, {"alice", kRealm, PasswordAlgorithm::Md5})->keys.at(0)), kAliceMd5);
    EXPECT_EQ(hex(ask(users, {"bob", kRealm, PasswordAlgorithm::Sha256})->keys.at(0)),
              kAliceSha256);
}

TEST(StaticUsers, DoesNotKnowAUserWhoseKeyIsOfTheOtherAlgorithm) {
    StaticUsers users = store_of({{"alice", Md5Key{Secret(std::string(16, 'x'))}},
                                  {"bob", Sha256Key{Secret(std::string(32, 'x'))}}});
    EXPECT_EQ(error_of(ask(users, {"alice", kRealm, PasswordAlgorithm::Sha256})),
              CredentialError::NoSuchUser);
    EXPECT_EQ(error_of(ask(users, {"bob", kRealm, PasswordAlgorithm::Md5})),
              CredentialError::NoSuchUser);
}

TEST(StaticUsers, DoesNotKnowStrangersOrOtherRealms) {
    StaticUsers users = store_of({with_password("alice", "secret")});
    for (const std::string& name : {std::string(), std::string("Alice"), std::string("alice "),
                                    std::string("alice\0", 6), std::string(100'000, 'a')}) {
        EXPECT_EQ(error_of(ask(users, {name, kRealm, PasswordAlgorithm::Md5})),
                  CredentialError::NoSuchUser);
    }
    EXPECT_EQ(error_of(ask(users, {"alice", "example.com", PasswordAlgorithm::Md5})),
              CredentialError::NoSuchUser);
}

TEST(StaticUsers, MayBeEmpty) {
    StaticUsers users = store_of({});
    EXPECT_EQ(error_of(ask(users, {"alice", kRealm, PasswordAlgorithm::Md5})),
              CredentialError::NoSuchUser);
}

// RFC 8489 section 9.2.2: OpaqueString goes before the digest.
TEST(StaticUsers, NormalisesNamesAndPasswords) {
    StaticUsers users = store_of({with_password("Zoe\u0308", "pa\u0308\u00a0ss")});
    const auto found = ask(users, {"Zo\u00eb", kRealm, PasswordAlgorithm::Md5});
    ASSERT_TRUE(found);
    EXPECT_EQ(found->user, "Zo\u00eb");
    // printf '%s' 'Zoë:example.org:pä ss' | openssl dgst -md5
    EXPECT_EQ(hex(found->keys.at(0)), "c0b1eb89f592e73967150d903553309b");
}

TEST(StaticUsers, RefusesUsersThatCouldNeverLogIn) {
    EXPECT_THROW(store_of({with_password("", "x")}), std::invalid_argument);
    EXPECT_THROW(store_of({with_password("a\nb", "x")}), std::invalid_argument);
    EXPECT_THROW(store_of({with_password("alice", "")}), std::invalid_argument);
    EXPECT_THROW(store_of({with_password("alice", "\xff")}), std::invalid_argument);
    EXPECT_THROW(store_of({{"alice", Md5Key{Secret(std::string(32, 'x'))}}}),
                 std::invalid_argument);
    EXPECT_THROW(store_of({{"alice", Sha256Key{Secret(std::string(16, 'x'))}}}),
                 std::invalid_argument);
}

TEST(StaticUsers, RefusesANameThatIsTakenAndDoesNotShowThePassword) {
    try {
        store_of({with_password("Zoe\u0308", "hunter2"), with_password("Zo\u00eb", "hunter2")});
        FAIL() << "accepted";
    } catch (const std::invalid_argument& error) {
        EXPECT_STREQ(error.what(), "user 'Zo\u00eb': named twice");
    }
}

}  // namespace
}  // namespace turnbuckle::auth
