#include "turnbuckle/stun/message_view.hpp"

#include <array>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "turnbuckle/stun/attributes.hpp"
#include "turnbuckle/stun/integrity.hpp"
#include "turnbuckle/stun/message_builder.hpp"

#include "unit/stun/vectors.hpp"

namespace turnbuckle::stun {
namespace {

using namespace vectors;
using Bytes = std::vector<std::uint8_t>;
const TransactionId kId{{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}};
constexpr std::string_view kKey = "key";

// Attributes in any order, also such as a MessageBuilder refuses. An empty value of an integrity
// attribute or the fingerprint is replaced by the right one for its place.
class Message {
public:
    Message() : bytes_(kHeaderSize) {
        store_be16(bytes_.data(), message_type(MessageClass::Request, Method::Allocate));
        store_be32(bytes_.data() + 4, kMagicCookie);
        std::ranges::copy(kId.bytes, bytes_.begin() + 8);
    }
    Message& add(AttributeType type, Bytes value = {}) {
        const std::size_t before = bytes_.size();
        if (value.empty()) {
            if (type == AttributeType::MessageIntegrity) value.resize(20);
            if (type == AttributeType::MessageIntegritySha256) value.resize(32);
            if (type == AttributeType::Fingerprint) value.resize(4);
            if (!value.empty()) return add_digest(type, value.size());
        }
        bytes_.resize(before + 4 + padded_to_4(value.size()), 0xaa);
        store_be16(bytes_.data() + before, static_cast<std::uint16_t>(type));
        store_be16(bytes_.data() + before + 2, static_cast<std::uint16_t>(value.size()));
        std::ranges::copy(value, bytes_.begin() + static_cast<std::ptrdiff_t>(before) + 4);
        store_be16(bytes_.data() + 2, static_cast<std::uint16_t>(bytes_.size() - kHeaderSize));
        return *this;
    }
    Message& add_text(AttributeType type, std::string_view text) {
        return add(type, Bytes(text.begin(), text.end()));
    }
    Message& add_digest(AttributeType type, std::size_t size) {
        const std::size_t before = bytes_.size();
        add(type, Bytes(size, 1));
        const ByteView covered = ByteView{bytes_}.first(before);
        std::uint8_t* value = bytes_.data() + before + 4;
        if (type == AttributeType::MessageIntegrity) {
            std::ranges::copy(hmac_sha1(as_bytes(kKey), covered), value);
        } else if (type == AttributeType::MessageIntegritySha256) {
            const Sha256Digest digest = hmac_sha256(as_bytes(kKey), covered);
            std::copy_n(digest.begin(), std::min(size, digest.size()), value);
        } else {
            store_be32(value, fingerprint(covered));
        }
        return *this;
    }
    [[nodiscard]] MessageView view() const { return *MessageView::parse(bytes_); }
    [[nodiscard]] const Bytes& bytes() const { return bytes_; }

private:
    Bytes bytes_;
};

TEST(MessageView, ReadsAHeaderWithoutAttributes) {
    const Message message;
    const MessageView view = message.view();
    EXPECT_EQ(view.message_class(), MessageClass::Request);
    EXPECT_EQ(view.method(), Method::Allocate);
    EXPECT_EQ(view.transaction_id(), kId);
    EXPECT_EQ(view.bytes().size(), kHeaderSize);
    EXPECT_EQ(view.get<Username>().error(), AttributeError::Absent);
    EXPECT_EQ(view.fingerprint_state(), FingerprintState::Absent);
    EXPECT_FALSE(view.has_integrity());
    EXPECT_FALSE(view.verify_integrity(as_bytes(kKey)));
    EXPECT_FALSE(view.verify_integrity_sha256(as_bytes(kKey)));
}

TEST(MessageView, RefusesATruncationAtEveryByteAndOneByteMore) {
    const Bytes whole = vector_bytes(kRfc5769Request);
    for (std::size_t size = 0; size < whole.size(); ++size) {
        // A heap block of exactly that size: the address sanitizer sees a read beyond it.
        const Bytes cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
        const auto view = MessageView::parse(cut);
        ASSERT_FALSE(view) << size;
        EXPECT_EQ(view.error(),
                  size < kHeaderSize ? ParseError::TooShort : ParseError::LengthMismatch);
    }
    Bytes longer = whole;
    longer.push_back(0);
    EXPECT_EQ(MessageView::parse(longer).error(), ParseError::LengthMismatch);
}

TEST(MessageView, RefusesATruncationWhoseLengthFieldWasCutToo) {
    const Bytes whole = vector_bytes(kRfc5769Request);
    // Where an attribute ends a message may end; everywhere else its last attribute overruns.
    const std::vector<std::size_t> ends{20, 40, 48, 60, 76, 100, 108};
    for (std::size_t size = kHeaderSize; size <= whole.size(); ++size) {
        Bytes cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
        store_be16(cut.data() + 2, static_cast<std::uint16_t>(size - kHeaderSize));
        const auto view = MessageView::parse(cut);
        if (size % 4 != 0) {
            EXPECT_EQ(view.error(), ParseError::UnalignedLength) << size;
        } else if (std::ranges::find(ends, size) == ends.end()) {
            EXPECT_EQ(view.error(), ParseError::AttributeOverrun) << size;
        } else {
            EXPECT_TRUE(view) << size;
        }
    }
}

TEST(MessageView, NoFlippedBitPassesBothIntegrityAndFingerprint) {
    const Bytes whole = vector_bytes(kRfc5769Request);
    for (std::size_t bit = 0; bit < whole.size() * 8; ++bit) {
        Bytes flipped = whole;
        flipped[bit / 8] = static_cast<std::uint8_t>(flipped[bit / 8] ^ (1U << (bit % 8)));
        const auto view = MessageView::parse(flipped);
        if (!view) continue;
        EXPECT_NE(view->fingerprint_state(), FingerprintState::Valid) << bit;
        // FINGERPRINT, the last 8 bytes, comes after what the HMAC covers.
        if (bit / 8 < whole.size() - 8) {
            EXPECT_FALSE(view->verify_integrity(as_bytes(kShortTermPassword))) << bit;
        }
    }
}

TEST(MessageView, RefusesWhatIsNotStunByItsFirstTwoBits) {
    for (const unsigned top : {0x40U, 0x80U, 0xc0U}) {
        Bytes bytes = Message{}.bytes();
        bytes[0] = static_cast<std::uint8_t>(bytes[0] | top);
        EXPECT_EQ(MessageView::parse(bytes).error(), ParseError::NotStun);
    }
}

TEST(MessageView, KeepsTheWholeIdOfAMessageWithoutTheCookie) {
    Bytes bytes = Message{}.bytes();
    EXPECT_TRUE(MessageView::parse(bytes)->has_cookie());
    bytes[7] = 0x43;
    const auto view = MessageView::parse(bytes);
    ASSERT_TRUE(view);
    EXPECT_FALSE(view->has_cookie());
    const LegacyTransactionId id = view->legacy_transaction_id();
    EXPECT_TRUE(std::ranges::equal(id, ByteView{bytes}.subspan(4, 16)));
}

TEST(MessageView, ReadsTheLongestMessageThereIs) {
    Message message;
    message.add(AttributeType::Data, Bytes(65532 - 4, 7));
    ASSERT_EQ(message.bytes().size(), kMaxMessageSize);
    EXPECT_EQ(message.view().get<Data>()->value.size(), 65528U);
    // An attribute that claims more than a message can hold.
    Bytes bytes = message.bytes();
    store_be16(bytes.data() + 22, 0xffff);
    EXPECT_EQ(MessageView::parse(bytes).error(), ParseError::AttributeOverrun);
}

TEST(MessageView, OfAttributesAlikeTheFirstWins) {
    Message message;
    message.add_text(AttributeType::Username, "first").add_text(AttributeType::Username, "second");
    EXPECT_EQ(message.view().get<Username>()->value, "first");
}

TEST(MessageView, AMalformedFirstIsNotMadeGoodByASecond) {
    Message message;
    message.add_text(AttributeType::Username, "\xff").add_text(AttributeType::Username, "good");
    EXPECT_EQ(message.view().get<Username>().error(), AttributeError::Malformed);
}

TEST(MessageView, VisitsRepeatedAttributesInOrderAndStopsAtAMalformedOne) {
    Message message;
    std::vector<std::uint16_t> ports;
    const auto visit = [&ports](const XorPeerAddress& peer) {
        ports.push_back(peer.endpoint.port);
    };
    for (std::uint8_t low = 1; low <= 3; ++low) {
        message.add(AttributeType::XorPeerAddress, {0, 1, 0x21, low, 0, 0, 0, 0});
        message.add(AttributeType::DontFragment);
    }
    EXPECT_TRUE(message.view().for_each_of<XorPeerAddress>(visit));
    EXPECT_EQ(ports, (std::vector<std::uint16_t>{0x13, 0x10, 0x11}));

    ports.clear();
    message.add(AttributeType::XorPeerAddress, {0, 9, 0x21, 4, 0, 0, 0, 0});
    message.add(AttributeType::XorPeerAddress, {0, 1, 0x21, 5, 0, 0, 0, 0});
    EXPECT_FALSE(message.view().for_each_of<XorPeerAddress>(visit));
    EXPECT_EQ(ports.size(), 3U);
}

TEST(MessageView, PaddingMayHaveAnyValueAndIsNoPartOfTheValue) {
    Message message;  // pads with 0xaa
    message.add_text(AttributeType::Username, "a").add_text(AttributeType::Realm, "bcd");
    message.add(AttributeType::DontFragment).add(AttributeType::MessageIntegrity);
    const MessageView view = message.view();
    EXPECT_EQ(view.get<Username>()->value, "a");
    EXPECT_EQ(view.get<Realm>()->value, "bcd");
    EXPECT_TRUE(view.get<DontFragment>());
    EXPECT_TRUE(view.verify_integrity(as_bytes(kKey)));
}

TEST(MessageView, AfterMessageIntegrityOnlySha256AndFingerprintAreObeyed) {
    Message message;
    message.add_text(AttributeType::Username, "user").add(AttributeType::MessageIntegrity);
    message.add(AttributeType::Lifetime, {0, 0, 0, 0}).add_text(AttributeType::Username, "evil");
    message.add(AttributeType{0x7f00}, {1});
    message.add(AttributeType::MessageIntegritySha256).add_text(AttributeType::Realm, "evil");
    message.add(AttributeType::Fingerprint);
    const MessageView view = message.view();
    EXPECT_EQ(view.get<Username>()->value, "user");
    EXPECT_FALSE(view.has(AttributeType::Lifetime));
    EXPECT_FALSE(view.has(AttributeType::Realm));
    EXPECT_TRUE(view.verify_integrity(as_bytes(kKey)));
    EXPECT_TRUE(view.verify_integrity_sha256(as_bytes(kKey)));
    EXPECT_EQ(view.fingerprint_state(), FingerprintState::Valid);
    EXPECT_TRUE(view.collect_unknown([](AttributeType) { return false; })
                    .contains(AttributeType::Username));
    EXPECT_EQ(view.collect_unknown([](AttributeType) { return false; }).size(), 1U);

    std::vector<AttributeType> seen;
    view.for_each([&seen](AttributeType type, ByteView) { seen.push_back(type); });
    EXPECT_EQ(seen,
              (std::vector{AttributeType::Username, AttributeType::MessageIntegrity,
                           AttributeType::MessageIntegritySha256, AttributeType::Fingerprint}));
}

TEST(MessageView, AfterSha256EvenMessageIntegrityIsIgnored) {
    Message message;
    message.add(AttributeType::MessageIntegritySha256).add(AttributeType::MessageIntegrity);
    EXPECT_TRUE(message.view().verify_integrity_sha256(as_bytes(kKey)));
    EXPECT_FALSE(message.view().has_integrity());
    EXPECT_FALSE(message.view().has(AttributeType::MessageIntegrity));
}

TEST(MessageView, OfTwoIntegrityAttributesTheFirstIsChecked) {
    Message message;
    message.add(AttributeType::MessageIntegrity, Bytes(20, 9));
    message.add(AttributeType::MessageIntegrity);
    EXPECT_FALSE(message.view().verify_integrity(as_bytes(kKey)));

    Message sha256;
    sha256.add(AttributeType::MessageIntegritySha256, Bytes(32, 9));
    sha256.add(AttributeType::MessageIntegritySha256);
    EXPECT_FALSE(sha256.view().verify_integrity_sha256(as_bytes(kKey)));
}

TEST(MessageView, AFingerprintThatIsNotLastIsInvalidAndEndsWhatIsObeyed) {
    Message message;
    message.add_text(AttributeType::Username, "user").add(AttributeType::Fingerprint);
    EXPECT_EQ(message.view().fingerprint_state(), FingerprintState::Valid);
    message.add_text(AttributeType::Realm, "after").add(AttributeType::MessageIntegrity);
    EXPECT_EQ(message.view().fingerprint_state(), FingerprintState::Invalid);
    EXPECT_FALSE(message.view().has(AttributeType::Realm));
    EXPECT_FALSE(message.view().has_integrity());

    // Nor does a CRC help that was made over the final Length field.
    Message early;
    early.add(AttributeType::Fingerprint, Bytes(4, 1)).add(AttributeType::DontFragment);
    Bytes bytes = early.bytes();
    store_be32(bytes.data() + kHeaderSize + 4, fingerprint(ByteView{bytes}.first(kHeaderSize)));
    EXPECT_EQ(MessageView::parse(bytes)->fingerprint_state(), FingerprintState::Invalid);
}

TEST(MessageView, AFingerprintOfAWrongSizeIsInvalid) {
    Message empty;
    empty.add_digest(AttributeType::Fingerprint, 4);
    Bytes bytes = empty.bytes();
    store_be16(bytes.data() + kHeaderSize + 2, 3);
    EXPECT_EQ(MessageView::parse(bytes)->fingerprint_state(), FingerprintState::Invalid);
}

TEST(MessageView, AnHmacSha1OfAnyOtherSizeIsRefused) {
    for (const std::size_t size : {1U, 16U, 19U, 21U, 32U}) {
        Message message;
        message.add(AttributeType::MessageIntegrity, Bytes(size, 1));
        EXPECT_FALSE(message.view().verify_integrity(as_bytes(kKey)));
    }
}

TEST(MessageView, ATruncatedSha256IsAcceptedOnlyWhereTheUsageAllows) {
    for (std::size_t size = 1; size <= 40; ++size) {
        Message message;
        message.add_digest(AttributeType::MessageIntegritySha256, size);
        const MessageView view = message.view();
        EXPECT_EQ(view.integrity_sha256_size(), size);
        const bool rfc_allows = size >= 16 && size <= 32 && size % 4 == 0;
        EXPECT_EQ(view.verify_integrity_sha256(as_bytes(kKey), 16), rfc_allows) << size;
        EXPECT_EQ(view.verify_integrity_sha256(as_bytes(kKey), 1), rfc_allows) << size;
        EXPECT_EQ(view.verify_integrity_sha256(as_bytes(kKey)), size == 32) << size;
    }
}

TEST(MessageView, CollectsEachUnknownRequiredTypeOnceAndBounded) {
    Message message;
    message.add(AttributeType{0x7f01}).add(AttributeType{0xff01}).add(AttributeType{0x7f02});
    message.add(AttributeType{0x7f01}).add_text(AttributeType::Username, "user");
    const auto known = [](AttributeType type) { return type == AttributeType::Username; };
    const AttributeTypeList unknown = message.view().collect_unknown(known);
    EXPECT_EQ(std::vector(unknown.begin(), unknown.end()),
              (std::vector{AttributeType{0x7f01}, AttributeType{0x7f02}}));

    for (unsigned i = 0; i < 1000; ++i) {
        message.add(AttributeType{static_cast<std::uint16_t>(0x6000 + i)});
    }
    EXPECT_EQ(message.view().collect_unknown(known).size(), AttributeTypeList::kCapacity);
}

}  // namespace
}  // namespace turnbuckle::stun
