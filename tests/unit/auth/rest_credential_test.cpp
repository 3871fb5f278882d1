#include "turnbuckle/auth/rest_credential.hpp"

namespace turnbuckle::auth {
namespace {

WallTime at(std::int64_t seconds) {
    return WallTime(std::chrono::seconds(seconds));
}

TEST(RestCredential, SplitsTheUsernameAtTheFirstSeparator) {
    const auto parsed = parse_rest_username("1767225600:alice", ":");
    ASSERT_TRUE(parsed);
    EXPECT_EQ(parsed->expires, at(1767225600));
    EXPECT_EQ(parsed->name, "alice");
    EXPECT_EQ(parse_rest_username("17:a:b:", ":")->name, "a:b:");
    EXPECT_EQ(parse_rest_username("17:", ":")->name, "");
    EXPECT_EQ(parse_rest_username("17--a", "--")->name, "a");
}

TEST(RestCredential, TakesTheExpiryAloneForAUsername) {
    const auto parsed = parse_rest_username("1767225600", ":");
    ASSERT_TRUE(parsed);
    EXPECT_EQ(parsed->expires, at(1767225600));
    EXPECT_EQ(parsed->name, "");
}

TEST(RestCredential, AcceptsLeadingZerosAndTheEpoch) {
    EXPECT_EQ(parse_rest_username("0:a", ":")->expires, at(0));
    EXPECT_EQ(parse_rest_username("00000000000000000000000000017:a", ":")->expires, at(17));
}

TEST(RestCredential, RefusesWhateverIsNotAnExpiry) {
    for (const std::string_view username :
         {"", ":", ":alice", "alice", "alice:1767225600", "-1:a", "+1:a", " 1:a", "1 :a", "1e9:a",
          "0x10:a", "1.5:a", "1767225600|alice", "\xd9\xa1:a"}) {
        EXPECT_FALSE(parse_rest_username(username, ":")) << username;
    }
    EXPECT_FALSE(parse_rest_username(std::string_view("1\0:a", 4), ":"));
    EXPECT_FALSE(parse_rest_username(std::string_view("\0", 1), ":"));
}

TEST(RestCredential, DoesNotOverflow) {
    EXPECT_EQ(parse_rest_username("253402300799", ":")->expires, at(253402300799));
    for (const std::string& expiry :
         {std::string("253402300800"), std::string("9223372036854775807"),
          std::string("9223372036854775808"), std::string("18446744073709551617"),
          "1" + std::string(30, '0'), std::string(100'000, '9')}) {
        EXPECT_FALSE(parse_rest_username(expiry + ":a", ":")) << expiry.substr(0, 40);
    }
}

// printf '%s' USERNAME | openssl dgst -sha1 (-sha256) -hmac SECRET -binary | base64
TEST(RestCredential, MakesThePasswordThatTheDraftDescribes) {
    const Secret north("north");
    EXPECT_EQ(rest_password(north, "1767225600:alice", RestDigest::Sha1).reveal(),
              "qnVCfmDqv+5N7tpxKH0liO/huIU=");
    EXPECT_EQ(rest_password(north, "1767225600:alice", RestDigest::Sha256).reveal(),
              "eBR+DXpmuGE60w8P9gsvTgeZSsRp+XCSK780qBoyvLQ=");
    EXPECT_EQ(rest_password(north, "1767225600:Zo\u00eb", RestDigest::Sha1).reveal(),
              "oEbg0yrlxY5exaRbfhJIx+QGAY4=");
}

}  // namespace
}  // namespace turnbuckle::auth
