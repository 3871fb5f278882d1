#include "turnbuckle/auth/rest_credential.hpp"

#include <algorithm>
#include <charconv>

#include <openssl/evp.h>

#include "turnbuckle/stun/integrity.hpp"

namespace turnbuckle::auth {

namespace {

Secret base64(ByteView bytes) {
    // Four characters for every three bytes begun, and the NUL that OpenSSL adds.
    std::string text((bytes.size() + 2) / 3 * 4 + 1, '\0');
    EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()), bytes.data(),
                    static_cast<int>(bytes.size()));
    text.pop_back();
    return Secret(std::move(text));
}

// Year 9999: what any other program can still show, and far from where seconds would overflow.
constexpr std::int64_t kLatestExpiry = 253'402'300'799;

}  // namespace

std::optional<RestUsername> parse_rest_username(std::string_view username,
                                                std::string_view separator) {
    const std::size_t end = username.find(separator);
    const std::string_view expiry = username.substr(0, end);
    const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
    if (!std::ranges::all_of(expiry, is_digit)) return std::nullopt;
    std::int64_t seconds = 0;
    const auto [stop, error] =
        std::from_chars(expiry.data(), expiry.data() + expiry.size(), seconds);
    if (error != std::errc{} || seconds > kLatestExpiry) return std::nullopt;
    RestUsername parsed{WallTime(std::chrono::seconds(seconds)), {}};
    if (end != std::string_view::npos) parsed.name = username.substr(end + separator.size());
    return parsed;
}

Secret rest_password(const Secret& secret, std::string_view username, RestDigest digest) {
    const ByteView key = as_bytes(secret.reveal());
    if (digest == RestDigest::Sha1) return base64(stun::hmac_sha1(key, as_bytes(username)));
    return base64(stun::hmac_sha256(key, as_bytes(username)));
}

}  // namespace turnbuckle::auth
