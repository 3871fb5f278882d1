#include "turnbuckle/stun/opaque_string.hpp"

#include <string>

#include <gtest/gtest.h>

namespace turnbuckle::stun {
namespace {

// What a text becomes; "!" for one that is not allowed.
std::string enforced(std::string_view text) {
    const auto result = enforce_opaque_string(text);
    if (result) return *result;
    EXPECT_EQ(result.error(), OpaqueStringError::Disallowed);
    return "!";
}

TEST(OpaqueString, PrintableAsciiIsCopied) {
    std::string all;
    for (char c = 0x20; c < 0x7f; ++c)
        all += c;
    EXPECT_EQ(enforced(all), all);
    EXPECT_EQ(enforced("1767225600:alice"), "1767225600:alice");
}

TEST(OpaqueString, TheExamplesOfRfc8265Section43AreAsItSays) {
    EXPECT_EQ(enforced("correct horse battery staple"), "correct horse battery staple");
    EXPECT_EQ(enforced("Correct Horse Battery Staple"), "Correct Horse Battery Staple");
    EXPECT_EQ(enforced("\u03C0\u00DF\u00E5"), "\u03C0\u00DF\u00E5");
    EXPECT_EQ(enforced("Jack of \u2666s"), "Jack of \u2666s");
    EXPECT_EQ(enforced("foo\u1680bar"), "foo bar");
    EXPECT_EQ(enforce_opaque_string("").error(), OpaqueStringError::Empty);
    EXPECT_EQ(enforced("my cat is a \tby"), "!");
}

TEST(OpaqueString, BadUtf8IsToldApart) {
    EXPECT_EQ(enforce_opaque_string("\xff").error(), OpaqueStringError::NotUtf8);
    EXPECT_EQ(enforce_opaque_string("a\xed\xa0\x80").error(), OpaqueStringError::NotUtf8);
}

TEST(OpaqueString, TheUsernameOfTheStunVectorsIsUnchanged) {
    EXPECT_EQ(enforced("\u30DE\u30C8\u30EA\u30C3\u30AF\u30B9"),
              "\u30DE\u30C8\u30EA\u30C3\u30AF\u30B9");
}

TEST(OpaqueString, TheirPasswordIsRefusedForItsSoftHyphenWhichSaslprepDropped) {
    EXPECT_EQ(enforced("The\u00ADM\u00AAtr\u2168"), "!");
    // Nor are compatibility characters folded: RFC 8265 section 6.1.
    EXPECT_EQ(enforced("M\u00AAtr\u2168"), "M\u00AAtr\u2168");
}

TEST(OpaqueString, IsComposedToNfc) {
    EXPECT_EQ(enforced("e\u0301"), "\u00E9");
    EXPECT_EQ(enforced("\u212B"), "\u00C5");
    EXPECT_EQ(enforced("\u1100"), "!");       // a conjoining jamo
    EXPECT_EQ(enforced("\uAC00"), "\uAC00");  // the syllable
    EXPECT_EQ(enforced("\uFF21"), "\uFF21");  // full width stays
}

TEST(OpaqueString, EachSpaceSeparatorBecomesASpace) {
    for (const char* space :
         {"\u00A0", "\u1680", "\u2000", "\u2009", "\u202F", "\u205F", "\u3000"}) {
        EXPECT_EQ(enforced(std::string("a") + space + "b"), "a b");
    }
}

TEST(OpaqueString, ControlsIgnorablesAndUnassignedAreRefused) {
    for (const char* bad :
         {"\x01", "\x7f", "\u0085", "\u200B", "\u2028", "\u2029", "\uFEFF", "\uE000", "\uFFFE",
          "\U0010FFFF", "\u0378", "\u202E", "\u034F", "\u0640", "\u3031"}) {
        EXPECT_EQ(enforced(std::string("a") + bad), "!");
    }
    EXPECT_EQ(enforced(std::string_view("a\0b", 3)), "!");
}

TEST(OpaqueString, ContextualCodePointsNeedTheirContext) {
    EXPECT_EQ(enforced("l\u00B7l"), "l\u00B7l");
    EXPECT_EQ(enforced("a\u00B7l"), "!");
    EXPECT_EQ(enforced("\u00B7"), "!");
    EXPECT_EQ(enforced("\u0375\u03B1"), "\u0375\u03B1");
    EXPECT_EQ(enforced("\u0375a"), "!");
    EXPECT_EQ(enforced("\u05D0\u05F3"), "\u05D0\u05F3");
    EXPECT_EQ(enforced("a\u05F4"), "!");
    EXPECT_EQ(enforced("\u30DE\u30FB"), "\u30DE\u30FB");
    EXPECT_EQ(enforced("a\u30FB"), "!");
    EXPECT_EQ(enforced("\u0661\u0662"), "\u0661\u0662");
    EXPECT_EQ(enforced("\u06F1"), "\u06F1");
    EXPECT_EQ(enforced("\u0661\u06F1"), "!");
    EXPECT_EQ(enforced("\u06F1\u0661"), "!");
}

// RFC 8264 section 7: the behavioral rules come last. Composed, the second l is an ĺ (U+013A), and
// the middle dot has lost its context.
TEST(OpaqueString, ContextThatComposingTakesAwayIsNoContext) {
    EXPECT_EQ(enforced("l\u00B7l\u0301"), "!");
    EXPECT_EQ(enforced("l\u0301\u00B7l"), "!");
}

TEST(OpaqueString, JoinersNeedALetterThatJoins) {
    EXPECT_EQ(enforced("\u0915\u094D\u200D\u0937"), "\u0915\u094D\u200D\u0937");
    EXPECT_EQ(enforced("a\u200Db"), "!");
    EXPECT_EQ(enforced("\u0915\u094D\u200C\u0937"), "\u0915\u094D\u200C\u0937");
    // Two dual-joining letters, with a transparent mark between.
    EXPECT_EQ(enforced("\u0628\u064E\u200C\u0628"), "\u0628\u064E\u200C\u0628");
    EXPECT_EQ(enforced("a\u200Cb"), "!");
    EXPECT_EQ(enforced("\u200C"), "!");
    EXPECT_EQ(enforced("\u0628\u200C"), "!");
}

}  // namespace
}  // namespace turnbuckle::stun
