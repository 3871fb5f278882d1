#include "turnbuckle/stun/types.hpp"

#include <unordered_set>

#include <gtest/gtest.h>

namespace turnbuckle::stun {
namespace {

// RFC 8489 section 5 and RFC 8656 section 17 as clients put them on the wire.
static_assert(message_type(MessageClass::Request, Method::Binding) == 0x0001);
static_assert(message_type(MessageClass::Indication, Method::Binding) == 0x0011);
static_assert(message_type(MessageClass::SuccessResponse, Method::Binding) == 0x0101);
static_assert(message_type(MessageClass::ErrorResponse, Method::Binding) == 0x0111);
static_assert(message_type(MessageClass::Request, Method::Allocate) == 0x0003);
static_assert(message_type(MessageClass::ErrorResponse, Method::Allocate) == 0x0113);
static_assert(message_type(MessageClass::Indication, Method::Send) == 0x0016);
static_assert(message_type(MessageClass::Indication, Method::Data) == 0x0017);
static_assert(message_type(MessageClass::SuccessResponse, Method::ChannelBind) == 0x0109);
static_assert(message_type(MessageClass::Indication, Method::ConnectionAttempt) == 0x001c);

TEST(MessageType, EveryFourteenBitValueIsTakenApartAndPutTogetherAgain) {
    for (unsigned type = 0; type < 0x4000; ++type) {
        const auto t = static_cast<std::uint16_t>(type);
        ASSERT_EQ(message_type(class_of(t), method_of(t)), t);
        ASSERT_LE(static_cast<unsigned>(method_of(t)), 0xfffU);
    }
}

TEST(AttributeTypes, BelowEightThousandMustBeUnderstood) {
    EXPECT_TRUE(is_comprehension_required(AttributeType{0x7fff}));
    EXPECT_FALSE(is_comprehension_required(AttributeType{0x8000}));
}

TEST(Channels, AreThoseOfRfc8656) {
    EXPECT_FALSE(is_channel(0x3fff));
    EXPECT_TRUE(is_channel(0x4000));
    EXPECT_TRUE(is_channel(0x4fff));
    EXPECT_FALSE(is_channel(0x5000));
    EXPECT_FALSE(is_channel(0x7fff));
    EXPECT_FALSE(is_channel(0xffff));
    EXPECT_FALSE(is_legacy_channel(0x4fff));
    EXPECT_TRUE(is_legacy_channel(0x5000));
    EXPECT_TRUE(is_legacy_channel(0x7fff));
    EXPECT_FALSE(is_legacy_channel(0x8000));
}

TEST(TransactionIds, CompareAndHashByAllTwelveBytes) {
    std::unordered_set<TransactionId> ids;
    for (std::size_t at = 0; at < kTransactionIdSize; ++at) {
        TransactionId id;
        id.bytes[at] = 1;
        EXPECT_NE(id, TransactionId{});
        EXPECT_NE(hash_value(id), hash_value(TransactionId{}));
        ids.insert(id);
    }
    EXPECT_EQ(ids.size(), kTransactionIdSize);
}

TEST(ReasonPhrases, ExistForEveryCodeThatIsListed) {
    for (const int code :
         {300, 400, 401, 403, 405, 420, 437, 438, 440, 441, 442, 443, 446, 447, 486, 500, 508}) {
        EXPECT_FALSE(reason_phrase(static_cast<ErrorCode>(code)).empty()) << code;
    }
    EXPECT_TRUE(reason_phrase(ErrorCode{499}).empty());
}

}  // namespace
}  // namespace turnbuckle::stun
