// Digests of STUN: HMACs, the keys they run under, USERHASH and the FINGERPRINT's CRC-32.
//
// RFC 8489 sections 9.2.2, 14.4 to 14.7, 18.5. All from OpenSSL and zlib. Any thread: algorithms
// are fetched once per process, contexts kept per thread, so a call allocates nothing after a
// thread's first. Texts are taken as they are: OpaqueString is the caller's (opaque_string.hpp). A
// digest that OpenSSL does not offer ends the process; require_digests() finds that out at start.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "turnbuckle/base/bytes.hpp"

namespace turnbuckle::stun {

using Md5Digest = std::array<std::uint8_t, 16>;
using Sha1Digest = std::array<std::uint8_t, 20>;
using Sha256Digest = std::array<std::uint8_t, 32>;

// Throws std::runtime_error if MD5, SHA-1 or SHA-256 is missing (a FIPS provider has no MD5).
void require_digests();

// Over `head` followed by `rest`: a message is digested with a changed header, without a copy.
[[nodiscard]] Sha1Digest hmac_sha1(ByteView key, ByteView head, ByteView rest = {}) noexcept;
[[nodiscard]] Sha256Digest hmac_sha256(ByteView key, ByteView head, ByteView rest = {}) noexcept;

// Digest of username ":" realm ":" password.
[[nodiscard]] Md5Digest long_term_key_md5(std::string_view username, std::string_view realm,
                                          std::string_view password) noexcept;
[[nodiscard]] Sha256Digest long_term_key_sha256(std::string_view username, std::string_view realm,
                                                std::string_view password) noexcept;

// SHA-256 of username ":" realm: the value of USERHASH.
[[nodiscard]] Sha256Digest user_hash(std::string_view username, std::string_view realm) noexcept;

// The CRC-32 of `bytes` XORed with 0x5354554e: the value of FINGERPRINT.
[[nodiscard]] std::uint32_t fingerprint(ByteView bytes) noexcept;

}  // namespace turnbuckle::stun
