#include "turnbuckle/stun/turn_attributes.hpp"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "turnbuckle/stun/message_builder.hpp"
#include "turnbuckle/stun/message_view.hpp"

namespace turnbuckle::stun {
namespace {

using Bytes = std::vector<std::uint8_t>;
using std::chrono::seconds;
const TransactionId kId{};

template <Attribute A>
Bytes encoded(const A& attribute) {
    Bytes out(attribute.encoded_size(), 0xee);
    attribute.encode(out, kId);
    return out;
}

// One row per attribute: a value, its bytes, and the bytes again with every reserved bit set.
template <Attribute A>
void expect_layout(const A& attribute, const Bytes& bytes, const Bytes& with_reserved_bits) {
    EXPECT_EQ(encoded(attribute), bytes);
    EXPECT_EQ(A::decode(bytes, kId), attribute);
    EXPECT_EQ(A::decode(with_reserved_bits, kId), attribute);
    Bytes longer = bytes;
    longer.resize(bytes.size() + 4);
    for (std::size_t size = 0; size <= longer.size(); ++size) {
        if (size == bytes.size()) continue;
        EXPECT_FALSE(A::decode(ByteView{longer}.first(size), kId)) << size;
    }
}

TEST(TurnAttributes, HaveTheLayoutsOfTheRfcsAndIgnoreReservedBits) {
    expect_layout(ChannelNumber{0x4001}, {0x40, 1, 0, 0}, {0x40, 1, 0xff, 0xff});
    expect_layout(Lifetime{seconds{600}}, {0, 0, 2, 0x58}, {0, 0, 2, 0x58});
    expect_layout(RequestedAddressFamily{AddressFamily::IPv6}, {2, 0, 0, 0}, {2, 255, 255, 255});
    expect_layout(AdditionalAddressFamily{AddressFamily::IPv6}, {2, 0, 0, 0}, {2, 255, 255, 255});
    expect_layout(EvenPort{true}, {0x80}, {0xff});
    expect_layout(EvenPort{false}, {0}, {0x7f});
    expect_layout(RequestedTransport{17}, {17, 0, 0, 0}, {17, 255, 255, 255});
    expect_layout(RequestedTransport{6}, {6, 0, 0, 0}, {6, 255, 255, 255});
    expect_layout(DontFragment{}, {}, {});
    expect_layout(UseCandidate{}, {}, {});
    expect_layout(ReservationToken{{1, 2, 3, 4, 5, 6, 7, 8}}, {1, 2, 3, 4, 5, 6, 7, 8},
                  {1, 2, 3, 4, 5, 6, 7, 8});
    expect_layout(Icmp{3, 4, 1280}, {0, 0, 6, 4, 0, 0, 5, 0}, {255, 255, 6, 4, 0, 0, 5, 0});
    expect_layout(Icmp{127, 511, 0xffffffff}, {0, 0, 255, 255, 255, 255, 255, 255},
                  {9, 9, 255, 255, 255, 255, 255, 255});
    expect_layout(ChangeRequest{true, false}, {0, 0, 0, 4}, {255, 255, 255, 0xfd});
    expect_layout(ChangeRequest{false, true}, {0, 0, 0, 2}, {255, 255, 255, 0xfb});
    expect_layout(ConnectionId{0x01020304}, {1, 2, 3, 4}, {1, 2, 3, 4});
    expect_layout(TransactionTransmitCounter{5, 6}, {0, 0, 5, 6}, {255, 255, 5, 6});
}

TEST(Lifetime, IsThirtyTwoBitsAndClampedToThem) {
    EXPECT_EQ(Lifetime::decode(Bytes{255, 255, 255, 255}, kId)->seconds, seconds{0xffffffff});
    EXPECT_EQ(encoded(Lifetime{seconds{-1}}), (Bytes{0, 0, 0, 0}));
    EXPECT_EQ(encoded(Lifetime{seconds{0x100000000}}), (Bytes{255, 255, 255, 255}));
}

TEST(AddressFamilies, ThatNobodyAssignedAreKeptAsNone) {
    for (const std::uint8_t family : Bytes{0, 3, 255}) {
        const auto requested = RequestedAddressFamily::decode(Bytes{family, 0, 0, 0}, kId);
        ASSERT_TRUE(requested);
        EXPECT_FALSE(requested->family);
        EXPECT_FALSE(AdditionalAddressFamily::decode(Bytes{family, 0, 0, 0}, kId)->family);
    }
}

TEST(AdditionalAddressFamily, IsAlsoReadUnderTheNumberOfTheDrafts) {
    std::array<std::uint8_t, 64> out{};
    MessageBuilder builder{out, MessageClass::Request, Method::Allocate, kId};
    const Bytes v6{2, 0, 0, 0};
    builder.add_raw(AttributeType::AdditionalAddressFamilyDraft, v6);
    const auto view = MessageView::parse(builder.finish());
    EXPECT_EQ(view->get<AdditionalAddressFamily>()->family, AddressFamily::IPv6);
}

TEST(AddressErrorCode, ComesBackAsItWas) {
    const AddressErrorCode attribute{AddressFamily::IPv6, ErrorCode::AddressFamilyNotSupported,
                                     "no"};
    EXPECT_EQ(encoded(attribute), (Bytes{2, 0, 4, 40, 'n', 'o'}));
    EXPECT_EQ(AddressErrorCode::decode(encoded(attribute), kId), attribute);
    EXPECT_EQ(AddressErrorCode::decode(Bytes{2, 0xff, 0xfc, 40, 'n', 'o'}, kId), attribute);
    EXPECT_FALSE(AddressErrorCode::decode(Bytes{3, 0, 4, 40}, kId));
    EXPECT_FALSE(AddressErrorCode::decode(Bytes{2, 0, 7, 40}, kId));
    EXPECT_FALSE(AddressErrorCode::decode(Bytes{2, 0, 4}, kId));
}

TEST(ResponsePort, MayCountItsPaddingOrNot) {
    EXPECT_EQ(encoded(ResponsePort{3478}), (Bytes{0x0d, 0x96, 0, 0}));
    EXPECT_EQ(ResponsePort::decode(Bytes{0x0d, 0x96, 1, 1}, kId)->port, 3478);
    EXPECT_EQ(ResponsePort::decode(Bytes{0x0d, 0x96}, kId)->port, 3478);
    EXPECT_FALSE(ResponsePort::decode(Bytes{0x0d}, kId));
    EXPECT_FALSE(ResponsePort::decode(Bytes(5), kId));
}

TEST(Padding, IsZerosOfAnyLength) {
    EXPECT_EQ(encoded(Padding{5}), Bytes(5, 0));
    EXPECT_EQ(Padding::decode(Bytes(1500, 1), kId), Padding{1500});
}

}  // namespace
}  // namespace turnbuckle::stun
