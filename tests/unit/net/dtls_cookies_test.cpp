#include "turnbuckle/net/dtls_cookies.hpp"

#include <stdexcept>
#include <string>

#include <gtest/gtest.h>

namespace turnbuckle::net {
namespace {

using namespace std::chrono_literals;

const Endpoint kClient{IpAddress::v4(192, 0, 2, 1), 40000};
const Endpoint kServer{IpAddress::v4(198, 51, 100, 1), 5349};
constexpr std::uint8_t kParameters[]{0xfe, 0xfd, 1, 2, 3};
constexpr Time kNow{30min};

Secret master(char fill) {
    return Secret(std::string(DtlsCookies::kMasterKeyLength, fill));
}

TEST(DtlsCookiesTest, are_good_with_every_worker_in_their_minute_and_the_next) {
    const DtlsCookies issuer(master('k'));
    const DtlsCookies other(master('k'));
    const auto cookie = issuer.issue(kClient, kServer, kParameters, kNow);
    for (const Duration age : {0s, 59s, 60s, 119s})
        EXPECT_TRUE(other.check(cookie, kClient, kServer, kParameters, kNow + age)) << age.count();
    for (const Duration age : {120s, 3600s, 256 * 60s + 120s})
        EXPECT_FALSE(other.check(cookie, kClient, kServer, kParameters, kNow + age)) << age.count();
}

TEST(DtlsCookiesTest, are_good_with_a_worker_whose_clock_is_just_behind) {
    const DtlsCookies cookies(master('k'));
    const auto cookie = cookies.issue(kClient, kServer, kParameters, kNow);
    EXPECT_TRUE(cookies.check(cookie, kClient, kServer, kParameters, kNow - 1ms));
    EXPECT_FALSE(cookies.check(cookie, kClient, kServer, kParameters, kNow - 61s));
}

TEST(DtlsCookiesTest, are_bound_to_both_addresses_and_to_the_hello) {
    const DtlsCookies cookies(master('k'));
    const auto cookie = cookies.issue(kClient, kServer, kParameters, kNow);
    const Endpoint other_port{kClient.ip, 40001};
    const Endpoint other_ip{IpAddress::v4(192, 0, 2, 2), kClient.port};
    const Endpoint other_server{IpAddress::v4(198, 51, 100, 2), kServer.port};
    EXPECT_FALSE(cookies.check(cookie, other_port, kServer, kParameters, kNow));
    EXPECT_FALSE(cookies.check(cookie, other_ip, kServer, kParameters, kNow));
    EXPECT_FALSE(cookies.check(cookie, kClient, other_server, kParameters, kNow));
    EXPECT_FALSE(cookies.check(cookie, kServer, kClient, kParameters, kNow));
    EXPECT_FALSE(cookies.check(cookie, kClient, kServer, ByteView(kParameters).first(4), kNow));
}

TEST(DtlsCookiesTest, are_worth_nothing_if_changed_or_cut_or_of_another_key) {
    const DtlsCookies cookies(master('k'));
    const auto cookie = cookies.issue(kClient, kServer, kParameters, kNow);
    for (std::size_t i = 0; i < cookie.size(); ++i) {
        auto changed = cookie;
        changed[i] ^= 1;
        EXPECT_FALSE(cookies.check(changed, kClient, kServer, kParameters, kNow)) << i;
        EXPECT_FALSE(cookies.check(ByteView(cookie).first(i), kClient, kServer, kParameters, kNow));
    }
    EXPECT_FALSE(DtlsCookies(master('l')).check(cookie, kClient, kServer, kParameters, kNow));
}

TEST(DtlsCookiesTest, need_a_whole_key) {
    EXPECT_THROW(DtlsCookies(Secret("short")), std::invalid_argument);
}

}  // namespace
}  // namespace turnbuckle::net
