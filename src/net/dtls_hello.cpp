#include "turnbuckle/net/dtls_hello.hpp"

namespace turnbuckle::net {

namespace {

constexpr std::uint8_t kHandshake = 22;
constexpr std::uint8_t kDtlsMajorVersion = 0xfe;
constexpr std::uint8_t kClientHello = 1;

// Section 4.1: type, version, epoch, sequence number, length.
constexpr std::size_t kRecordHeader = 13;
// Section 4.2.2: type, length, message sequence, fragment offset, fragment length.
constexpr std::size_t kMessageHeader = 12;
constexpr std::size_t kVersionLength = 2;
constexpr std::size_t kRandomLength = 32;

std::uint32_t load_be24(const std::uint8_t* p) noexcept {
    return (std::uint32_t{p[0]} << 16) | load_be16(p + 1);
}

}  // namespace

std::optional<DtlsHello> parse_dtls_hello(ByteView datagram) noexcept {
    if (datagram.size() < kRecordHeader + kMessageHeader) return std::nullopt;
    if (datagram[0] != kHandshake || datagram[1] != kDtlsMajorVersion) return std::nullopt;
    const bool in_the_clear = load_be16(&datagram[3]) == 0;
    const std::size_t record_length = load_be16(&datagram[11]);
    if (!in_the_clear || record_length > datagram.size() - kRecordHeader) return std::nullopt;

    const ByteView message = datagram.subspan(kRecordHeader, record_length);
    if (message.size() < kMessageHeader || message[0] != kClientHello) return std::nullopt;
    const bool is_first_fragment = load_be24(&message[6]) == 0;
    const std::size_t fragment_length = load_be24(&message[9]);
    if (!is_first_fragment || fragment_length > message.size() - kMessageHeader)
        return std::nullopt;

    // Section 4.2.1: version, random, session id, cookie.
    const ByteView body = message.subspan(kMessageHeader, fragment_length);
    constexpr std::size_t kFixed = kVersionLength + kRandomLength;
    if (body.size() < kFixed + 1) return std::nullopt;
    const std::size_t session_id_length = body[kFixed];
    const std::size_t cookie_at = kFixed + 1 + session_id_length;
    if (session_id_length > 32 || body.size() < cookie_at + 1) return std::nullopt;
    const std::size_t cookie_length = body[cookie_at];
    if (body.size() - cookie_at - 1 < cookie_length) return std::nullopt;
    return DtlsHello{body.subspan(kVersionLength, kRandomLength),
                     body.subspan(cookie_at + 1, cookie_length), body.first(cookie_at)};
}

}  // namespace turnbuckle::net
