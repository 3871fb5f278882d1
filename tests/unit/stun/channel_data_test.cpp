#include "turnbuckle/stun/channel_data.hpp"

#include <array>
#include <vector>

#include <gtest/gtest.h>

namespace turnbuckle::stun {
namespace {

TEST(ChannelData, HeaderAndDataAreFound) {
    const std::array<std::uint8_t, 7> bytes{0x40, 0x01, 0, 3, 'a', 'b', 'c'};
    const auto message = parse_channel_data(bytes);
    ASSERT_TRUE(message);
    EXPECT_EQ(message->channel, 0x4001);
    EXPECT_EQ(as_text(message->data), "abc");
}

TEST(ChannelData, DatagramLongerThanLengthIsPaddingOfAnyKind) {
    const std::array<std::uint8_t, 9> bytes{0x4f, 0xff, 0, 3, 'a', 'b', 'c', 0xff, 0xff};
    const auto message = parse_channel_data(bytes);
    ASSERT_TRUE(message);
    EXPECT_EQ(as_text(message->data), "abc");
}

TEST(ChannelData, DatagramShorterThanLengthIsRefusedAtEveryLength) {
    const std::vector<std::uint8_t> whole{0x40, 0x00, 0, 5, 1, 2, 3, 4, 5};
    for (std::size_t size = 0; size < whole.size(); ++size) {
        const auto message = parse_channel_data(ByteView{whole}.first(size));
        ASSERT_FALSE(message) << size;
        EXPECT_EQ(message.error(),
                  size < 4 ? ChannelDataError::TooShort : ChannelDataError::Truncated);
    }
    EXPECT_TRUE(parse_channel_data(whole));
}

TEST(ChannelData, NumbersThatCannotBeBoundAreRefused) {
    for (const unsigned channel : {0x0000U, 0x3fffU, 0x8000U, 0xffffU}) {
        std::array<std::uint8_t, 4> bytes{};
        write_channel_header(bytes.data(), static_cast<std::uint16_t>(channel), 0);
        EXPECT_EQ(parse_channel_data(bytes).error(), ChannelDataError::BadChannel) << channel;
    }
}

TEST(ChannelData, MayBeEmptyAndMayBeTheLargestDatagram) {
    EXPECT_TRUE(parse_channel_data(std::array<std::uint8_t, 4>{0x40, 0, 0, 0})->data.empty());
    std::vector<std::uint8_t> bytes(4 + 65535);
    write_channel_header(bytes.data(), kMaxChannel, 65535);
    EXPECT_EQ(parse_channel_data(bytes)->data.size(), 65535U);
}

TEST(ChannelData, OnAStreamTheSizeIsPaddedToFour) {
    EXPECT_EQ(channel_stream_size(0), 4U);
    EXPECT_EQ(channel_stream_size(1), 8U);
    EXPECT_EQ(channel_stream_size(4), 8U);
    EXPECT_EQ(channel_stream_size(65535), 65540U);
}

}  // namespace
}  // namespace turnbuckle::stun
