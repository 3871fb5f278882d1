#include "turnbuckle/base/bytes.hpp"

#include <array>

#include <gtest/gtest.h>

namespace turnbuckle {
namespace {

constexpr std::array<std::uint8_t, 9> kBytes{0xff, 0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef};

TEST(Bytes, LoadsBigEndianAtAnyAlignment) {
    EXPECT_EQ(load_be16(kBytes.data() + 1), 0x0123u);
    EXPECT_EQ(load_be32(kBytes.data() + 1), 0x01234567u);
    EXPECT_EQ(load_be64(kBytes.data() + 1), 0x0123456789abcdefu);
    EXPECT_EQ(load_be16(kBytes.data()), 0xff01u);  // the sign bit spreads nowhere
    EXPECT_EQ(load_be32(kBytes.data()), 0xff012345u);
    EXPECT_EQ(load_be64(kBytes.data()), 0xff0123456789abcdu);
}

TEST(Bytes, StoresWhatItLoadsAndNothingBeside) {
    std::array<std::uint8_t, 10> out{};
    store_be16(out.data() + 1, 0xfedc);
    EXPECT_EQ(load_be16(out.data() + 1), 0xfedcu);
    EXPECT_EQ(out[0] | out[3], 0);

    out = {};
    store_be32(out.data() + 1, 0xfedcba98u);
    EXPECT_EQ(load_be32(out.data() + 1), 0xfedcba98u);
    EXPECT_EQ(out[0] | out[5], 0);

    out = {};
    store_be64(out.data() + 1, 0xfedcba9876543210u);
    EXPECT_EQ(load_be64(out.data() + 1), 0xfedcba9876543210u);
    EXPECT_EQ(out[0] | out[9], 0);
}

TEST(Bytes, PadsToTheNextFour) {
    EXPECT_EQ(padded_to_4(0), 0u);
    EXPECT_EQ(padded_to_4(1), 4u);
    EXPECT_EQ(padded_to_4(4), 4u);
    EXPECT_EQ(padded_to_4(65533), 65536u);  // no 16-bit wrap
}

TEST(Bytes, ViewsTextAsBytesAndBack) {
    const std::string_view text("a\0\xff", 3);
    const ByteView bytes = as_bytes(text);
    EXPECT_EQ(bytes.size(), 3u);
    EXPECT_EQ(bytes[2], 0xff);
    EXPECT_EQ(as_text(bytes), text);
}

}  // namespace
}  // namespace turnbuckle
