#include "turnbuckle/turn/nonce.hpp"

#include <set>
#include <stdexcept>
#include <string>

#include <gtest/gtest.h>

namespace turnbuckle::turn {
namespace {

using namespace std::chrono_literals;

const Endpoint kClient{IpAddress::v4(192, 0, 2, 1), 50000};

class NonceTest : public ::testing::Test {
protected:
    std::string issue(const NonceAuthority& authority, Time now, const Endpoint& client = kClient) {
        std::array<std::uint8_t, NonceAuthority::kMaxLength> out{};
        return std::string(as_text(authority.issue(now, client, out)));
    }
    NonceStatus check(const std::string& nonce, Time now, const Endpoint& client = kClient) {
        return authority_.check(as_bytes(nonce), client, now);
    }

    Secret key_{std::string(NonceAuthority::kMasterKeyLength, 'k')};
    NonceAuthority authority_{key_, 1h};
    NonceAuthority announcing_{key_, 1h, SecurityFeatures::PasswordAlgorithms};
    Time now_{5000s + 1ms};
};

TEST_F(NonceTest, IsShortAndNeedsNoQuoting) {
    const std::string nonce = issue(authority_, now_);
    EXPECT_EQ(nonce.size(), 20u);
    EXPECT_EQ(nonce.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                      "0123456789-_"),
              std::string::npos);
    EXPECT_EQ(issue(announcing_, now_).size(), NonceAuthority::kMaxLength);
}

TEST_F(NonceTest, IsLaidOutAsItsHeaderSays) {
    // Computed with Python's hmac and base64 modules.
    EXPECT_EQ(issue(authority_, now_), "AABMS0E6lU7-3Hsr3NqL");
    EXPECT_EQ(issue(announcing_, now_, {IpAddress::parse("2001:db8::1").value(), 4000}),
              "obMatJos2gAAAAABMS0FyetVUgMTDj33c");
}

TEST_F(NonceTest, IsValidUntilExactlyItsLifetimeHasPassed) {
    const std::string nonce = issue(authority_, now_);
    EXPECT_EQ(check(nonce, now_), NonceStatus::Valid);
    EXPECT_EQ(check(nonce, now_ + 1h - 1ms), NonceStatus::Valid);
    EXPECT_EQ(check(nonce, now_ + 1h), NonceStatus::Stale);
    EXPECT_EQ(check(nonce, now_ + 1000h), NonceStatus::Stale);
}

TEST_F(NonceTest, HoldsShortLifetimesToTheMillisecond) {
    const NonceAuthority brief(key_, 250ms);
    const std::string nonce = issue(brief, now_);
    EXPECT_EQ(brief.check(as_bytes(nonce), kClient, now_ + 249ms), NonceStatus::Valid);
    EXPECT_EQ(brief.check(as_bytes(nonce), kClient, now_ + 250ms), NonceStatus::Stale);
}

TEST_F(NonceTest, SurvivesTheRollOverOfItsKey) {
    // Keys change on the hour of the monotonic clock.
    const std::string before = issue(authority_, Time{2h - 1ms});
    const std::string after = issue(authority_, Time{2h});
    for (const Time now : {Time{2h}, Time{2h + 30min}, Time{3h - 2ms}}) {
        EXPECT_EQ(check(before, now), NonceStatus::Valid);
        EXPECT_EQ(check(after, now), NonceStatus::Valid);
    }
    EXPECT_EQ(check(before, Time{3h}), NonceStatus::Stale);
    EXPECT_EQ(check(after, Time{3h}), NonceStatus::Stale);
    EXPECT_EQ(check(after, Time{3h - 1ms}), NonceStatus::Valid);
}

TEST_F(NonceTest, IsOfNoUseToAnotherClient) {
    const std::string nonce = issue(authority_, now_);
    Endpoint other = kClient;
    other.port = 50001;
    EXPECT_EQ(check(nonce, now_, other), NonceStatus::Invalid);
    other = kClient;
    other.ip = IpAddress::v4(192, 0, 2, 2);
    EXPECT_EQ(check(nonce, now_, other), NonceStatus::Invalid);
    other.ip = IpAddress::parse("::ffff:192.0.2.1").value();
    EXPECT_EQ(check(nonce, now_, other), NonceStatus::Invalid);
    // Nor does it become "stale" for somebody else.
    EXPECT_EQ(check(nonce, now_ + 2h, other), NonceStatus::Invalid);
}

TEST_F(NonceTest, ServesIpv6Clients) {
    const Endpoint client{IpAddress::parse("2001:db8::1").value(), 4000};
    Endpoint neighbour = client;
    neighbour.ip = IpAddress::parse("2001:db8::2").value();
    const std::string nonce = issue(authority_, now_, client);
    EXPECT_EQ(check(nonce, now_, client), NonceStatus::Valid);
    EXPECT_EQ(check(nonce, now_, neighbour), NonceStatus::Invalid);
}

TEST_F(NonceTest, EveryWorkersAuthorityWithTheSameKeyAcceptsIt) {
    const NonceAuthority same(Secret(std::string(key_.reveal())), 1h);
    const NonceAuthority different(Secret(std::string(32, 'x')), 1h);
    const std::string nonce = issue(authority_, now_);
    EXPECT_EQ(same.check(as_bytes(nonce), kClient, now_), NonceStatus::Valid);
    EXPECT_EQ(different.check(as_bytes(nonce), kClient, now_), NonceStatus::Invalid);
}

TEST_F(NonceTest, OutlivesAReloadThatChangesTheLifetime) {
    const std::string nonce = issue(authority_, now_);
    const NonceAuthority reloaded(key_, 10min);
    EXPECT_EQ(reloaded.check(as_bytes(nonce), kClient, now_ + 9min), NonceStatus::Valid);
    EXPECT_EQ(reloaded.check(as_bytes(nonce), kClient, now_ + 10min), NonceStatus::Stale);
}

TEST_F(NonceTest, AWorkerWhoseClockReadingIsOlderAcceptsIt) {
    const std::string nonce = issue(authority_, now_);
    EXPECT_EQ(check(nonce, now_ - 50ms), NonceStatus::Valid);
    EXPECT_EQ(check(nonce, now_ - 1min), NonceStatus::Invalid);
}

TEST_F(NonceTest, AnyChangedBitMakesItInvalid) {
    for (const NonceAuthority* authority : {&authority_, &announcing_}) {
        const std::string nonce = issue(*authority, now_);
        for (std::size_t at = 0; at < nonce.size(); ++at) {
            for (unsigned bit = 0; bit < 8; ++bit) {
                std::string changed = nonce;
                changed[at] =
                    static_cast<char>(static_cast<unsigned char>(changed[at]) ^ (1u << bit));
                ASSERT_EQ(check(changed, now_), NonceStatus::Invalid) << at << ", bit " << bit;
            }
        }
    }
}

TEST_F(NonceTest, AnyOtherLengthIsInvalid) {
    for (const NonceAuthority* authority : {&authority_, &announcing_}) {
        const std::string nonce = issue(*authority, now_);
        for (std::size_t length = 0; length < nonce.size(); ++length)
            ASSERT_EQ(check(nonce.substr(0, length), now_), NonceStatus::Invalid) << length;
        for (const char* tail : {"A", "=", "AAAA", "AAAAAAAAAAAAA"})
            ASSERT_EQ(check(nonce + tail, now_), NonceStatus::Invalid) << tail;
    }
    EXPECT_EQ(check(std::string(763, 'A'), now_), NonceStatus::Invalid);
    EXPECT_EQ(check("obMatJos2", now_), NonceStatus::Invalid);
}

TEST_F(NonceTest, DiffersByTimeAndClient) {
    std::set<std::string> seen;
    for (std::uint16_t port = 1; port <= 100; ++port)
        for (int ms = 0; ms < 10; ++ms)
            EXPECT_TRUE(seen.insert(issue(authority_, now_ + std::chrono::milliseconds(ms),
                                          {kClient.ip, port}))
                            .second);
}

TEST_F(NonceTest, AnnouncesSecurityFeaturesUnderItsMac) {
    const std::string nonce = issue(announcing_, now_);
    EXPECT_EQ(nonce.substr(0, 13), "obMatJos2gAAA");  // bit 0 is the leftmost
    EXPECT_EQ(check(nonce, now_), NonceStatus::Valid);
    EXPECT_EQ(check(nonce, now_ + 1h), NonceStatus::Stale);

    // Bidding down (RFC 8489 section 9.2.1): neither other bits nor no cookie pass for ours.
    EXPECT_EQ(check("obMatJos2AAAA" + nonce.substr(13), now_), NonceStatus::Invalid);
    EXPECT_EQ(check(nonce.substr(13), now_), NonceStatus::Invalid);
    EXPECT_EQ(check("obMatJos2gAAA" + issue(authority_, now_), now_), NonceStatus::Invalid);
}

TEST_F(NonceTest, ReadsTheFeaturesOfItsOwnCookie) {
    const auto features_of = [](const std::string& nonce) {
        return NonceAuthority::features_of(as_bytes(nonce));
    };
    EXPECT_EQ(features_of(issue(announcing_, now_)), SecurityFeatures::PasswordAlgorithms);
    const auto both = SecurityFeatures::PasswordAlgorithms | SecurityFeatures::UsernameAnonymity;
    const auto read = features_of(issue(NonceAuthority(key_, 1h, both), now_));
    ASSERT_TRUE(read);
    EXPECT_TRUE(has(*read, SecurityFeatures::PasswordAlgorithms));
    EXPECT_TRUE(has(*read, SecurityFeatures::UsernameAnonymity));

    const std::string plain_cookie = issue(NonceAuthority(key_, 1h, SecurityFeatures::None), now_);
    EXPECT_EQ(plain_cookie.substr(0, 13), "obMatJos2AAAA");
    EXPECT_EQ(features_of(plain_cookie), SecurityFeatures::None);
    EXPECT_EQ(features_of(issue(authority_, now_)), std::nullopt);
    EXPECT_EQ(features_of("obMatJos2"), std::nullopt);
    EXPECT_EQ(features_of("obMatJos2?AAAaaaaaaaaaaaaaaaaaaaa"), std::nullopt);
}

TEST_F(NonceTest, RefusesAKeyThatIsTooShortAndALifetimeOfNothing) {
    EXPECT_THROW(NonceAuthority(Secret("short"), 1h), std::invalid_argument);
    EXPECT_THROW(NonceAuthority(key_, 0s), std::invalid_argument);
}

}  // namespace
}  // namespace turnbuckle::turn
