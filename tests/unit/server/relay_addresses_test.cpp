#include "turnbuckle/server/relay_addresses.hpp"

#include <gtest/gtest.h>

namespace turnbuckle::server {
namespace {

using turn::Ownership;
using turn::RelayProtocol;

const IpAddress kLoopback = IpAddress::v4(127, 0, 0, 1);
const IpAddress kLoopback6 = *IpAddress::parse("::1");
const IpAddress kPublic = IpAddress::v4(198, 51, 100, 7);

class RelayAddressesTest : public ::testing::Test {
protected:
    SecureRandom random_;
    Time now_ = monotonic_now();
};

TEST_F(RelayAddressesTest, WithoutConfigurationItRelaysFromWhereTheClientCame) {
    RelayAddresses addresses({}, 50000, 50010);
    EXPECT_TRUE(addresses.all().empty());
    RelayAddress* chosen = addresses.choose(AddressFamily::IPv4, kLoopback, random_);
    ASSERT_NE(chosen, nullptr);
    EXPECT_EQ(chosen->local, kLoopback);
    EXPECT_EQ(addresses.choose(AddressFamily::IPv4, kLoopback, random_), chosen);
    RelayAddress* other =
        addresses.choose(AddressFamily::IPv4, IpAddress::v4(127, 0, 0, 9), random_);
    ASSERT_NE(other, nullptr);
    EXPECT_EQ(other->local, IpAddress::v4(127, 0, 0, 9));
}

TEST_F(RelayAddressesTest, WithConfigurationItRelaysFromNothingElse) {
    const RelayAddresses::Configured configured[] = {{kLoopback, std::nullopt}};
    RelayAddresses addresses(configured, 50000, 50010);
    EXPECT_EQ(addresses.choose(AddressFamily::IPv4, IpAddress::v4(127, 0, 0, 9), random_)->local,
              kLoopback);
    EXPECT_EQ(addresses.choose(AddressFamily::IPv6, kLoopback6, random_), nullptr);
}

TEST_F(RelayAddressesTest, ARelayedAddressIsOneWhilePortIsInUse) {
    RelayAddresses addresses({}, 50000, 50010);
    RelayAddress* relay = addresses.choose(AddressFamily::IPv4, kLoopback, random_);
    const auto port = relay->ports.take_random(random_, now_);
    ASSERT_TRUE(port);
    EXPECT_EQ(addresses.of({kLoopback, *port}, RelayProtocol::Udp), Ownership::Relayed);
    relay->ports.release(*port, now_);
    EXPECT_EQ(addresses.of({kLoopback, *port}, RelayProtocol::Udp), Ownership::OtherOwn);
}

TEST_F(RelayAddressesTest, TheSamePortIsRelayedInOneProtocolAndNotInTheOther) {
    const RelayAddresses::Configured configured[] = {{kLoopback, kPublic}};
    RelayAddresses addresses(configured, 50000, 50000);
    RelayAddress* relay = addresses.choose(AddressFamily::IPv4, kLoopback, random_);
    ASSERT_EQ(relay->pool(RelayProtocol::Tcp).take_random(random_, now_), 50000);
    EXPECT_EQ(addresses.of({kPublic, 50000}, RelayProtocol::Tcp), Ownership::Relayed);
    EXPECT_EQ(addresses.of({kPublic, 50000}, RelayProtocol::Udp), Ownership::OtherOwn);
    EXPECT_EQ(addresses.to_advertised({kLoopback, 50000}, RelayProtocol::Tcp),
              (Endpoint{kPublic, 50000}));
    EXPECT_EQ(addresses.to_advertised({kLoopback, 50000}, RelayProtocol::Udp),
              (Endpoint{kLoopback, 50000}));
    // Nor does one take the other's.
    EXPECT_EQ(relay->pool(RelayProtocol::Udp).take_random(random_, now_), 50000);
    relay->pool(RelayProtocol::Tcp).release(50000, now_);
    EXPECT_EQ(addresses.of({kPublic, 50000}, RelayProtocol::Tcp), Ownership::OtherOwn);
    EXPECT_EQ(addresses.of({kPublic, 50000}, RelayProtocol::Udp), Ownership::Relayed);
}

TEST_F(RelayAddressesTest, KnowsServicesOnEveryAddressOfAWildcard) {
    RelayAddresses addresses({}, 50000, 50010);
    addresses.add_service({IpAddress::any(AddressFamily::IPv4), 3478});
    addresses.add_service({kLoopback, 8080});
    EXPECT_EQ(addresses.of({kLoopback, 3478}, RelayProtocol::Udp), Ownership::Service);
    EXPECT_EQ(addresses.of({IpAddress::v4(127, 9, 9, 9), 3478}, RelayProtocol::Udp),
              Ownership::Service);
    EXPECT_EQ(addresses.of({kLoopback, 8080}, RelayProtocol::Udp), Ownership::Service);
    EXPECT_EQ(addresses.of({IpAddress::v4(127, 9, 9, 9), 8080}, RelayProtocol::Udp),
              Ownership::OtherOwn);
    EXPECT_EQ(addresses.of({kLoopback6, 3478}, RelayProtocol::Udp), Ownership::OtherOwn);
    EXPECT_EQ(addresses.of({IpAddress::v4(203, 0, 113, 1), 3478}, RelayProtocol::Udp),
              Ownership::Foreign);
}

TEST_F(RelayAddressesTest, AnAdvertisedAddressIsOwnAndTranslatesBothWays) {
    const RelayAddresses::Configured configured[] = {{kLoopback, kPublic}};
    RelayAddresses addresses(configured, 50000, 50010);
    EXPECT_TRUE(addresses.is_own(kPublic));
    EXPECT_TRUE(addresses.is_relay_address(kPublic));
    EXPECT_FALSE(addresses.is_relay_address(kLoopback));  // clients never hear of it
    RelayAddress* relay = addresses.choose(AddressFamily::IPv4, kLoopback, random_);
    const auto port = relay->ports.take_random(random_, now_);
    EXPECT_EQ(addresses.of({kPublic, *port}, RelayProtocol::Udp), Ownership::Relayed);
    EXPECT_EQ(addresses.to_local({kPublic, *port}), (Endpoint{kLoopback, *port}));
    EXPECT_EQ(addresses.to_advertised({kLoopback, *port}), (Endpoint{kPublic, *port}));
    // What is not a relayed address keeps its name: a permission for one is not for the other.
    relay->ports.release(*port, now_);
    EXPECT_EQ(addresses.to_advertised({kLoopback, *port}), (Endpoint{kLoopback, *port}));
}

TEST_F(RelayAddressesTest, HasRoomForABoundedNumberOfAddresses) {
    RelayAddresses addresses({}, 50000, 50001);
    for (std::size_t i = 0; i < RelayAddresses::kMaxAddresses; ++i) {
        const auto ip = IpAddress::v4(127, 1, 0, static_cast<std::uint8_t>(i));
        ASSERT_NE(addresses.choose(AddressFamily::IPv4, ip, random_), nullptr);
    }
    EXPECT_EQ(addresses.choose(AddressFamily::IPv4, IpAddress::v4(127, 2, 0, 1), random_), nullptr);
}

}  // namespace
}  // namespace turnbuckle::server
