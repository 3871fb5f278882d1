#include "turnbuckle/server/relay_sockets.hpp"

#include <gtest/gtest.h>

namespace turnbuckle::server {
namespace {

using namespace std::chrono_literals;

class RelaySocketsTest : public ::testing::Test {
protected:
    // On a port that the kernel chose; the pool covers them all, so it can be given back.
    std::unique_ptr<RelaySocket> open() {
        auto socket = net::open_udp({address_.local, 0});
        return std::make_unique<RelaySocket>(std::move(*socket), address_);
    }

    RelayAddress address_{IpAddress::v4(127, 0, 0, 1), IpAddress::v4(127, 0, 0, 1), 1024, 65535};
    SecureRandom random_;
    Time now_ = monotonic_now();
};

TEST_F(RelaySocketsTest, HandlesAreFoundUntilRemovedAndThenReused) {
    RelaySockets sockets;
    const auto first = sockets.add(open());
    const auto second = sockets.add(open());
    EXPECT_NE(first, second);
    ASSERT_NE(sockets.find(first), nullptr);
    sockets.remove(first);
    EXPECT_EQ(sockets.find(first), nullptr);
    EXPECT_NE(sockets.find(second), nullptr);
    EXPECT_EQ(sockets.add(open()), first);
    EXPECT_EQ(sockets.find(turn::RelayHandle{1000}), nullptr);
}

TEST_F(RelaySocketsTest, AReservationIsTakenOnce) {
    Reservations reservations;
    const auto token = reservations.add(open(), {}, random_, now_);
    EXPECT_NE(reservations.take(token, now_), nullptr);
    EXPECT_EQ(reservations.take(token, now_), nullptr);
}

TEST_F(RelaySocketsTest, AReservationExpiresAndGivesItsChargeBack) {
    turn::Quota quota({});
    Reservations reservations;
    const auto token = reservations.add(open(), std::move(*quota.acquire("alice")), random_, now_);
    reservations.expire(now_ + Reservations::kLifetime - 1ms);
    EXPECT_EQ(quota.held(), 1u);
    reservations.expire(now_ + Reservations::kLifetime);
    EXPECT_EQ(quota.held(), 0u);
    EXPECT_EQ(reservations.take(token, now_ + Reservations::kLifetime), nullptr);
}

TEST_F(RelaySocketsTest, AnExpiredReservationThatWasNotSweptIsNotTaken) {
    Reservations reservations;
    const auto token = reservations.add(open(), {}, random_, now_);
    EXPECT_EQ(reservations.take(token, now_ + Reservations::kLifetime), nullptr);
}

TEST_F(RelaySocketsTest, TakingAReservationEndsItsCharge) {
    turn::Quota quota({});
    Reservations reservations;
    const auto token = reservations.add(open(), std::move(*quota.acquire("alice")), random_, now_);
    EXPECT_NE(reservations.take(token, now_), nullptr);
    EXPECT_EQ(quota.held(), 0u);
}

}  // namespace
}  // namespace turnbuckle::server
