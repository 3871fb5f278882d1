#include "turnbuckle/stun/integrity.hpp"

#include <algorithm>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "unit/stun/vectors.hpp"

namespace turnbuckle::stun {
namespace {

using vectors::vector_bytes;

template <class Digest>
bool is(const Digest& digest, std::string_view hex) {
    return std::ranges::equal(digest, vector_bytes(hex));
}

TEST(Digests, AreThereAtStart) {
    EXPECT_NO_THROW(require_digests());
}

TEST(HmacSha1, GivesTheVectorsOfRfc2202) {
    const std::vector<std::uint8_t> key(20, 0x0b);
    EXPECT_TRUE(
        is(hmac_sha1(key, as_bytes("Hi There")), "b617318655057264e28bc0b6fb378c8ef146be00"));
    EXPECT_TRUE(is(hmac_sha1(as_bytes("Jefe"), as_bytes("what do ya want for nothing?")),
                   "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"));
    // A key longer than a block is hashed first.
    const std::vector<std::uint8_t> long_key(80, 0xaa);
    EXPECT_TRUE(
        is(hmac_sha1(long_key, as_bytes("Test Using Larger Than Block-Size Key - Hash Key First")),
           "aa4ae5e15272d00e95705637ce8a3b55ed402112"));
}

TEST(HmacSha256, GivesTheVectorsOfRfc4231) {
    const std::vector<std::uint8_t> key(20, 0x0b);
    EXPECT_TRUE(is(hmac_sha256(key, as_bytes("Hi There")),
                   "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"));
    EXPECT_TRUE(is(hmac_sha256(as_bytes("Jefe"), as_bytes("what do ya want for nothing?")),
                   "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"));
}

TEST(Hmac, HeadAndRestAreOneMessage) {
    const std::string text = "what do ya want for nothing?";
    for (std::size_t cut = 0; cut <= text.size(); ++cut) {
        const ByteView all = as_bytes(text);
        EXPECT_EQ(hmac_sha1(as_bytes("Jefe"), all.first(cut), all.subspan(cut)),
                  hmac_sha1(as_bytes("Jefe"), all));
    }
}

TEST(Hmac, AnEmptyKeyIsNotTheKeyOfTheLastCall) {
    const Sha1Digest other = hmac_sha1(as_bytes("Jefe"), {});
    const Sha1Digest empty = hmac_sha1({}, {});
    EXPECT_NE(empty, other);
    EXPECT_TRUE(is(empty, "fbdb1d1b18aa6c08324b7d64b71fb76370690e1d"));
    EXPECT_TRUE(is(hmac_sha256({}, {}),
                   "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad"));
}

TEST(Hmac, EachThreadHasItsOwnContext) {
    std::vector<std::jthread> threads;
    std::vector<int> wrong(4, 0);
    for (std::size_t t = 0; t < wrong.size(); ++t) {
        threads.emplace_back([t, &wrong] {
            const std::vector<std::uint8_t> key(16 + t, static_cast<std::uint8_t>(t));
            const Sha1Digest expected = hmac_sha1(key, as_bytes("message"));
            for (int i = 0; i < 2000; ++i) {
                if (hmac_sha1(key, as_bytes("message")) != expected) ++wrong[t];
            }
        });
    }
    threads.clear();
    EXPECT_EQ(wrong, std::vector<int>(4, 0));
}

TEST(LongTermKeys, AreDigestsOfTheTextsJoinedByColons) {
    // printf 'user:realm:pass' | md5sum, | sha256sum; the first is also RFC 5389's own example.
    EXPECT_TRUE(is(long_term_key_md5("user", "realm", "pass"), "8493fbc53ba582fb4c044c456bdc40eb"));
    EXPECT_TRUE(is(long_term_key_sha256("user", "realm", "pass"),
                   "07e934117abd40836e7c6329b54731b2b2d2a5f9a71f544922d75e0730d8251b"));
    EXPECT_NE(long_term_key_md5("a:b", "c", "d"), long_term_key_md5("a", "b", "d"));
}

TEST(Fingerprint, IsTheXoredCrc32OfZlib) {
    EXPECT_EQ(fingerprint(as_bytes("123456789")), 0xcbf43926U ^ 0x5354554eU);
    EXPECT_EQ(fingerprint({}), 0x5354554eU);
}

}  // namespace
}  // namespace turnbuckle::stun
