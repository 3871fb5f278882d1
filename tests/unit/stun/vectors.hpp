// The published test vectors of STUN: RFC 5769 section 2 and RFC 8489 appendix B.1, as bytes.
//
// Hexadecimal as printed, one word per group; vector_bytes() turns them into bytes.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace turnbuckle::stun::vectors {

// Password of sections 2.1 to 2.3 of RFC 5769: the key of the short-term mechanism.
inline constexpr std::string_view kShortTermPassword = "VOkJxbRl1RmTxUk/WvJxBt";
// Section 2.4 and appendix B.1; the password is what SASLprep (not OpaqueString, whatever appendix
// B.1 says) makes of "The<U+00AD>M<U+00AA>tr<U+2168>".
inline constexpr std::string_view kUsername = "\u30DE\u30C8\u30EA\u30C3\u30AF\u30B9";
inline constexpr std::string_view kRealm = "example.org";
inline constexpr std::string_view kPassword = "TheMatrIX";

// Section 2.1; USERNAME is padded with spaces.
inline constexpr std::string_view kRfc5769Request =
    "00 01 00 58 21 12 a4 42 b7 e7 a7 01 bc 34 d6 86 fa 87 df ae 80 22 00 10 "
    "53 54 55 4e 20 74 65 73 74 20 63 6c 69 65 6e 74 00 24 00 04 6e 00 01 ff "
    "80 29 00 08 93 2f f9 b1 51 26 3b 36 00 06 00 09 65 76 74 6a 3a 68 36 76 "
    "59 20 20 20 00 08 00 14 9a ea a7 0c bf d8 cb 56 78 1e f2 b5 b2 d3 f2 49 "
    "c1 b5 71 a2 80 28 00 04 e5 7a 3b cf";

// Section 2.2; SOFTWARE is padded with a space.
inline constexpr std::string_view kRfc5769Ipv4Response =
    "01 01 00 3c 21 12 a4 42 b7 e7 a7 01 bc 34 d6 86 fa 87 df ae 80 22 00 0b "
    "74 65 73 74 20 76 65 63 74 6f 72 20 00 20 00 08 00 01 a1 47 e1 12 a6 43 "
    "00 08 00 14 2b 91 f5 99 fd 9e 90 c3 8c 74 89 f9 2a f9 ba 53 f0 6b e7 d7 "
    "80 28 00 04 c0 7d 4c 96";

// Section 2.3.
inline constexpr std::string_view kRfc5769Ipv6Response =
    "01 01 00 48 21 12 a4 42 b7 e7 a7 01 bc 34 d6 86 fa 87 df ae 80 22 00 0b "
    "74 65 73 74 20 76 65 63 74 6f 72 20 00 20 00 14 00 02 a1 47 01 13 a9 fa "
    "a5 d3 f1 79 bc 25 f4 b5 be d2 b9 d9 00 08 00 14 a3 82 95 4e 4b e6 7b f1 "
    "17 84 c9 7c 82 92 c2 75 bf e3 ed 41 80 28 00 04 c8 fb 0b 4c";

// Section 2.4: long-term credential, no FINGERPRINT.
inline constexpr std::string_view kRfc5769LongTermRequest =
    "00 01 00 60 21 12 a4 42 78 ad 34 33 c6 ad 72 c0 29 da 41 2e 00 06 00 12 "
    "e3 83 9e e3 83 88 e3 83 aa e3 83 83 e3 82 af e3 82 b9 00 00 00 15 00 1c "
    "66 2f 2f 34 39 39 6b 39 35 34 64 36 4f 4c 33 34 6f 4c 39 46 53 54 76 79 "
    "36 34 73 41 00 14 00 0b 65 78 61 6d 70 6c 65 2e 6f 72 67 00 00 08 00 14 "
    "f6 70 24 65 6d d6 4a 3e 02 b8 e0 71 2e 85 c9 a2 8c a8 96 66";

// RFC 8489 appendix B.1 as printed. Erratum 6268: its Length field (0x9c) counts the header, the
// HMAC was made over that wrong field, and PASSWORD-ALGORITHM, without which MD5 would have to make
// the key, is missing.
inline constexpr std::string_view kRfc8489AsPrinted =
    "00 01 00 9c 21 12 a4 42 78 ad 34 33 c6 ad 72 c0 29 da 41 2e 00 1e 00 20 "
    "4a 3c f3 8f ef 69 92 bd a9 52 c6 78 04 17 da 0f 24 81 94 15 56 9e 60 b2 "
    "05 c4 6e 41 40 7f 17 04 00 15 00 29 6f 62 4d 61 74 4a 6f 73 32 41 41 41 "
    "43 66 2f 2f 34 39 39 6b 39 35 34 64 36 4f 4c 33 34 6f 4c 39 46 53 54 76 "
    "79 36 34 73 41 00 00 00 00 14 00 0b 65 78 61 6d 70 6c 65 2e 6f 72 67 00 "
    "00 1c 00 20 e4 68 6c 8f 0e de b5 90 13 e0 70 90 01 0a 93 ef cc bc cc 54 "
    "4c 0a 45 d9 f8 30 aa 6d 6f 73 5a 01";

// Appendix B.1 as erratum 6268 corrects it.
inline constexpr std::string_view kRfc8489Request =
    "00 01 00 90 21 12 a4 42 78 ad 34 33 c6 ad 72 c0 29 da 41 2e 00 1e 00 20 "
    "4a 3c f3 8f ef 69 92 bd a9 52 c6 78 04 17 da 0f 24 81 94 15 56 9e 60 b2 "
    "05 c4 6e 41 40 7f 17 04 00 15 00 29 6f 62 4d 61 74 4a 6f 73 32 41 41 41 "
    "43 66 2f 2f 34 39 39 6b 39 35 34 64 36 4f 4c 33 34 6f 4c 39 46 53 54 76 "
    "79 36 34 73 41 00 00 00 00 14 00 0b 65 78 61 6d 70 6c 65 2e 6f 72 67 00 "
    "00 1d 00 04 00 02 00 00 00 1c 00 20 b5 c7 bf 00 5b 6c 52 a2 1c 51 c5 e8 "
    "92 f8 19 24 13 62 96 cb 92 7c 43 14 93 09 27 8c c6 51 8e 65";

// `hex`: pairs of digits, with spaces anywhere between pairs.
[[nodiscard]] inline std::vector<std::uint8_t> vector_bytes(std::string_view hex) {
    const auto digit = [](char c) { return c <= '9' ? c - '0' : c - 'a' + 10; };
    std::vector<std::uint8_t> bytes;
    for (std::size_t i = 0; i < hex.size(); i += 2) {
        while (hex[i] == ' ')
            ++i;
        bytes.push_back(static_cast<std::uint8_t>(digit(hex[i]) * 16 + digit(hex[i + 1])));
    }
    return bytes;
}

}  // namespace turnbuckle::stun::vectors
