#include "unit/stun/vectors.hpp"

#include <array>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "turnbuckle/stun/attributes.hpp"
#include "turnbuckle/stun/integrity.hpp"
#include "turnbuckle/stun/message_builder.hpp"
#include "turnbuckle/stun/message_view.hpp"

namespace turnbuckle::stun {
namespace {

using namespace vectors;

MessageView parse(const std::vector<std::uint8_t>& bytes) {
    const auto view = MessageView::parse(bytes);
    EXPECT_TRUE(view.has_value());
    return *view;
}

TEST(Rfc5769, RequestOfSection21IsRead) {
    const auto bytes = vector_bytes(kRfc5769Request);
    const MessageView view = parse(bytes);
    EXPECT_EQ(view.message_class(), MessageClass::Request);
    EXPECT_EQ(view.method(), Method::Binding);
    EXPECT_TRUE(view.has_cookie());
    EXPECT_EQ(view.transaction_id().bytes[0], 0xb7);
    EXPECT_EQ(view.transaction_id().bytes[11], 0xae);
    EXPECT_EQ(view.get<Software>()->value, "STUN test client");
    EXPECT_EQ(view.get<Username>()->value, "evtj:h6vY");
    EXPECT_EQ(load_be32(view.find(AttributeType::Priority)->data()), 0x6e0001ffU);
    EXPECT_EQ(load_be64(view.find(AttributeType::IceControlled)->data()), 0x932ff9b151263b36U);
    EXPECT_TRUE(view.verify_integrity(as_bytes(kShortTermPassword)));
    EXPECT_FALSE(view.verify_integrity(as_bytes("VOkJxbRl1RmTxUk/WvJxBT")));
    EXPECT_FALSE(view.verify_integrity_sha256(as_bytes(kShortTermPassword)));
    EXPECT_EQ(view.fingerprint_state(), FingerprintState::Valid);
}

TEST(Rfc5769, Ipv4ResponseOfSection22IsRead) {
    const auto bytes = vector_bytes(kRfc5769Ipv4Response);
    const MessageView view = parse(bytes);
    EXPECT_EQ(view.message_class(), MessageClass::SuccessResponse);
    EXPECT_EQ(view.method(), Method::Binding);
    EXPECT_EQ(view.get<Software>()->value, "test vector");
    EXPECT_EQ(view.get<XorMappedAddress>()->endpoint, Endpoint::parse("192.0.2.1:32853"));
    EXPECT_TRUE(view.verify_integrity(as_bytes(kShortTermPassword)));
    EXPECT_EQ(view.fingerprint_state(), FingerprintState::Valid);
}

TEST(Rfc5769, Ipv6ResponseOfSection23IsRead) {
    const auto bytes = vector_bytes(kRfc5769Ipv6Response);
    const MessageView view = parse(bytes);
    EXPECT_EQ(view.get<Software>()->value, "test vector");
    EXPECT_EQ(view.get<XorMappedAddress>()->endpoint,
              Endpoint::parse("[2001:db8:1234:5678:11:2233:4455:6677]:32853"));
    EXPECT_TRUE(view.verify_integrity(as_bytes(kShortTermPassword)));
    EXPECT_EQ(view.fingerprint_state(), FingerprintState::Valid);
}

TEST(Rfc5769, LongTermRequestOfSection24IsReadAndRebuiltToTheByte) {
    const auto bytes = vector_bytes(kRfc5769LongTermRequest);
    const MessageView view = parse(bytes);
    EXPECT_EQ(view.get<Username>()->value, kUsername);
    EXPECT_EQ(view.get<Nonce>()->value, "f//499k954d6OL34oL9FSTvy64sA");
    EXPECT_EQ(view.get<Realm>()->value, kRealm);
    const Md5Digest key = long_term_key_md5(kUsername, kRealm, kPassword);
    EXPECT_TRUE(view.verify_integrity(key));
    EXPECT_EQ(view.fingerprint_state(), FingerprintState::Absent);

    std::array<std::uint8_t, 256> out{};
    MessageBuilder builder{out, MessageClass::Request, Method::Binding, view.transaction_id()};
    builder.add(*view.get<Username>()).add(*view.get<Nonce>()).add(*view.get<Realm>());
    const ByteView built = builder.add_message_integrity(key).finish();
    EXPECT_EQ(std::vector(built.begin(), built.end()), bytes);
}

TEST(Rfc8489, CorrectedAppendixB1IsReadAndRebuiltToTheByte) {
    const auto bytes = vector_bytes(kRfc8489Request);
    const MessageView view = parse(bytes);
    EXPECT_EQ(view.get<UserHash>()->hash, user_hash(kUsername, kRealm));
    EXPECT_EQ(view.get<Nonce>()->value, "obMatJos2AAACf//499k954d6OL34oL9FSTvy64sA");
    EXPECT_EQ(view.get<Realm>()->value, kRealm);
    EXPECT_EQ(view.get<PasswordAlgorithm>()->algorithm, PasswordAlgorithmNumber::Sha256);
    const Sha256Digest key = long_term_key_sha256(kUsername, kRealm, kPassword);
    EXPECT_EQ(view.integrity_sha256_size(), 32U);
    EXPECT_TRUE(view.verify_integrity_sha256(key));
    EXPECT_FALSE(view.verify_integrity(key));
    EXPECT_FALSE(view.verify_integrity_sha256(long_term_key_md5(kUsername, kRealm, kPassword)));

    std::array<std::uint8_t, 256> out{};
    MessageBuilder builder{out, MessageClass::Request, Method::Binding, view.transaction_id()};
    builder.add(*view.get<UserHash>()).add(*view.get<Nonce>()).add(*view.get<Realm>());
    builder.add(*view.get<PasswordAlgorithm>());
    const ByteView built = builder.add_message_integrity_sha256(key).finish();
    EXPECT_EQ(std::vector(built.begin(), built.end()), bytes);
}

TEST(Rfc8489, AppendixB1AsPrintedIsRefusedForItsLengthField) {
    auto bytes = vector_bytes(kRfc8489AsPrinted);
    ASSERT_EQ(MessageView::parse(bytes).error(), ParseError::LengthMismatch);

    // The printed HMAC is that over the wrong Length field, so it fails once the field is right.
    const Sha256Digest key = long_term_key_sha256(kUsername, kRealm, kPassword);
    const ByteView printed{bytes};
    const Sha256Digest over_wrong_length = hmac_sha256(key, printed.first(printed.size() - 36));
    EXPECT_TRUE(std::ranges::equal(over_wrong_length, printed.last(32)));
    store_be16(bytes.data() + 2, static_cast<std::uint16_t>(bytes.size() - kHeaderSize));
    EXPECT_FALSE(parse(bytes).verify_integrity_sha256(key));
}

}  // namespace
}  // namespace turnbuckle::stun
