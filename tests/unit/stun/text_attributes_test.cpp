#include "turnbuckle/stun/text_attributes.hpp"

#include <array>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "turnbuckle/stun/message_builder.hpp"

namespace turnbuckle::stun {
namespace {

const TransactionId kId{};

TEST(Utf8, IsJudgedAsInRfc3629) {
    for (const char* good : {"", "plain", "\u30DE\u30C8", "\U0001F600", "\xef\xbf\xbf"}) {
        EXPECT_TRUE(is_valid_utf8(as_bytes(good))) << good;
    }
    for (const char* bad : {"\x80", "\xc0\xaf", "\xe0\x80\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80",
                            "\xf8\x88\x80\x80\x80", "\xff", "\xe3\x83", "a\xc3"}) {
        EXPECT_FALSE(is_valid_utf8(as_bytes(bad))) << bad;
    }
    EXPECT_TRUE(is_valid_utf8(as_bytes(std::string_view("a\0b", 3))));
}

template <class T>
class TextAttributes : public testing::Test {};
using TextTypes =
    testing::Types<Username, Realm, Nonce, Software, AlternateDomain, ThirdPartyAuthorization>;
TYPED_TEST_SUITE(TextAttributes, TextTypes);

TYPED_TEST(TextAttributes, AreReadUpTo763Bytes) {
    const std::string text(764, 'x');
    EXPECT_EQ(TypeParam::decode({}, kId)->value, "");
    EXPECT_EQ(TypeParam::decode(as_bytes(text).first(763), kId)->value.size(), 763U);
    EXPECT_FALSE(TypeParam::decode(as_bytes(text), kId));
}

TYPED_TEST(TextAttributes, AreSentUpTo508Bytes) {
    std::array<std::uint8_t, 1024> out{};
    const std::string text(509, 'x');
    MessageBuilder fits{out, MessageClass::Request, Method::Binding, kId};
    EXPECT_FALSE(fits.add(TypeParam{std::string_view(text).substr(1)}).finish().empty());
    MessageBuilder too_long{out, MessageClass::Request, Method::Binding, kId};
    EXPECT_TRUE(too_long.add(TypeParam{text}).finish().empty());
}

TEST(TextAttributes, ThatAreNotUtf8AreMalformedButANonceIsJustWrong) {
    const ByteView bad = as_bytes("\xc3\x28");
    EXPECT_FALSE(Username::decode(bad, kId));
    EXPECT_FALSE(Realm::decode(bad, kId));
    EXPECT_FALSE(Software::decode(bad, kId));
    EXPECT_TRUE(Nonce::decode(bad, kId));
}

TEST(OpaqueAttributes, AreAnyBytesOfAnyLength) {
    const std::vector<std::uint8_t> bytes(1000, 0xff);
    EXPECT_EQ(Data::decode(bytes, kId)->value.data(), bytes.data());
    EXPECT_EQ(Data::decode(bytes, kId)->value.size(), bytes.size());
    EXPECT_TRUE(MobilityTicket::decode({}, kId)->value.empty());
}

}  // namespace
}  // namespace turnbuckle::stun
