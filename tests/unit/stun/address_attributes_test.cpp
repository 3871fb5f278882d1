#include "turnbuckle/stun/address_attributes.hpp"

#include <array>
#include <vector>

#include <gtest/gtest.h>

namespace turnbuckle::stun {
namespace {

const TransactionId kId{{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}};

template <class Address>
class AddressAttributes : public testing::Test {};

using AddressTypes =
    testing::Types<MappedAddress, AlternateServer, ResponseOrigin, OtherAddress, SourceAddress,
                   ChangedAddress, XorMappedAddress, XorPeerAddress, XorRelayedAddress>;
TYPED_TEST_SUITE(AddressAttributes, AddressTypes);

template <class Address>
std::vector<std::uint8_t> encoded(const Address& address) {
    std::vector<std::uint8_t> out(address.encoded_size(), 0xee);
    address.encode(out, kId);
    return out;
}

TYPED_TEST(AddressAttributes, ComeBackAsTheyWere) {
    for (const char* text : {"192.0.2.1:32853", "0.0.0.0:0", "255.255.255.255:65535",
                             "[2001:db8::1]:3478", "[::]:0", "[::ffff:192.0.2.1]:1"}) {
        const TypeParam address{*Endpoint::parse(text)};
        const auto bytes = encoded(address);
        EXPECT_EQ(bytes.size(), address.endpoint.ip.is_v4() ? 8U : 20U);
        EXPECT_EQ(TypeParam::decode(bytes, kId), address) << text;
    }
}

TYPED_TEST(AddressAttributes, OfAWrongLengthAreMalformed) {
    for (const char* text : {"192.0.2.1:32853", "[2001:db8::1]:3478"}) {
        auto bytes = encoded(TypeParam{*Endpoint::parse(text)});
        const std::size_t right = bytes.size();
        bytes.resize(32);
        for (std::size_t size = 0; size <= bytes.size(); ++size) {
            EXPECT_EQ(TypeParam::decode(ByteView{bytes}.first(size), kId).has_value(),
                      size == right);
        }
    }
}

TYPED_TEST(AddressAttributes, OfAnUnknownFamilyAreMalformed) {
    for (unsigned family = 0; family < 256; ++family) {
        std::array<std::uint8_t, 8> v4{0, static_cast<std::uint8_t>(family)};
        std::array<std::uint8_t, 20> v6{0, static_cast<std::uint8_t>(family)};
        EXPECT_EQ(TypeParam::decode(v4, kId).has_value(), family == 1);
        EXPECT_EQ(TypeParam::decode(v6, kId).has_value(), family == 2);
    }
}

TYPED_TEST(AddressAttributes, IgnoreTheFirstByteAndWriteItAsZero) {
    const TypeParam address{*Endpoint::parse("192.0.2.1:32853")};
    auto bytes = encoded(address);
    EXPECT_EQ(bytes[0], 0);
    bytes[0] = 0xff;
    EXPECT_EQ(TypeParam::decode(bytes, kId), address);
}

TEST(XorAddresses, AreMaskedByCookieAndTransactionId) {
    const auto v4 = encoded(XorPeerAddress{*Endpoint::parse("0.0.0.0:0")});
    EXPECT_EQ(v4, (std::vector<std::uint8_t>{0, 1, 0x21, 0x12, 0x21, 0x12, 0xa4, 0x42}));
    const auto v6 = encoded(XorPeerAddress{*Endpoint::parse("[::]:0")});
    EXPECT_EQ(v6, (std::vector<std::uint8_t>{0, 2, 0x21, 0x12, 0x21, 0x12, 0xa4, 0x42, 1,  2,
                                             3, 4, 5,    6,    7,    8,    9,    10,   11, 12}));
}

}  // namespace
}  // namespace turnbuckle::stun
