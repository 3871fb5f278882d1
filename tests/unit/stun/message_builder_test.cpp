#include "turnbuckle/stun/message_builder.hpp"

#include <array>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "turnbuckle/stun/attributes.hpp"
#include "turnbuckle/stun/message_view.hpp"

namespace turnbuckle::stun {
namespace {

using Bytes = std::vector<std::uint8_t>;
const TransactionId kId{{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}};
constexpr std::string_view kKey = "key";

// A response with all that one can have.
ByteView build_full(MutableBytes out) {
    MessageBuilder builder{out, MessageClass::SuccessResponse, Method::Allocate, kId};
    builder.add(XorRelayedAddress{*Endpoint::parse("192.0.2.15:50000")})
        .add(XorMappedAddress{*Endpoint::parse("[2001:db8::1]:7000")})
        .add(Lifetime{std::chrono::seconds{600}})
        .add(EvenPort{true})
        .add(Software{"turnbuckle"})
        .add_message_integrity(as_bytes(kKey))
        .add_message_integrity_sha256(as_bytes(kKey), 20)
        .add_fingerprint();
    return builder.finish();
}

TEST(MessageBuilder, WhatItBuildsIsReadBack) {
    std::array<std::uint8_t, 512> out{};
    const auto view = MessageView::parse(build_full(out));
    ASSERT_TRUE(view);
    EXPECT_EQ(view->message_class(), MessageClass::SuccessResponse);
    EXPECT_EQ(view->method(), Method::Allocate);
    EXPECT_EQ(view->transaction_id(), kId);
    EXPECT_TRUE(view->has_cookie());
    EXPECT_EQ(view->get<XorRelayedAddress>()->endpoint, Endpoint::parse("192.0.2.15:50000"));
    EXPECT_EQ(view->get<XorMappedAddress>()->endpoint, Endpoint::parse("[2001:db8::1]:7000"));
    EXPECT_EQ(view->get<Lifetime>()->seconds, std::chrono::seconds{600});
    EXPECT_TRUE(view->get<EvenPort>()->reserve_next);
    EXPECT_EQ(view->get<Software>()->value, "turnbuckle");
    EXPECT_TRUE(view->verify_integrity(as_bytes(kKey)));
    EXPECT_TRUE(view->verify_integrity_sha256(as_bytes(kKey), 20));
    EXPECT_EQ(view->fingerprint_state(), FingerprintState::Valid);
}

TEST(MessageBuilder, PaddingIsZeroWhateverWasInTheSlot) {
    Bytes out(512, 0xee);
    MessageBuilder builder{out, MessageClass::Indication, Method::Data, kId};
    const ByteView built = builder.add(Software{"a"}).add(Software{"abcdef"}).finish();
    const Bytes expected{0x80, 0x22, 0,   1,   'a', 0,   0,   0,   0x80, 0x22,
                         0,    6,    'a', 'b', 'c', 'd', 'e', 'f', 0,    0};
    EXPECT_TRUE(std::ranges::equal(built.subspan(kHeaderSize), expected));
}

TEST(MessageBuilder, OverflowAtEverySizeGivesNothingAndWritesNothingBeyond) {
    std::array<std::uint8_t, 512> reference{};
    const std::size_t full = build_full(reference).size();
    for (std::size_t size = 0; size <= full + 4; ++size) {
        Bytes out(full + 64, 0xee);
        const ByteView built = build_full(MutableBytes{out}.first(size));
        if (size < full) {
            EXPECT_TRUE(built.empty()) << size;
        } else {
            EXPECT_TRUE(std::ranges::equal(built, ByteView{reference}.first(full)));
        }
        for (std::size_t i = size; i < out.size(); ++i)
            ASSERT_EQ(out[i], 0xee) << size;
    }
}

TEST(MessageBuilder, AfterAnOverflowASmallerAttributeIsNotAddedEither) {
    std::array<std::uint8_t, 32> out{};
    MessageBuilder builder{out, MessageClass::Request, Method::Binding, kId};
    builder.add(Software{"much too long for this"});
    EXPECT_FALSE(builder.ok());
    EXPECT_TRUE(builder.add(DontFragment{}).finish().empty());
    EXPECT_EQ(builder.size(), kHeaderSize);
}

TEST(MessageBuilder, StopsAtTheLongestMessageHoweverLargeTheSlot) {
    Bytes out(70000);
    const Bytes data(65529);
    MessageBuilder fits{out, MessageClass::Indication, Method::Data, kId};
    EXPECT_EQ(fits.add(Data{ByteView{data}.first(65528)}).finish().size(), kMaxMessageSize);
    EXPECT_TRUE(fits.add(DontFragment{}).finish().empty());
    MessageBuilder too_long{out, MessageClass::Indication, Method::Data, kId};
    EXPECT_TRUE(too_long.add(Data{data}).finish().empty());
    MessageBuilder huge{out, MessageClass::Indication, Method::Data, kId};
    EXPECT_TRUE(huge.add(Padding{SIZE_MAX}).finish().empty());
}

TEST(MessageBuilder, RefusesWhatAReceiverWouldIgnore) {
    std::array<std::uint8_t, 512> out{};
    const auto key = as_bytes(kKey);
    const auto start = [&out] {
        return MessageBuilder{out, MessageClass::Request, Method::Binding, kId};
    };
    EXPECT_FALSE(start().add_message_integrity(key).add(DontFragment{}).ok());
    EXPECT_FALSE(start().add_message_integrity(key).add_message_integrity(key).ok());
    EXPECT_FALSE(start().add_message_integrity_sha256(key).add_message_integrity(key).ok());
    EXPECT_FALSE(start().add_fingerprint().add_message_integrity(key).ok());
    EXPECT_FALSE(start().add_fingerprint().add(DontFragment{}).ok());
    EXPECT_FALSE(start().add_fingerprint().add_fingerprint().ok());
    EXPECT_TRUE(start().add_message_integrity_sha256(key).add_fingerprint().ok());
}

TEST(MessageBuilder, TruncatesSha256OnlyAsTheRfcAllows) {
    for (std::size_t size = 0; size <= 40; ++size) {
        std::array<std::uint8_t, 128> out{};
        MessageBuilder builder{out, MessageClass::Request, Method::Binding, kId};
        builder.add_message_integrity_sha256(as_bytes(kKey), size);
        const bool allowed = size >= 16 && size <= 32 && size % 4 == 0;
        EXPECT_EQ(builder.ok(), allowed) << size;
        if (allowed) {
            const auto view = MessageView::parse(builder.finish());
            EXPECT_TRUE(view->verify_integrity_sha256(as_bytes(kKey), size));
        }
    }
}

TEST(MessageBuilder, AnswersRfc3489WithItsWholeTransactionId) {
    LegacyTransactionId id;
    for (std::size_t i = 0; i < id.size(); ++i)
        id[i] = static_cast<std::uint8_t>(0xa0 + i);
    std::array<std::uint8_t, 64> out{};
    MessageBuilder builder{out, MessageClass::SuccessResponse, Method::Binding, id};
    builder.add(MappedAddress{*Endpoint::parse("192.0.2.1:4000")});
    const auto view = MessageView::parse(builder.finish());
    ASSERT_TRUE(view);
    EXPECT_FALSE(view->has_cookie());
    EXPECT_EQ(view->legacy_transaction_id(), id);
    EXPECT_EQ(view->get<MappedAddress>()->endpoint, Endpoint::parse("192.0.2.1:4000"));
}

}  // namespace
}  // namespace turnbuckle::stun
