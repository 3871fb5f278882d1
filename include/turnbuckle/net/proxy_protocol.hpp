// The PROXY protocol, versions 1 and 2: how a proxy in front says whom it forwards for.
//
// Pure functions over bytes; nothing here decides whom to believe. The specification is haproxy's
// proxy-protocol.txt, named below by its sections, and its section 5 binds the callers: a header is
// read only from senders that the configuration trusts, where it is expected, never guessed. What
// does not match the protocol exactly is an error, and ends the connection that it came on.
// v4-mapped addresses come out as the IPv4 addresses that they are, so that a client behind a
// dual-stack proxy counts as the same one as without it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <string_view>

#include "turnbuckle/base/address.hpp"
#include "turnbuckle/base/bytes.hpp"

namespace turnbuckle::net {

// The longest line of version 1 (section 2.1), its CRLF included.
inline constexpr std::size_t kMaxProxyV1Length = 107;
// What follows the 16 fixed bytes of version 2 at most: addresses, and what proxies really add
// (certificate names, unique ids). The length field alone would allow 64 KiB.
inline constexpr std::size_t kMaxProxyV2Payload = 2048;
// What write_proxy_v2() writes at most.
inline constexpr std::size_t kMaxWrittenProxyHeader = 52;

enum class ProxyTransport : std::uint8_t { Stream = 1, Datagram = 2 };  // values as on the wire

struct ProxyAddresses {
    Endpoint source;       // the client
    Endpoint destination;  // where the client connected to
    ProxyTransport transport = ProxyTransport::Stream;

    friend bool operator==(const ProxyAddresses&, const ProxyAddresses&) noexcept = default;
};

struct ProxyHeader {
    std::size_t length = 0;  // of the header; the payload follows
    std::uint8_t version = 0;
    // Nothing if the proxy speaks for itself (LOCAL) or can't tell (UNKNOWN, UNSPEC, UNIX sockets):
    // the connection's own addresses count then (sections 2.1 and 2.2).
    std::optional<ProxyAddresses> addresses;

    friend bool operator==(const ProxyHeader&, const ProxyHeader&) noexcept = default;
};

enum class ProxyError : std::uint8_t {
    NoHeader,          // it opens like neither version
    BadLine,           // version 1: not what section 2.1 spells
    UnknownVersion,    // version 2's signature, another version behind it
    UnknownCommand,    // neither LOCAL nor PROXY
    UnknownFamily,     // family or transport that version 2 does not have
    TooLong,           // longer than the limits above
    TooShort,          // version 2: too short for the addresses it announces
    BadTlv,            // version 2: TLVs that overrun the header, or a CRC32C of another size
    ChecksumMismatch,  // version 2: its CRC32C is another (section 2.2.3)
};
[[nodiscard]] std::string_view name_of(ProxyError error) noexcept;

// The header that `bytes` open with; nothing while more bytes are needed, which is decided after
// kMaxProxyV1Length or 16 + kMaxProxyV2Payload bytes at the latest. A datagram is whole: nothing is
// an error there.
[[nodiscard]] std::expected<std::optional<ProxyHeader>, ProxyError> parse_proxy_header(
    ByteView bytes);

// Whether a datagram opens with the signature of version 2. No STUN, ChannelData or DTLS does.
[[nodiscard]] bool has_proxy_v2_signature(ByteView datagram) noexcept;

// Writes a header of version 2 with the command PROXY and returns its length. `out` has at least
// kMaxWrittenProxyHeader bytes. Where the families differ, the IPv4 address is written v4-mapped.
std::size_t write_proxy_v2(MutableBytes out, const Endpoint& source, const Endpoint& destination,
                           ProxyTransport transport) noexcept;

}  // namespace turnbuckle::net
