#include "turnbuckle/config/scalar.hpp"

namespace turnbuckle::config {
namespace {

TEST(Scalar, ReadsWholeNumbersOfItsTypeOnly) {
    EXPECT_EQ(Scalar<std::uint16_t>::parse("0"), 0);
    EXPECT_EQ(Scalar<std::uint16_t>::parse("65535"), 65535);
    for (const char* text : {"", "65536", "-1", "+1", " 1", "1 ", "1.0", "1e3", "0x10", "1_000"}) {
        EXPECT_FALSE(Scalar<std::uint16_t>::parse(text)) << text;
    }
}

TEST(Scalar, ReadsOnlyTrueAndFalseAsTruth) {
    EXPECT_EQ(Scalar<bool>::parse("true"), true);
    EXPECT_EQ(Scalar<bool>::parse("false"), false);
    for (const char* text : {"yes", "no", "on", "off", "True", "1", ""}) {
        EXPECT_FALSE(Scalar<bool>::parse(text)) << text;
    }
}

TEST(Scalar, DoesNotTakeTheTextBeforeANulForAnAddress) {
    EXPECT_TRUE(Scalar<IpAddress>::parse("10.0.0.1"));
    EXPECT_FALSE(Scalar<IpAddress>::parse(std::string_view("10.0.0.1\0x", 10)));
    EXPECT_FALSE(Scalar<Cidr>::parse(std::string_view("10.0.0.1\0x", 10)));
}

TEST(Scalar, SuggestsTheBlockThatWasMeant) {
    EXPECT_EQ(Scalar<Cidr>::parse("192.168.1.7/24").error(),
              "an address block without host bits, such as 192.168.1.0/24");
    EXPECT_EQ(Scalar<Cidr>::parse("2001:db8::1/32").error(),
              "an address block without host bits, such as 2001:db8::/32");
    for (const char* text :
         {"", "/8", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/-1", "10.0.0/8", "::/129"}) {
        ASSERT_FALSE(Scalar<Cidr>::parse(text)) << text;
        EXPECT_EQ(Scalar<Cidr>::parse(text).error(), "an address block like 10.0.0.0/8") << text;
    }
}

TEST(Scalar, NeverWritesASecret) {
    EXPECT_EQ(Scalar<Secret>::format(Secret("hunter2")), "***");
    EXPECT_EQ(Scalar<UserKey>::format(UserKey{Secret("0123456789abcdef")}), "***");
}

TEST(Scalar, RefusesTheMarkOfAHiddenSecret) {
    EXPECT_TRUE(Scalar<Secret>::parse("**"));
    EXPECT_FALSE(Scalar<Secret>::parse("***"));
    EXPECT_FALSE(Scalar<Secret>::parse(""));
}

TEST(Scalar, ReadsKeysOfBothDigests) {
    EXPECT_EQ(Scalar<UserKey>::parse(std::string(32, '7'))->bytes.reveal(), std::string(16, 'w'));
    EXPECT_EQ(Scalar<UserKey>::parse(std::string(64, '7'))->bytes.reveal(), std::string(32, 'w'));
    for (const std::string& text :
         {std::string(), std::string(31, '7'), std::string(33, '7'), std::string(40, '7'),
          std::string(65, '7'), std::string(31, '7') + "g", "0x" + std::string(30, '7')}) {
        EXPECT_FALSE(Scalar<UserKey>::parse(text)) << text;
    }
}

TEST(Scalar, ReadsBackEveryNameOfAnEnumeration) {
    for (const auto& named : kNames<log::Level>) {
        EXPECT_EQ(Scalar<log::Level>::parse(named.name), named.value);
        EXPECT_EQ(Scalar<log::Level>::format(named.value), named.name);
        EXPECT_EQ(log::parse_level(named.name), named.value) << "the log spells it differently";
    }
    for (const auto& named : kNames<turn::Transport>) {
        EXPECT_EQ(turn::name_of(named.value), named.name) << "metrics spell it differently";
    }
}

}  // namespace
}  // namespace turnbuckle::config
