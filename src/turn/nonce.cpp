#include "turnbuckle/turn/nonce.hpp"

#include <algorithm>
#include <stdexcept>
#include <string_view>
#include <utility>

#include "turnbuckle/stun/integrity.hpp"

namespace turnbuckle::turn {

namespace {

constexpr std::string_view kCookie = "obMatJos2";
constexpr std::size_t kFeatureCharacters = 4;
constexpr std::size_t kPrefixLength = kCookie.size() + kFeatureCharacters;

// RFC 4648 sections 4 and 5: '+' and '/' (the cookie, whose alphabet RFC 8489 gives) or '-' and
// '_'.
constexpr std::string_view kBase64 =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::string_view kBase64Url =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

// Epochs are of fixed length, not of one lifetime, so that changing the lifetime changes no key.
constexpr std::uint64_t kEpochMs = 3'600'000;

// Workers read the clock once per batch: a nonce may be a little younger than another worker's now.
constexpr std::uint64_t kClockSlackMs = 2000;

constexpr std::uint64_t kTimeMask = (std::uint64_t{1} << 40) - 1;

std::uint64_t milliseconds_of(Time t) noexcept {
    const auto ms = std::chrono::floor<std::chrono::milliseconds>(t.time_since_epoch()).count();
    return static_cast<std::uint64_t>(ms) & kTimeMask;
}

// Three bytes are four characters: lengths here are multiples of these, so nothing is padded.
void encode(ByteView bytes, std::string_view alphabet, std::uint8_t* out) noexcept {
    for (std::size_t i = 0; i + 3 <= bytes.size(); i += 3) {
        const std::uint32_t group =
            (std::uint32_t{bytes[i]} << 16) | (std::uint32_t{bytes[i + 1]} << 8) | bytes[i + 2];
        for (const unsigned shift : {18u, 12u, 6u, 0u})
            *out++ = static_cast<std::uint8_t>(alphabet[(group >> shift) & 63]);
    }
}

// The value of each character, or kNoDigit.
using Digits = std::array<std::uint8_t, 256>;
constexpr std::uint8_t kNoDigit = 64;

consteval Digits digits_of(std::string_view alphabet) {
    Digits digits{};
    digits.fill(kNoDigit);
    for (std::size_t i = 0; i < alphabet.size(); ++i)
        digits[static_cast<std::uint8_t>(alphabet[i])] = static_cast<std::uint8_t>(i);
    return digits;
}

constexpr Digits kBase64Digits = digits_of(kBase64);
constexpr Digits kBase64UrlDigits = digits_of(kBase64Url);

bool decode(ByteView text, const Digits& digits, std::uint8_t* out) noexcept {
    for (std::size_t i = 0; i + 4 <= text.size(); i += 4) {
        std::uint32_t group = 0;
        for (const std::uint8_t character : text.subspan(i, 4)) {
            if (digits[character] == kNoDigit) return false;
            group = (group << 6) | digits[character];
        }
        for (const unsigned shift : {16u, 8u, 0u})
            *out++ = static_cast<std::uint8_t>(group >> shift);
    }
    return true;
}

void store_be40(std::uint8_t* p, std::uint64_t value) noexcept {
    p[0] = static_cast<std::uint8_t>(value >> 32);
    store_be32(p + 1, static_cast<std::uint32_t>(value));
}

std::uint64_t load_be40(const std::uint8_t* p) noexcept {
    return (std::uint64_t{p[0]} << 32) | load_be32(p + 1);
}

}  // namespace

NonceAuthority::NonceAuthority(Secret master, Duration lifetime,
                               std::optional<SecurityFeatures> features)
    : master_(std::move(master)), lifetime_(lifetime), features_(features) {
    if (master_.reveal().size() != kMasterKeyLength)
        throw std::invalid_argument("the nonce key must be 32 bytes");
    if (lifetime_ <= Duration::zero())
        throw std::invalid_argument("the nonce lifetime must be positive");
}

const NonceAuthority::Key& NonceAuthority::key_of(std::uint64_t epoch) const noexcept {
    EpochKey& kept = keys_[epoch % keys_.size()];
    if (kept.epoch != epoch) {
        std::array<std::uint8_t, 8> bytes{};
        store_be64(bytes.data(), epoch);
        kept = {epoch, stun::hmac_sha256(as_bytes(master_.reveal()), as_bytes("nonce"), bytes)};
    }
    return kept.key;
}

NonceAuthority::Mac NonceAuthority::mac_of(ByteView prefix, std::uint64_t issued_ms,
                                           const Endpoint& client) const noexcept {
    const auto& key = key_of(issued_ms / kEpochMs);

    // Each part has a fixed length or is told by the one before: no two inputs read the same.
    std::array<std::uint8_t, kPrefixLength + kTimeLength + 1 + 16 + 2> input{};
    auto at = std::ranges::copy(prefix, input.begin()).out;
    store_be40(&*at, issued_ms);
    at += kTimeLength;
    *at++ = static_cast<std::uint8_t>(client.ip.family());
    at = std::ranges::copy(client.ip.bytes(), at).out;
    store_be16(&*at, client.port);
    at += 2;

    const auto length = static_cast<std::size_t>(at - input.begin());
    const auto digest = stun::hmac_sha256(key, ByteView(input).first(length));
    Mac mac{};
    std::copy_n(digest.begin(), mac.size(), mac.begin());
    return mac;
}

ByteView NonceAuthority::issue(Time now, const Endpoint& client, MutableBytes out) const noexcept {
    std::size_t prefix_length = 0;
    if (features_) {
        const auto bits = static_cast<std::uint32_t>(*features_);
        const std::array<std::uint8_t, 3> bytes{static_cast<std::uint8_t>(bits >> 16),
                                                static_cast<std::uint8_t>(bits >> 8),
                                                static_cast<std::uint8_t>(bits)};
        std::ranges::copy(kCookie, out.begin());
        encode(bytes, kBase64, out.data() + kCookie.size());
        prefix_length = kPrefixLength;
    }
    const std::uint64_t issued = milliseconds_of(now);
    const Mac mac = mac_of(out.first(prefix_length), issued, client);

    std::array<std::uint8_t, kTimeLength + kMacLength> token{};
    store_be40(token.data(), issued);
    std::ranges::copy(mac, token.begin() + kTimeLength);
    encode(token, kBase64Url, out.data() + prefix_length);
    return out.first(prefix_length + kTokenCharacters);
}

NonceStatus NonceAuthority::check(ByteView nonce, const Endpoint& client, Time now) const noexcept {
    const std::size_t prefix_length = features_of(nonce) ? kPrefixLength : 0;
    if (nonce.size() != prefix_length + kTokenCharacters) return NonceStatus::Invalid;

    std::array<std::uint8_t, kTimeLength + kMacLength> token{};
    if (!decode(nonce.subspan(prefix_length), kBase64UrlDigits, token.data()))
        return NonceStatus::Invalid;
    const std::uint64_t issued = load_be40(token.data());
    const Mac expected = mac_of(nonce.first(prefix_length), issued, client);
    if (!constant_time_equal(expected, ByteView(token).last(kMacLength)))
        return NonceStatus::Invalid;

    const std::uint64_t now_ms = milliseconds_of(now);
    if (issued > now_ms)
        return issued - now_ms <= kClockSlackMs ? NonceStatus::Valid : NonceStatus::Invalid;
    const auto lifetime_ms =
        static_cast<std::uint64_t>(std::chrono::ceil<std::chrono::milliseconds>(lifetime_).count());
    return now_ms - issued < lifetime_ms ? NonceStatus::Valid : NonceStatus::Stale;
}

std::optional<SecurityFeatures> NonceAuthority::features_of(ByteView nonce) noexcept {
    // Told apart by length as well: a token alone might begin with the cookie by chance.
    if (nonce.size() <= kTokenCharacters || !as_text(nonce).starts_with(kCookie))
        return std::nullopt;
    std::array<std::uint8_t, 3> bits{};
    const ByteView text = nonce.subspan(kCookie.size(), kFeatureCharacters);
    if (!decode(text, kBase64Digits, bits.data())) return std::nullopt;
    return static_cast<SecurityFeatures>((std::uint32_t{bits[0]} << 16) |
                                         (std::uint32_t{bits[1]} << 8) | bits[2]);
}

}  // namespace turnbuckle::turn
