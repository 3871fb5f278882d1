#include "turnbuckle/stun/authentication_attributes.hpp"

#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace turnbuckle::stun {
namespace {

using Bytes = std::vector<std::uint8_t>;
const TransactionId kId{};

template <Attribute A>
Bytes encoded(const A& attribute) {
    Bytes out(attribute.encoded_size(), 0xee);
    attribute.encode(out, kId);
    return out;
}

TEST(ErrorCode, ComesBackAsItWas) {
    for (const ErrorCode code : {ErrorCode::TryAlternate, ErrorCode::StaleNonce,
                                 ErrorCode::InsufficientCapacity, ErrorCode{699}}) {
        const ErrorCodeAttribute attribute{code, "why"};
        EXPECT_EQ(ErrorCodeAttribute::decode(encoded(attribute), kId), attribute);
    }
    EXPECT_EQ(encoded(ErrorCodeAttribute{ErrorCode::StaleNonce, "x"}), (Bytes{0, 0, 4, 38, 'x'}));
    EXPECT_EQ(ErrorCodeAttribute::decode(Bytes{0, 0, 4, 1}, kId)->reason, "");
}

TEST(ErrorCode, ReservedBitsAreIgnored) {
    const auto decoded = ErrorCodeAttribute::decode(Bytes{0xff, 0xff, 0xfc, 38}, kId);
    ASSERT_TRUE(decoded);
    EXPECT_EQ(decoded->code, ErrorCode::StaleNonce);
}

TEST(ErrorCode, OnlyClassesThreeToSixAndNumbersBelowHundredExist) {
    for (unsigned hundreds = 0; hundreds < 8; ++hundreds) {
        for (unsigned number = 0; number < 256; ++number) {
            const Bytes value{0, 0, static_cast<std::uint8_t>(hundreds),
                              static_cast<std::uint8_t>(number)};
            EXPECT_EQ(ErrorCodeAttribute::decode(value, kId).has_value(),
                      hundreds >= 3 && hundreds <= 6 && number <= 99);
        }
    }
}

TEST(ErrorCode, TooShortOrNotTextIsMalformed) {
    for (std::size_t size = 0; size < 4; ++size) {
        EXPECT_FALSE(ErrorCodeAttribute::decode(Bytes(size, 4), kId));
    }
    EXPECT_FALSE(ErrorCodeAttribute::decode(Bytes{0, 0, 4, 0, 0xff}, kId));
    Bytes longest(4 + 763, 'x');
    longest[2] = 4;
    longest[3] = 0;
    EXPECT_TRUE(ErrorCodeAttribute::decode(longest, kId));
    longest.push_back('x');
    EXPECT_FALSE(ErrorCodeAttribute::decode(longest, kId));
}

TEST(ErrorCode, ALongReasonIsCutBetweenCharacters) {
    const std::string ascii(600, 'x');
    EXPECT_EQ(encoded(ErrorCodeAttribute{ErrorCode::BadRequest, ascii}).size(), 4U + 508);
    std::string threes;
    while (threes.size() < 600)
        threes += "\u30DE";
    const Bytes cut = encoded(ErrorCodeAttribute{ErrorCode::BadRequest, threes});
    EXPECT_EQ(cut.size(), 4U + 507);
    EXPECT_TRUE(ErrorCodeAttribute::decode(cut, kId));
}

TEST(AttributeTypeList, DropsWhatComesAfterItIsFull) {
    AttributeTypeList list;
    for (unsigned i = 0; i < 100; ++i)
        list.push_back(AttributeType{static_cast<std::uint16_t>(i)});
    EXPECT_EQ(list.size(), AttributeTypeList::kCapacity);
    EXPECT_TRUE(list.contains(AttributeType{15}));
    EXPECT_FALSE(list.contains(AttributeType{16}));
}

TEST(UnknownAttributes, ComeBackAsTheyWere) {
    UnknownAttributes unknown;
    EXPECT_EQ(UnknownAttributes::decode(encoded(unknown), kId), unknown);
    unknown.types.push_back(AttributeType{0x0030});
    unknown.types.push_back(AttributeType{0x7f01});
    EXPECT_EQ(encoded(unknown), (Bytes{0, 0x30, 0x7f, 1}));
    EXPECT_EQ(UnknownAttributes::decode(encoded(unknown), kId), unknown);
    EXPECT_FALSE(UnknownAttributes::decode(Bytes{0, 0x30, 0x7f}, kId));
}

TEST(UserHash, IsThirtyTwoBytes) {
    UserHash attribute;
    attribute.hash.fill(7);
    EXPECT_EQ(UserHash::decode(encoded(attribute), kId), attribute);
    EXPECT_FALSE(UserHash::decode(Bytes(31), kId));
    EXPECT_FALSE(UserHash::decode(Bytes(33), kId));
}

TEST(PasswordAlgorithm, ComesBackAsItWasWithZeroPadding) {
    const Bytes parameters{1, 2, 3};
    const PasswordAlgorithm attribute{PasswordAlgorithmNumber{9}, parameters};
    const Bytes bytes = encoded(attribute);
    EXPECT_EQ(bytes, (Bytes{0, 9, 0, 3, 1, 2, 3, 0}));
    const auto decoded = PasswordAlgorithm::decode(bytes, kId);
    ASSERT_TRUE(decoded);
    EXPECT_EQ(decoded->algorithm, attribute.algorithm);
    EXPECT_TRUE(std::ranges::equal(decoded->parameters, parameters));
}

TEST(PasswordAlgorithm, WithMoreOrLessThanItSaysIsMalformed) {
    EXPECT_FALSE(PasswordAlgorithm::decode({}, kId));
    EXPECT_FALSE(PasswordAlgorithm::decode(Bytes{0, 1, 0}, kId));
    EXPECT_FALSE(PasswordAlgorithm::decode(Bytes{0, 1, 0, 1}, kId));
    EXPECT_FALSE(PasswordAlgorithm::decode(Bytes{0, 1, 0xff, 0xff, 0, 0, 0, 0}, kId));
    EXPECT_FALSE(PasswordAlgorithm::decode(Bytes{0, 1, 0, 0, 0, 0, 0, 0}, kId));
    EXPECT_TRUE(PasswordAlgorithm::decode(Bytes{0, 1, 0, 0}, kId));
}

TEST(PasswordAlgorithms, ComeBackAsTheyWere) {
    PasswordAlgorithms attribute;
    attribute.entries[attribute.count++] = {PasswordAlgorithmNumber::Sha256, {}};
    attribute.entries[attribute.count++] = {PasswordAlgorithmNumber::Md5, {}};
    const Bytes bytes = encoded(attribute);
    EXPECT_EQ(bytes, (Bytes{0, 2, 0, 0, 0, 1, 0, 0}));
    const auto decoded = PasswordAlgorithms::decode(bytes, kId);
    ASSERT_TRUE(decoded);
    ASSERT_EQ(decoded->view().size(), 2U);
    EXPECT_EQ(decoded->view()[0].algorithm, PasswordAlgorithmNumber::Sha256);
    EXPECT_EQ(decoded->view()[1].algorithm, PasswordAlgorithmNumber::Md5);
}

TEST(PasswordAlgorithms, CutShortAreMalformedAndTooManyAreDropped) {
    const Bytes bytes{0, 2, 0, 1, 5, 0, 0, 0, 0, 1, 0, 0};
    EXPECT_EQ(PasswordAlgorithms::decode(bytes, kId)->count, 2U);
    for (const std::size_t size : {1U, 2U, 3U, 4U, 9U, 10U, 11U}) {
        EXPECT_FALSE(PasswordAlgorithms::decode(ByteView{bytes}.first(size), kId)) << size;
    }
    EXPECT_EQ(PasswordAlgorithms::decode(Bytes(4 * 100), kId)->count,
              PasswordAlgorithms::kCapacity);
}

}  // namespace
}  // namespace turnbuckle::stun
