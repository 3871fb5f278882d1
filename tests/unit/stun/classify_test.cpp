#include "turnbuckle/stun/classify.hpp"

#include <array>

#include <gtest/gtest.h>

namespace turnbuckle::stun {
namespace {

PacketKind expected_datagram(unsigned first) {
    if (first <= 3) return PacketKind::Stun;
    if (first >= 20 && first <= 63) return PacketKind::Dtls;
    if (first >= 64 && first <= 127) return PacketKind::ChannelData;
    return PacketKind::Other;
}

TEST(Classify, EveryFirstByteOfADatagramIsWhatRfc7983Says) {
    for (unsigned first = 0; first < 256; ++first) {
        const std::array bytes{static_cast<std::uint8_t>(first)};
        EXPECT_EQ(classify(bytes), expected_datagram(first)) << first;
    }
    EXPECT_EQ(classify({}), PacketKind::Other);
}

TEST(Classify, AStreamIsTlsAtTheHandshakeByteAndNeverDtls) {
    for (unsigned first = 0; first < 256; ++first) {
        const std::array bytes{static_cast<std::uint8_t>(first)};
        const PacketKind kind = classify_stream(bytes);
        if (first == 0x16) {
            EXPECT_EQ(kind, PacketKind::Tls);
        } else if (first >= 20 && first <= 63) {
            EXPECT_EQ(kind, PacketKind::Other) << first;
        } else {
            EXPECT_EQ(kind, expected_datagram(first)) << first;
        }
    }
    EXPECT_EQ(classify_stream({}), PacketKind::Other);
}

TEST(Classify, ChannelNumbersOfRfc5766AreChannelData) {
    EXPECT_EQ(classify(std::array<std::uint8_t, 4>{0x4f, 0xff, 0, 0}), PacketKind::ChannelData);
    EXPECT_EQ(classify(std::array<std::uint8_t, 4>{0x7f, 0xff, 0, 0}), PacketKind::ChannelData);
    EXPECT_EQ(classify(std::array<std::uint8_t, 4>{0x80, 0x00, 0, 0}), PacketKind::Other);
}

}  // namespace
}  // namespace turnbuckle::stun
