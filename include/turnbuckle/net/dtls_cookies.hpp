// Cookies that the server need not remember (RFC 6347 section 4.2.1).
//
// A cookie is a MAC over the client's address and port, the server's, and what the client must
// repeat of its ClientHello: whoever returns it receives at that address. Keys are derived from one
// master key and the minute, so that all workers agree and none has to rotate anything; a cookie is
// good in its minute and the next. One per worker, because it keeps the keys it last derived. No
// heap.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "turnbuckle/base/address.hpp"
#include "turnbuckle/base/bytes.hpp"
#include "turnbuckle/base/secret.hpp"
#include "turnbuckle/base/time.hpp"

namespace turnbuckle::net {

class DtlsCookies {
public:
    static constexpr std::size_t kMasterKeyLength = 32;
    // The minute's last byte and the MAC. Short, so that a HelloVerifyRequest is smaller than the
    // smallest ClientHello.
    static constexpr std::size_t kLength = 17;
    using Cookie = std::array<std::uint8_t, kLength>;

    // Throws std::invalid_argument if `master` is not kMasterKeyLength bytes.
    explicit DtlsCookies(Secret master);

    // `parameters`: DtlsHello::parameters.
    [[nodiscard]] Cookie issue(const Endpoint& client, const Endpoint& server, ByteView parameters,
                               Time now) const noexcept;
    [[nodiscard]] bool check(ByteView cookie, const Endpoint& client, const Endpoint& server,
                             ByteView parameters, Time now) const noexcept;

private:
    using Key = std::array<std::uint8_t, 32>;
    struct MinuteKey {
        std::uint64_t minute = UINT64_MAX;
        Key key{};
    };

    [[nodiscard]] const Key& key_of(std::uint64_t minute) const noexcept;
    [[nodiscard]] Cookie cookie_of(std::uint64_t minute, const Endpoint& client,
                                   const Endpoint& server, ByteView parameters) const noexcept;

    Secret master_;
    mutable std::array<MinuteKey, 2> keys_;
};

}  // namespace turnbuckle::net
