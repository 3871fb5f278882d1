#include "turnbuckle/net/dtls_cookies.hpp"

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "turnbuckle/stun/integrity.hpp"

namespace turnbuckle::net {

namespace {

std::uint64_t minute_of(Time now) noexcept {
    const auto minutes = std::chrono::floor<std::chrono::minutes>(now.time_since_epoch()).count();
    return static_cast<std::uint64_t>(minutes);
}

// Family, address, port: of a length that the first byte tells, so that no two inputs read the
// same.
std::uint8_t* write_endpoint(std::uint8_t* out, const Endpoint& endpoint) noexcept {
    *out++ = static_cast<std::uint8_t>(endpoint.ip.family());
    out = std::ranges::copy(endpoint.ip.bytes(), out).out;
    store_be16(out, endpoint.port);
    return out + 2;
}

}  // namespace

DtlsCookies::DtlsCookies(Secret master) : master_(std::move(master)) {
    if (master_.reveal().size() != kMasterKeyLength)
        throw std::invalid_argument("the key of the DTLS cookies must be 32 bytes");
}

const DtlsCookies::Key& DtlsCookies::key_of(std::uint64_t minute) const noexcept {
    MinuteKey& kept = keys_[minute % keys_.size()];
    if (kept.minute != minute) {
        std::array<std::uint8_t, 8> bytes{};
        store_be64(bytes.data(), minute);
        kept = {minute,
                stun::hmac_sha256(as_bytes(master_.reveal()), as_bytes("dtls cookie"), bytes)};
    }
    return kept.key;
}

DtlsCookies::Cookie DtlsCookies::cookie_of(std::uint64_t minute, const Endpoint& client,
                                           const Endpoint& server,
                                           ByteView parameters) const noexcept {
    std::array<std::uint8_t, 2 * (1 + 16 + 2)> ends{};
    const std::uint8_t* end = write_endpoint(write_endpoint(ends.data(), client), server);
    const auto digest = stun::hmac_sha256(key_of(minute), {ends.data(), end}, parameters);
    Cookie cookie{static_cast<std::uint8_t>(minute)};
    std::copy_n(digest.begin(), kLength - 1, cookie.begin() + 1);
    return cookie;
}

DtlsCookies::Cookie DtlsCookies::issue(const Endpoint& client, const Endpoint& server,
                                       ByteView parameters, Time now) const noexcept {
    return cookie_of(minute_of(now), client, server, parameters);
}

bool DtlsCookies::check(ByteView cookie, const Endpoint& client, const Endpoint& server,
                        ByteView parameters, Time now) const noexcept {
    if (cookie.size() != kLength) return false;
    // The worker that issued it may have read the clock a little later than this one: age -1.
    const std::uint64_t current = minute_of(now);
    const auto age = static_cast<std::int8_t>(static_cast<std::uint8_t>(current) - cookie[0]);
    if (age < -1 || age > 1) return false;
    const std::uint64_t minute = current - static_cast<std::uint64_t>(std::int64_t{age});
    return constant_time_equal(cookie, cookie_of(minute, client, server, parameters));
}

}  // namespace turnbuckle::net
