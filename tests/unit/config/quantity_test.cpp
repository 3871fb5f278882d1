#include "turnbuckle/config/quantity.hpp"

#include <random>

namespace turnbuckle::config {
namespace {

using namespace std::chrono_literals;

TEST(Quantity, ReadsDurationsInEveryUnit) {
    EXPECT_EQ(parse_duration("600s"), 600s);
    EXPECT_EQ(parse_duration("10m"), 600s);
    EXPECT_EQ(parse_duration("1h"), 3600s);
    EXPECT_EQ(parse_duration("2d"), 172800s);
    EXPECT_EQ(parse_duration("0s"), 0s);
    EXPECT_EQ(parse_duration("365d"), kMaxDuration);
}

TEST(Quantity, RefusesWhatIsNotOneNumberAndOneUnit) {
    for (const char* text : {"", "s", "600", "10 m", " 10m", "10m ", "-1s", "+1s", "1.5h", "1h30m",
                             "10ms", "10M", "0x10s", "366d", "99999999999999999999s"}) {
        EXPECT_EQ(parse_duration(text), std::nullopt) << text;
    }
}

TEST(Quantity, ReadsRatesAsPowersOfAThousand) {
    EXPECT_EQ(parse_bit_rate("0"), BitRate{0});
    EXPECT_EQ(parse_bit_rate("1bit"), BitRate{1});
    EXPECT_EQ(parse_bit_rate("250kbit"), BitRate{250'000});
    EXPECT_EQ(parse_bit_rate("5Mbit"), BitRate{5'000'000});
    EXPECT_EQ(parse_bit_rate("10Gbit"), BitRate{10'000'000'000});
    EXPECT_EQ(parse_bit_rate("18446744073709551615bit"), BitRate{~std::uint64_t{0}});
}

TEST(Quantity, RefusesRatesThatItMightMisread) {
    for (const char* text : {"", "5", "5M", "5mbit", "5MB", "5 Mbit", "-5Mbit", "0.5Mbit",
                             "18446744073709551616bit", "18446744074Gbit"}) {
        EXPECT_EQ(parse_bit_rate(text), std::nullopt) << text;
    }
}

TEST(Quantity, ReadsSizesAsPowersOf1024) {
    EXPECT_EQ(parse_byte_size("1B"), ByteSize{1});
    EXPECT_EQ(parse_byte_size("512KiB"), ByteSize{512 * 1024});
    EXPECT_EQ(parse_byte_size("1MiB"), ByteSize{1024 * 1024});
    EXPECT_EQ(parse_byte_size("2GiB"), ByteSize{2'147'483'648});
}

TEST(Quantity, RefusesSizesThatItMightMisread) {
    for (const char* text : {"", "1", "1MB", "1M", "1 MiB", "-1MiB", "1.5MiB", "17179869184GiB"}) {
        EXPECT_EQ(parse_byte_size(text), std::nullopt) << text;
    }
}

TEST(Quantity, WritesInTheLargestUnitThatDivides) {
    EXPECT_EQ(format_duration(0s), "0s");
    EXPECT_EQ(format_duration(90s), "90s");
    EXPECT_EQ(format_duration(600s), "10m");
    EXPECT_EQ(format_duration(7200s), "2h");
    EXPECT_EQ(format_duration(86400s), "1d");
    EXPECT_EQ(format_bit_rate({0}), "0");
    EXPECT_EQ(format_bit_rate({1500}), "1500bit");
    EXPECT_EQ(format_bit_rate({1'500'000}), "1500kbit");
    EXPECT_EQ(format_bit_rate({5'000'000}), "5Mbit");
    EXPECT_EQ(format_byte_size({0}), "0B");
    EXPECT_EQ(format_byte_size({1023}), "1023B");
    EXPECT_EQ(format_byte_size({1536}), "1536B");
    EXPECT_EQ(format_byte_size({3 * 1024 * 1024}), "3MiB");
}

TEST(Quantity, ReadsBackWhatItWrites) {
    std::mt19937_64 random(1);
    for (int i = 0; i < 1000; ++i) {
        const std::chrono::seconds duration(random() % 31'536'000);
        EXPECT_EQ(parse_duration(format_duration(duration)), duration);
        const BitRate rate{random() >> (random() % 64)};
        EXPECT_EQ(parse_bit_rate(format_bit_rate(rate)), rate);
        const ByteSize size{random() >> (random() % 64)};
        EXPECT_EQ(parse_byte_size(format_byte_size(size)), size);
    }
}

}  // namespace
}  // namespace turnbuckle::config
