// NONCEs that the server need not remember (RFC 8489 sections 9.2 and 14.10).
//
// A nonce carries the time it was issued and a truncated HMAC-SHA256 over that time and the
// client's address and port, so a challenge to a forged source costs no memory, and a stolen nonce
// is of no use from elsewhere. Authorities made from the same master key accept each other's
// nonces: each worker has one, because it keeps the keys it last derived. No heap.
//
//   [ "obMatJos2" + 4 base64 characters of security features ]   13 characters, if asked for
//   base64url( milliseconds (5 bytes) | MAC (10 bytes) )         20 characters
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "turnbuckle/base/address.hpp"
#include "turnbuckle/base/bytes.hpp"
#include "turnbuckle/base/secret.hpp"
#include "turnbuckle/base/time.hpp"

namespace turnbuckle::turn {

// RFC 8489 section 18.1: 24 bits, "bit 0" the leftmost. (The nonce in the RFC's own appendix B
// counts from the right; the text of section 18.1 is what binds.)
enum class SecurityFeatures : std::uint32_t {
    None = 0,
    PasswordAlgorithms = 0x800000,
    UsernameAnonymity = 0x400000,
};

[[nodiscard]] constexpr SecurityFeatures operator|(SecurityFeatures a,
                                                   SecurityFeatures b) noexcept {
    return static_cast<SecurityFeatures>(static_cast<std::uint32_t>(a) |
                                         static_cast<std::uint32_t>(b));
}

[[nodiscard]] constexpr bool has(SecurityFeatures set, SecurityFeatures feature) noexcept {
    return (static_cast<std::uint32_t>(set) & static_cast<std::uint32_t>(feature)) != 0;
}

enum class NonceStatus : std::uint8_t {
    Valid,
    Stale,    // ours, issued to this client, but older than its lifetime
    Invalid,  // not ours, or issued to another client; answered with 438 all the same
};

class NonceAuthority {
public:
    static constexpr std::size_t kMasterKeyLength = 32;
    static constexpr std::size_t kMaxLength = 33;

    // `master` is kMasterKeyLength random bytes and `lifetime` positive: throws
    // std::invalid_argument otherwise. A new lifetime under the same master (a reload) keeps the
    // nonces that clients hold. With `features`, even None, each nonce opens with the nonce cookie,
    // which is how a server says that it speaks RFC 8489; without, with nothing.
    NonceAuthority(Secret master, Duration lifetime,
                   std::optional<SecurityFeatures> features = std::nullopt);

    // Writes a nonce to the front of `out` (at least kMaxLength bytes) and returns it.
    [[nodiscard]] ByteView issue(Time now, const Endpoint& client, MutableBytes out) const noexcept;

    [[nodiscard]] NonceStatus check(ByteView nonce, const Endpoint& client,
                                    Time now) const noexcept;

    // What its nonce cookie announces, if it has one. Worth asking only of a nonce that is ours.
    [[nodiscard]] static std::optional<SecurityFeatures> features_of(ByteView nonce) noexcept;

    [[nodiscard]] Duration lifetime() const noexcept { return lifetime_; }

private:
    static constexpr std::size_t kTimeLength = 5;
    static constexpr std::size_t kMacLength = 10;
    static constexpr std::size_t kTokenCharacters = (kTimeLength + kMacLength) / 3 * 4;
    using Mac = std::array<std::uint8_t, kMacLength>;

    // The key of an hour. Two are live, the current and the one before; both are kept.
    using Key = std::array<std::uint8_t, 32>;
    struct EpochKey {
        std::uint64_t epoch = UINT64_MAX;
        Key key{};
    };

    [[nodiscard]] const Key& key_of(std::uint64_t epoch) const noexcept;
    [[nodiscard]] Mac mac_of(ByteView prefix, std::uint64_t issued_ms,
                             const Endpoint& client) const noexcept;

    Secret master_;
    mutable std::array<EpochKey, 2> keys_;
    Duration lifetime_;
    std::optional<SecurityFeatures> features_;
};

}  // namespace turnbuckle::turn
